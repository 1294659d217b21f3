// What the CDN brings for a load.

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/download/looks.hpp"
#include "client/player/loads.hpp"
#include "media/container.hpp"

namespace hlsmesh {

bool Loads::fetch_range(TimeMs now, LoadId id, FetchRange range, const SegmentPtr& into) {
  Load* const load = find(id);
  if (load == nullptr || load->state != Load::State::kWaiting || !cdn_.may_range(now, load->wish)) {
    return false;
  }
  load->state = Load::State::kAtCdn;
  load->due = kNever;
  cdn_.begin(now, load->fetch, load->wish, id, range, into);
  return true;
}

MutableBytes Loads::reserve_fetch(FetchId id, size_t offset, size_t size, size_t total) {
  Load* const load = find(id);
  if (load == nullptr) return downloads_.shelf.checks.room(id, offset, size, total);
  return cdn_.room(load->fetch, load->wish, offset, size, total);
}

SegmentPtr Loads::on_fetch_bytes(TimeMs now, FetchId id, size_t size) {
  Load* const load = find(id);
  if (load == nullptr) {
    downloads_.shelf.checks.on_bytes(id, size);
    return nullptr;
  }
  CdnFetch& fetch = load->fetch;
  const SegmentPtr segment = fetch.body;
  const TransferTimes times{fetch.began_at, now};
  const Cdn::Arrival arrival = cdn_.arrive(now, fetch, load->wish, size);
  Download* const download = load->download;
  if (download != nullptr && arrival != Cdn::Arrival::kBad) {
    share(fetch, *download);
    // A load beside this one may have had them asked for.
    mesh_.take_back(now, *download, download->here);
  }
  if (download != nullptr && arrival == Cdn::Arrival::kBad) mesh_.drop(now, *download);
  // It brings all of it after all.
  if (download != nullptr && fetch.ignored()) download->at_cdn = PieceSet::all();
  if (!fetch.range.whole() && arrival != Cdn::Arrival::kMore) {
    cdn_.finish_range(now, fetch, load->wish, fetch.arrived(), NAN, NAN);
    on_range(*load, arrival, segment, times);
  }
  return segment;
}

// What comes from the CDN is passed on while it comes, once its first bytes look like media.
void Loads::share(const CdnFetch& fetch, Download& download) const {
  const SegmentPtr& body = fetch.body;
  // Where digests are needed, what has come can be checked only when all is there.
  if (body == nullptr || !downloads_.shelf.trust.admits(*body)) return;
  if (download.body == nullptr && fetch.range.whole() && body->expected() > 0 &&
      fetch.at >= kHeadBytes &&
      looks_like_media(download.segment, body->bytes().first(fetch.at), body->expected())) {
    download.body = body;
    download.at_cdn = PieceSet::all();
    download.looked = true;
  }
  if (download.body != body) return;
  const auto first = static_cast<uint32_t>(fetch.range.from / SegmentBuffer::kPieceBytes);
  for (uint32_t piece = first; body->has_piece(piece); ++piece) download.here.add(piece);
}

void Loads::unshare(TimeMs now, const Load& load) {
  const SegmentPtr& body = load.fetch.body;
  if (load.download == nullptr || body == nullptr || body->complete()) return;
  if (load.fetch.range.whole() && load.download->body == body) mesh_.drop(now, *load.download);
}

void Loads::end_range(const Load& load) {
  if (load.download != nullptr) load.download->at_cdn = PieceSet();
}

void Loads::on_range(Load& load, Cdn::Arrival arrival, const SegmentPtr& segment,
                     TransferTimes times) {
  end_range(load);
  if (arrival != Cdn::Arrival::kComplete) {
    load.state = Load::State::kWaiting;
    load.due = times.end;
    return;
  }
  Receipt receipt;
  receipt.times = times;
  receipt.kind = load.wish.kind;
  receipt.gifts = load.download->gifts;
  downloads_.count_gift(*load.download);
  stats_.cdn_segments += 1;
  downloads_.shelf.receipts.add(downloads_.shelf.cache, load.wish.segment, std::move(receipt));
  downloads_.estimates().sizes.measured(load.wish.segment, segment->size());
  mesh_.leave(times.end, *load.download);
  load.in_vain = true;
  // While peers may be asked, what they gave may still be checked.
  load.state = Load::State::kWaiting;
  load.due = times.end;
  if (!active_) give(load, *downloads_.shelf.receipts.find(load.wish.segment.key), segment);
  commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kCdn),
                  segment->segment().url);
  if (!active_) end(load);
}

void Loads::give(const Load& load, Receipt& receipt, const SegmentPtr& segment) {
  receipt.load = load.id;
  receipt.kind = load.wish.kind;
  receipt.span = load.wish.segment.span;  // a peer's word knew it less well
  downloads_.answer(load.id, load.wish.kind, segment, receipt.times);
}

bool Loads::on_fetch_done(TimeMs now, FetchId id, size_t size, double first_byte_ms,
                          double body_ms) {
  Load* const load = find(id);
  if (load == nullptr) return false;
  CdnFetch& fetch = load->fetch;
  if (!fetch.range.whole()) {
    const SegmentPtr segment = fetch.body;
    const TransferTimes times{fetch.began_at, now};
    on_range(*load, cdn_.finish_range(now, fetch, load->wish, size, first_byte_ms, body_ms),
             segment, times);
    return true;
  }
  count_level(*load);
  const SegmentPtr body = fetch.body;
  const bool alone = load->download == nullptr || load->download->gifts.empty();
  if (load->download != nullptr) mesh_.leave(now, *load->download);
  cdn_.finish(now, load->fetch, load->wish, load->id, size, first_byte_ms, body_ms, load->refused);
  if (alone) try_ranges(now, *load, body);
  end(*load);
  return true;
}

Load* Loads::on_fetch_failed(TimeMs now, FetchId id) {
  Load* const load = find(id);
  if (load == nullptr) return nullptr;
  const bool whole = load->fetch.range.whole();
  unshare(now, *load);
  cdn_.fail(now, load->fetch, load->wish, load->id, load->refused);
  if (!whole) {
    on_range(*load, Cdn::Arrival::kMore, nullptr, TransferTimes{now, now});
    return nullptr;
  }
  leave(*load);
  return load;
}

void Loads::try_ranges(TimeMs now, const Load& load, const SegmentPtr& body) {
  if (body == nullptr || !body->complete() || !cdn_.may_range(now, load.wish)) return;
  // An origin that ignores Range answers with a whole segment. Where it is slow, a viewer whose
  // buffer is short needs all of it for the next one.
  const Need needed = need(now, load);
  if (needed.duration < needed.cdn_time * 2 && needed.slack < needed.duration) return;
  downloads_.shelf.checks.try_origin(now, load.id, load.wish.kind, body);
}

bool Loads::is_checked(TimeMs now, Load& load, Receipt& receipt, const SegmentPtr& body) {
  SpotChecks& checks = downloads_.shelf.checks;
  if (!receipt.checked_by) {
    receipt.checked_by = now;
    if (!cdn_.may_range(now, load.wish)) return true;
    if (downloads_.shelf.trust.demands(load.wish.segment.key)) return true;
    checks.examine(now, load.id, load.wish.kind, receipt.gifts, body);
    // A little of what the player has left: a liar is found out by a late answer too.
    const DurationMs slack = std::max(need(now, load).slack, DurationMs::zero());
    receipt.checked_by = now + std::min(SpotChecks::kPatience, slack / 8);
  }
  if (now >= *receipt.checked_by || !checks.is_under_way(body)) return true;
  load.due = *receipt.checked_by;
  return false;
}

void Loads::fetch_instead(TimeMs now, const SegmentPtr& bad) {
  SegmentCache& cache = downloads_.shelf.cache;
  const SegmentKey& key = bad->segment().key;
  if (cache.peek(key) == bad) cache.drop(key);
  for (auto& [id, load] : loads_) {
    if (load.state != Load::State::kWaiting || !(load.wish.segment.key == key)) continue;
    if (load.download != nullptr) mesh_.drop(now, *load.download);
    load.failure = FallbackReason::kWrongSegment;
    go_to_cdn(now, load);
  }
}

void Loads::distrust(TimeMs now, const PeerId& giver) {
  const auto has = [&](const Download& each) { return has_given(each.gifts, giver); };
  for (auto& [id, load] : loads_) {
    if (load.fetch.range.whole() || load.download == nullptr || !has(*load.download)) continue;
    end_range(load);
    cdn_.abandon(load.fetch, load.wish, id, false);
    mesh_.drop(now, *load.download);
    go_to_cdn(now, load);
  }
  downloads_.for_each([&](Download& download) {
    if (has(download)) mesh_.drop(now, download);
  });
}

}  // namespace hlsmesh

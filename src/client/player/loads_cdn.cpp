// What the CDN brings for a load.

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/download/looks.hpp"
#include "client/player/loads.hpp"
#include "media/container.hpp"

namespace hlsmesh {
namespace {

// What a load has lost by peers that brought nothing: less is a round trip.
constexpr DurationMs kLostTime{100};
// Parts that the CDN is asked for: what lies behind all that peers bring, then what they have left.
constexpr int kMostRanges = 2;

}  // namespace

void Loads::go_to_cdn(TimeMs now, Load& load) {
  if (active_ && load.wish.shareable) downloads_.count_misses(now, load.wish, load.tried);
  load.state = Load::State::kAtCdn;
  load.due = kNever;
  // What has come for the most part was not waited for in vain.
  const bool in_vain = load.download == nullptr || load.ranges > 0 || !load.download->mostly_here();
  const DurationMs waited = now - load.began_at;
  // Nor was a live segment that would have come in time: else who has waited in vain a few times
  // never waits long enough to learn better.
  if (in_vain && !load.promising && waited >= kLostTime) {
    vain_until_ =
        std::min(std::max(vain_until_, now) + kVainMemory, now + kVainMemory * kVainLimit);
  }
  if (in_vain && load.for_late && load.ranges == 0) pause_for_late(now);
  const bool begun = load.download != nullptr && !load.download->here.empty();
  if (!begun && waited >= mesh_.grace()) mesh_.lose_leader(now);
  const bool joint = may_be_joint(now, load) && !load.download->from_end();
  FetchRange range;
  if (load.download != nullptr) {
    if (!load.failure) load.failure = load.download->failure;
    if (active_ && load.ranges < kMostRanges && cdn_.may_range(now, load.wish)) {
      range = mesh_.rest(*load.download, joint || load.ranges > 0);
    }
    if (player_.is_live() && waited >= kLostTime && mesh_.is_late(*load.download)) {
      mesh_.shortage().late();
    }
    const bool listens = !player_.is_live() || (load.newest && waited >= kLostTime);
    if (!joint) {
      mesh_.give_up(now, *load.download, range, listens ? load.began_at : kNever);
    } else if (waited >= kLostTime) {
      mesh_.miss(now, *load.download, kNever);
    }
    if (load.ranges++ == 0) ++stats_.missed;
  }
  if (load.failure) {
    ++stats_.fallbacks;
    Command& fallback = commands_.event(EventCode::kFallback, static_cast<double>(*load.failure));
    fallback.peer = load.parent;
    fallback.load = load.id;
  }
  const bool into = joint || !range.whole();
  cdn_.begin(now, load.fetch, load.wish, load.id, range, into ? load.download->body : nullptr);
  if (joint) advance(now, load);
}

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
  end_joint(*load);
  const MutableBytes room = cdn_.room(load->fetch, load->wish, offset, size, total);
  // The CDN says another size than neighbors do, and is right.
  if (is_joint(*load) && load->fetch.body == nullptr) end_range(*load);
  return room;
}

SegmentPtr Loads::on_fetch_bytes(TimeMs now, FetchId id, size_t size) {
  Load* const load = find(id);
  if (load == nullptr) {
    downloads_.shelf.checks.on_bytes(id, size);
    return nullptr;
  }
  end_joint(*load);
  CdnFetch& fetch = load->fetch;
  const SegmentPtr segment = fetch.body;
  const TransferTimes times{fetch.began_at, now};
  Download* const download = load->download;
  const size_t from = fetch.at;
  const Cdn::Arrival arrival = cdn_.arrive(now, fetch, load->wish, size);
  if (download != nullptr && arrival != Cdn::Arrival::kBad) {
    if (segment != nullptr && segment == download->body) {
      fetch.over = mesh_.replace(*download, from, fetch.at, fetch.over);
    }
    share(fetch, *download);
    if (is_joint(*load)) advance(now, *load);
    // A load beside this one may have had them asked for.
    mesh_.take_back(now, *download, download->here);
  }
  if (download != nullptr && arrival == Cdn::Arrival::kBad) mesh_.drop(now, *download);
  // It brings all of it after all.
  if (download != nullptr && fetch.ignored() && !is_joint(*load))
    download->at_cdn = PieceSet::all();
  if (fetch.range.whole() && arrival == Cdn::Arrival::kComplete) {
    note_whole(*load, segment, times);
  } else if (!fetch.range.whole() && arrival != Cdn::Arrival::kMore) {
    cdn_.finish_range(now, fetch, load->wish, fetch.arrived(), NAN, NAN);
    on_range(*load, arrival, segment, times);
  }
  return segment;
}

bool Loads::may_be_joint(TimeMs now, const Load& load) const {
  if (!active_ || !load.wish.shareable || !load.wish.streams || load.led) return false;
  // What the player asks for again is to be the CDN's.
  if (downloads_.shelf.receipts.given(load.wish.segment.key)) return false;
  const SegmentPtr& body = load.download->body;
  if (body != nullptr && load.fetch.body == nullptr && body->open()) return false;
  if (body != nullptr && !downloads_.shelf.trust.admits(*body)) return false;
  return needs_whole_line(need(now, load));
}

bool Loads::in_need(TimeMs now) const {
  for (const auto& [id, load] : loads_) {
    // What has come, and is not the download's, nobody can help with.
    if (load.state == Load::State::kAtCdn && load.download != nullptr &&
        (load.fetch.arrived() == 0 || load.download->body != nullptr) &&
        needs_whole_line(need(now, load)) && mesh_.may_help(now, *load.download)) {
      return true;
    }
  }
  return false;
}

void Loads::advance(TimeMs now, Load& load) {
  CdnFetch& fetch = load.fetch;
  Download& download = *load.download;
  // Its head has told another size.
  if (download.body != nullptr && fetch.body != download.body) return mesh_.drop(now, download);
  fetch.joint = download.body != nullptr;
  download.asker = download.joint = load.id;
  const Need needed = need(now, load);
  const double expected = static_cast<double>(needed.expected_bytes) / to_ms(needed.cdn_time);
  const double ms = std::max(to_ms(now - fetch.began_at), 1.0);
  const double rate = fetch.arrived() == 0 ? expected : static_cast<double>(fetch.arrived()) / ms;
  mesh_.bring_end(now, download, fetch.at, rate);
}

void Loads::help(TimeMs now, Load& load) {
  load.due = kNever;
  if (load.download == nullptr) return;
  end_joint(load);
  const SegmentPtr& body = load.download->body;
  if (body != nullptr && body->complete()) {
    if (is_joint(load)) end_early(now, load);
    return;
  }
  const bool begins = load.fetch.range.whole() && (body == nullptr || body == load.fetch.body);
  if (!is_joint(load) && (!begins || load.download->from_end() || !may_be_joint(now, load))) return;
  advance(now, load);
  mesh_.pursue(now, load.wish, need(now, load), player_.newest_believable(now));
}

void Loads::end_joint(Load& load) {
  CdnFetch& fetch = load.fetch;
  const SegmentPtr& body = fetch.body;
  if (body != nullptr && load.download != nullptr && load.download->body == body) return;
  if (fetch.joint || (body != nullptr && body->is_of_peers())) fetch.body = nullptr;
  fetch.joint = false;
}

void Loads::end_early(TimeMs now, Load& load) {
  const SegmentPtr body = load.download->body;
  Receipt* const receipt = downloads_.shelf.receipts.find(load.wish.segment.key);
  if (receipt == nullptr || receipt->given() || load.fetch.at >= body->size()) return;
  // Else the CDN brings all of it.
  if (check(now, load, *receipt, body) != Checked::kYes) return;
  if (load.fetch.range.whole()) stats_.cdn_bytes += load.fetch.arrived();
  if (load.doubts) {
    cdn_.abandon(load.fetch, load.wish, load.id, false);
  } else {
    cdn_.finish_range(now, load.fetch, load.wish, load.fetch.arrived(), NAN, NAN);
  }
  end_range(load);
  answered(now, load);
  give(load, *receipt, body);
  end(load);
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
    if (!download.from_end()) download.at_cdn = PieceSet::all();
    download.looked = true;
  }
  if (download.body != body) return;
  if (download.from_end() && !download.looked && fetch.at >= kHeadBytes) {
    download.looked =
        looks_like_media(download.segment, body->bytes().first(fetch.at), body->size());
  }
  const auto first = static_cast<uint32_t>(fetch.range.from / SegmentBuffer::kPieceBytes);
  for (uint32_t piece = first; body->has_piece(piece); ++piece) download.here.add(piece);
}

void Loads::unshare(TimeMs now, const Load& load) {
  const SegmentPtr& body = load.fetch.body;
  if (load.download == nullptr || body == nullptr || body->complete()) return;
  // Of one that has no size yet it would never be whole.
  if (is_joint(load) && !body->open()) return end_range(load);
  if (load.fetch.range.whole() && load.download->body == body) mesh_.drop(now, *load.download);
}

void Loads::end_range(const Load& load) {
  if (load.download == nullptr) return;
  load.download->at_cdn = PieceSet();
  if (is_joint(load)) load.download->joint = LoadId();
}

void Loads::on_range(Load& load, Cdn::Arrival arrival, const SegmentPtr& segment,
                     TransferTimes times) {
  end_range(load);
  if (arrival != Cdn::Arrival::kComplete) {
    load.state = Load::State::kWaiting;
    load.due = times.end;
    return;
  }
  note_joint(load, segment, times);
  // What peers gave may still be checked.
  load.state = Load::State::kWaiting;
  load.due = times.end;
  if (active_) return tell_cached(*segment);
  // Without a session no load waits.
  const SegmentKey& key = load.wish.segment.key;
  Receipt& receipt = *downloads_.shelf.receipts.find(key);
  const bool sure = downloads_.shelf.vouches(times.end, key);
  if (sure) give(load, receipt, segment);
  tell_cached(*segment);
  if (sure) return end(load);
  fetch_beside(times.end, load, receipt, segment);
}

void Loads::note_whole(Load& load, const SegmentPtr& segment, TransferTimes times) {
  const Deliveries& theirs = load.download->deliveries;
  const auto stays = [](const Delivery& each) { return !each.pieces.empty(); };
  if (segment == load.download->body && std::any_of(theirs.begin(), theirs.end(), stays)) {
    note_joint(load, segment, times);
    return tell_cached(*segment);
  }
  // Who gave another body has given nothing of this one.
  Receipt* const old = downloads_.shelf.receipts.find(load.wish.segment.key);
  if (old != nullptr && !old->given()) old->gifts.clear();
}

void Loads::note_joint(Load& load, const SegmentPtr& segment, TransferTimes times) {
  Receipt receipt;
  receipt.times = times;
  receipt.kind = load.wish.kind;
  receipt.gifts = gifts_of(*load.download, downloads_.shelf.checks.random());
  downloads_.count_gift(*load.download);
  stats_.cdn_segments += 1;
  downloads_.shelf.receipts.add(downloads_.shelf.cache, load.wish.segment, std::move(receipt));
  downloads_.estimates().sizes.measured(load.wish.segment, segment->size());
  mesh_.leave(times.end, *load.download);
  load.in_vain = true;
}

void Loads::tell_cached(const SegmentBuffer& segment) {
  commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kCdn),
                  segment.segment().url);
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
  const bool alone = load->download == nullptr || load->download->deliveries.empty();
  if (load->download != nullptr) {
    // Some of it is neighbors', and not found to be right.
    const Receipt* const receipt = downloads_.shelf.receipts.find(load->wish.segment.key);
    const bool unsure = body != nullptr && body == load->download->body && receipt != nullptr &&
                        !receipt->given() && !receipt->gifts.empty();
    mesh_.leave(now, *load->download);
    if (unsure) mesh_.drop(now, *load->download);
    end_joint(*load);
  }
  cdn_.finish(now, load->fetch, load->wish, load->id, size, first_byte_ms, body_ms, load->refused);
  if (alone) try_ranges(now, *load, body);
  end(*load);
  return true;
}

Load* Loads::on_fetch_failed(TimeMs now, FetchId id) {
  Load* const load = find(id);
  if (load == nullptr) return nullptr;
  const bool whole = load->fetch.range.whole();
  // Another part would fare no better.
  if (!whole && load->fetch.arrived() == 0) load->ranges = kMostRanges;
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
  if (body == nullptr || !body->complete()) return;
  downloads_.shelf.checks.on_whole(now, *body);
  if (!cdn_.may_range(now, load.wish)) return;
  // An origin that ignores Range answers with a whole segment. Where it is slow, a viewer whose
  // buffer is short needs all of it for the next one.
  const Need needed = need(now, load);
  if (needed.duration < needed.cdn_time * 2 && needed.slack < needed.duration) return;
  downloads_.shelf.checks.try_origin(now, load.id, load.wish.kind, body);
}

Loads::Checked Loads::check(TimeMs now, Load& load, Receipt& receipt, const SegmentPtr& body) {
  SpotChecks& checks = downloads_.shelf.checks;
  if (!receipt.checked_by) {
    receipt.checked_by = now;
    if (!load.wish.streams) return Checked::kYes;
    if (downloads_.shelf.trust.demands(load.wish.segment.key)) return Checked::kYes;
    checks.examine(now, load.id, load.wish.kind, receipt.gifts, body);
    // A little of what the player has left: a liar is found out by a late answer too.
    const DurationMs slack = std::max(need(now, load).slack, DurationMs::zero());
    receipt.checked_by = now + std::min(SpotChecks::kPatience, slack / 8);
  }
  if (now < *receipt.checked_by && checks.is_under_way(body)) {
    load.due = *receipt.checked_by;
    return Checked::kNotYet;
  }
  // An answer may have been lost: only one that came speaks for a stranger.
  return downloads_.shelf.vouches(now, body->segment().key) ? Checked::kYes : Checked::kNo;
}

void Loads::fetch_beside(TimeMs now, Load& load, const Receipt& receipt, const SegmentPtr& body) {
  load.due = kNever;
  Download& download = *load.download;
  if (download.from_end()) return;  // another load does it for both
  if (download.body != body) {
    mesh_.drop(now, download);
    download.body = body;
    download.here = body->pieces();
    for (const Gift& gift : receipt.gifts) download.deliveries.push_back(Delivery{gift.giver, {}});
  }
  download.joint = load.id;
  load.state = Load::State::kAtCdn;
  load.doubts = true;
  cdn_.begin(now, load.fetch, load.wish, load.id, FetchRange(), body);
  load.fetch.joint = true;
}

void Loads::fetch_instead(TimeMs now, const SegmentPtr& bad) {
  SegmentCache& cache = downloads_.shelf.cache;
  const SegmentKey& key = bad->segment().key;
  if (cache.peek(key) == bad) cache.drop(key);
  for (auto& [id, load] : loads_) {
    if (!(load.wish.segment.key == key)) continue;
    if (is_joint(load)) mesh_.drop(now, *load.download);
    if (load.state != Load::State::kWaiting) continue;
    if (load.download != nullptr) mesh_.drop(now, *load.download);
    load.failure = FallbackReason::kWrongSegment;
    go_to_cdn(now, load);
  }
}

void Loads::distrust(TimeMs now, const PeerId& giver) {
  const auto has = [&](const Download& each) { return has_given(each.deliveries, giver); };
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

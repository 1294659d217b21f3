#include "client/download/cdn.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "client/download/looks.hpp"

namespace hlsmesh {
namespace {

// A body of unknown length gets memory in steps of this size at least.
constexpr size_t kGrowthBytes = 256 * 1024;

}  // namespace

void Cdn::begin(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, FetchRange range,
                const SegmentPtr& into) {
  assert(!fetch.part && fetch.body == nullptr);
  assert(range.whole() || may_range(now, wish));
  fetch.id = FetchId(++last_fetch_);
  fetch.began_at = now;
  fetch.range = range;
  fetch.ranged = !range.whole();
  fetch.at = range.from;
  fetch.reserved = 0;
  fetch.body = into;
  fetch.joint = fetch.served = fetch.misfit = fetch.over = false;
  if (wish.shareable) fetch.part = Part(downloads_.of(wish), fetch);
  if (fetch.by_driver) return;
  Command& command = commands_.push(CommandKind::kFetch);
  command.load = load;
  command.code = fetch.id.value();
  command.t0 = static_cast<double>(range.from);
  command.t1 = static_cast<double>(range.to);
}

MutableBytes Cdn::room(CdnFetch& fetch, const Wish& wish, size_t offset, size_t size,
                       size_t total) {
  constexpr auto kMost = static_cast<size_t>(peer::kMaxSegmentBytes);
  fetch.reserved = 0;
  if (!wish.shareable || size == 0 || offset > kMost || size > kMost - offset) return {};
  if (offset == 0 && (fetch.range.whole() || fetch.at == fetch.range.from)) {
    // A body begins anew, or a server has ignored the range.
    if (fetch.range.from > 0) fetch.ranged = false;
    fetch.at = 0;
  }
  const size_t end = offset + size;
  if (fetch.range.from == 0 && end > fetch.range.to) fetch.ranged = false;
  // Neighbors have brought the rest, and the player does not have it yet.
  if (fetch.joint && fetch.range.whole() && fetch.body != nullptr && fetch.body->complete() &&
      offset == fetch.at) {
    fetch.at = end;
    return {};
  }
  const bool too_far = fetch.ranged && fetch.range.to > 0 && end > fetch.range.to;
  // A server may ignore the range of a fragment, and send all of the file.
  const bool other = total > 0 && !wish.segment.may_have(total);
  fetch.served |= fetch.ranged && offset == fetch.at && !too_far && !other;
  const SegmentPtr& body = fetch.body;
  fetch.misfit |= fetch.ranged && total > 0 && body && !body->open() && body->size() != total;
  if (offset != fetch.at || too_far || other || !prepare(fetch, wish, end, total)) {
    drop(fetch);
    return {};
  }
  const MutableBytes room = fetch.body->room(offset, size);
  fetch.reserved = room.size();
  return room;
}

bool Cdn::prepare(CdnFetch& fetch, const Wish& wish, size_t end, size_t total) {
  SegmentCache& cache = downloads_.shelf.cache;
  SegmentPtr& body = fetch.body;
  // What neighbors say of its size is not so.
  if (fetch.joint && fetch.range.whole() && fetch.at == 0 && body != nullptr && total > 0 &&
      body->expected() != total) {
    fetch.joint = false;
    body = nullptr;
  }
  if (body == nullptr) {
    if (fetch.arrived() > 0) return false;
    const size_t most = std::min(static_cast<size_t>(peer::kMaxSegmentBytes), cache.budget());
    const size_t first = fetch.ranged ? end : std::max(end, total);
    if (std::max(first, total) > most) return false;
    // What a parent brings of it meanwhile may be whole before.
    body = cache.begin_unlisted(wish.segment, most, first);
    if (body == nullptr) return false;
    body->expect(total);
  }
  // The total beside a range is that of the very bytes. Else how many there are, the end shows: the
  // head of an encoded body tells another length.
  if (fetch.ranged && total > 0) {
    if (body->open() ? !body->end(total) : body->size() != total) return false;
  }
  return end <= body->size() && cache.grow(body, end, kGrowthBytes);
}

Cdn::Arrival Cdn::arrive(TimeMs now, CdnFetch& fetch, const Wish& wish, size_t size) {
  if (fetch.ignored()) {
    refuse_ranges(now);
    downloads_.shelf.checks.rest(ranges_from_);
  }
  if (size == 0 || size != fetch.reserved) return Arrival::kMore;
  if (!fetch.range.whole()) stats_.cdn_bytes += size;
  const size_t from = std::exchange(fetch.at, fetch.at + size);
  fetch.body->commit(from, size);
  fetch.reserved = 0;
  if (!fits_digests(*fetch.body, from, size)) {
    refute(fetch, wish);
    return Arrival::kBad;
  }
  return look(now, fetch, wish);
}

bool Cdn::fits_digests(const SegmentBuffer& body, size_t from, size_t size) {
  if (body.digests() == nullptr) return true;
  constexpr size_t kPiece = SegmentBuffer::kPieceBytes;
  for (size_t at = from / kPiece; at <= (from + size - 1) / kPiece; ++at) {
    if (!body.has_piece(at)) continue;
    const ByteView rest = body.bytes().subspan(at * kPiece);
    if (!body.digests()->fit(at, rest.first(std::min(rest.size(), kPiece)))) return false;
  }
  return true;
}

void Cdn::refute(CdnFetch& fetch, const Wish& wish) {
  commands_.event(EventCode::kUnlikeDigest, 0, wish.segment.url);
  discard(fetch);
}

Cdn::Arrival Cdn::look(TimeMs now, CdnFetch& fetch, const Wish& wish) {
  if (!fetch.body->complete()) return Arrival::kMore;
  if (downloads_.shelf.trust.prove(now, *fetch.body) == Trust::Proof::kRefuted) {
    refute(fetch, wish);
    return Arrival::kBad;
  }
  if (is_good(wish.segment, fetch.body->bytes())) {
    downloads_.supersede(wish.segment.key);
    downloads_.shelf.cache.list(fetch.body);
    return Arrival::kComplete;
  }
  discard(fetch);
  return Arrival::kBad;
}

void Cdn::drop(CdnFetch& fetch) {
  // The cache's index and the fetch itself hold it.
  constexpr size_t kOwn = 2;
  if (fetch.body.use_count() <= kOwn) downloads_.shelf.cache.abandon(fetch.body);
  fetch.body = nullptr;
}

void Cdn::discard(CdnFetch& fetch) {
  downloads_.shelf.cache.discard(fetch.body);
  fetch.body = nullptr;
}

void Cdn::refuse_ranges(TimeMs now) {
  if (now < ranges_from_) return;
  range_rest_ = range_rest_ > DurationMs::zero() ? range_rest_ * 2 : kRangeRest;
  ranges_from_ = now + range_rest_;
}

// Of a fetch that was begun before the engine was there only the driver knows how long it took.
void Cdn::measure(TimeMs now, const CdnFetch& fetch, const Wish& wish, size_t size,
                  double first_byte_ms, double body_ms) {
  double whole_ms = first_byte_ms + body_ms;
  if (!fetch.by_driver) whole_ms = to_ms(now - fetch.began_at);
  if (!(body_ms >= 0 && body_ms <= whole_ms)) body_ms = whole_ms;
  if (whole_ms >= 0) downloads_.estimates().cdn(wish.kind).measured(now, whole_ms, body_ms, size);
}

void Cdn::finish(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, size_t size,
                 double first_byte_ms, double body_ms, bool refused) {
  stats_.cdn_bytes += size;
  stats_.cdn_segments += 1;
  if (wish.streams) stats_.cdn_streamed += 1;
  measure(now, fetch, wish, size, first_byte_ms, body_ms);
  const SegmentPtr body = fetch.body;
  const bool fits = body != nullptr && fetch.at == size && !refused &&
                    wish.segment.may_have(size) && (!body->open() || body->end(size));
  const bool good = fits && look(now, fetch, wish) == Arrival::kComplete;
  if (wish.shareable) {
    note_given(load, wish, TransferTimes{fetch.began_at, now}, refused);
    if (good || body == nullptr) downloads_.estimates().sizes.measured(wish.segment, size);
  }
  if (good) {
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kCdn),
                    wish.segment.url);
    fetch.body = nullptr;
  } else {
    discard(fetch);
  }
}

Cdn::Arrival Cdn::finish_range(TimeMs now, CdnFetch& fetch, const Wish& wish, size_t size,
                               double first_byte_ms, double body_ms) {
  SegmentBuffer* const body = fetch.body.get();
  // On the line that neighbors used meanwhile the CDN would have brought as much at best.
  const bool joint = fetch.joint && body != nullptr;
  measure(now, fetch, wish, joint ? body->size() : size, first_byte_ms, body_ms);
  Arrival arrival = Arrival::kMore;
  const bool to_end = fetch.range.to == 0 || fetch.at < fetch.range.to || !fetch.ranged;
  if (body == nullptr && (fetch.served || fetch.range.whole())) {
    // What it was to complete is gone, or is the neighbors'.
  } else if (body == nullptr || fetch.arrived() != size) {
    refuse_ranges(now);
  } else if (body->open()) {
    if (to_end && body->end(fetch.at)) arrival = look(now, fetch, wish);
  } else if (to_end && fetch.at < body->size() && !body->complete()) {
    refuse_ranges(now);  // fewer bytes than were asked for
  } else if (fetch.ranged) {
    range_rest_ = DurationMs::zero();
  }
  release(fetch);
  return arrival;
}

void Cdn::release(CdnFetch& fetch) {
  drop(fetch);
  fetch.part.release();
  fetch.id = FetchId();
  fetch.range = FetchRange();
  fetch.joint = fetch.ranged = fetch.served = fetch.misfit = false;
  fetch.at = fetch.reserved = 0;
}

void Cdn::fail(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, bool refused) {
  const bool none = !fetch.range.whole() && fetch.arrived() == 0;
  if (none && (fetch.misfit || !fetch.served)) refuse_ranges(now);
  abandon(fetch, wish, load, refused);
}

void Cdn::abandon(CdnFetch& fetch, const Wish& wish, LoadId load, bool refused) {
  if (refused) note_given(load, wish, TransferTimes(), true);
  release(fetch);
}

void Cdn::note_given(LoadId load, const Wish& wish, TransferTimes times, bool refused) {
  Receipt receipt;
  receipt.times = times;
  receipt.load = load;
  receipt.kind = wish.kind;
  if (refused) receipt.refused = load;
  downloads_.shelf.receipts.add(downloads_.shelf.cache, wish.segment, std::move(receipt));
}

}  // namespace hlsmesh

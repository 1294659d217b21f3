#include "client/download/cdn.hpp"

#include <cassert>
#include <utility>

#include "client/download/looks.hpp"

namespace hlsmesh {

void Cdn::begin(TimeMs now, CdnFetch& fetch, const Wish& wish) {
  assert(!fetch.part && fetch.body == nullptr);
  fetch.began_at = now;
  if (wish.shareable) fetch.part = Part(downloads_.of(wish), fetch);
}

MutableBytes Cdn::room(CdnFetch& fetch, const Wish& wish, size_t size) {
  if (!wish.shareable || size == 0 || size > static_cast<size_t>(peer::kMaxSegmentBytes)) return {};
  const Segment& segment = wish.segment;
  // A server may ignore a range and send all of the file.
  if (!segment.may_have(size)) return {};
  downloads_.shelf.cache.abandon(fetch.body);
  downloads_.supersede(segment.key);
  fetch.body = downloads_.shelf.cache.begin(segment, size);
  return fetch.body == nullptr ? MutableBytes() : fetch.body->room(0, size);
}

void Cdn::finish(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, size_t size,
                 double first_byte_ms, double body_ms, bool refused) {
  stats_.cdn_bytes += size;
  stats_.cdn_segments += 1;
  // Of a fetch that was begun before the engine was there only the driver knows how long it took.
  double whole_ms = first_byte_ms + body_ms;
  if (!fetch.by_driver) whole_ms = to_ms(now - fetch.began_at);
  if (!(body_ms >= 0 && body_ms <= whole_ms)) body_ms = whole_ms;
  if (whole_ms >= 0) downloads_.estimates().cdn(wish.kind).measured(now, whole_ms, body_ms, size);
  const SegmentPtr body = std::move(fetch.body);
  const bool good =
      body != nullptr && body->size() == size && !refused && is_good(wish.segment, body->bytes());
  if (wish.shareable) {
    note_given(load, wish, TransferTimes{fetch.began_at, now}, refused);
    if (good || body == nullptr) downloads_.estimates().sizes.measured(wish.segment, size);
  }
  if (good) {
    body->commit(0, size);
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kCdn),
                    wish.segment.url);
  } else {
    downloads_.shelf.cache.abandon(body);
  }
}

void Cdn::abandon(CdnFetch& fetch, const Wish& wish, LoadId load, bool refused) {
  downloads_.shelf.cache.abandon(fetch.body);
  if (refused) note_given(load, wish, TransferTimes(), true);
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

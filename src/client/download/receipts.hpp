#pragma once

#include <list>
#include <optional>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/download/gift.hpp"
#include "common/ids.hpp"
#include "common/sorted_map.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// When a segment was really transferred: a segment out of the cache that reported the microseconds
// of its copy would tell the player of a network of Gbit/s.
struct TransferTimes {
  TimeMs first_byte{};
  TimeMs end{};
};

// What came in of one segment, and what the player said of it.
struct Receipt {
  TransferTimes times;
  Gifts gifts;  // of those that sent it; none: the CDN did
  // SpotChecks has begun what is to be checked of it, and the player waits until then at most.
  std::optional<TimeMs> checked_by;
  MediaSpan span;                     // as its playlist listed it
  TrackKind kind = TrackKind::kMain;  // of the load
  LoadId load;                        // the load that was answered with it; 0: none yet
  LoadId
      refused;  // the latest load whose bytes the player refused, until it takes those of another
  uint64_t number = 0;  // of this receipt, in the order of arrival

  // The player has had it: what it asks for again comes from the CDN, as it would without us, and
  // never is the copy that it has had.
  bool given() const { return load.value() != 0; }
};

// Receipts of all segments in the cache, and of the latest kOthers besides.
class Receipts {
 public:
  static constexpr size_t kOthers = 1024;

  // A whole segment came in. What the player refused before is remembered.
  void add(const SegmentCache& cache, const Segment& segment, Receipt receipt) {
    receipt.number = ++count_;
    const Receipt* const old = find(segment.key);
    if (old != nullptr && receipt.refused.value() == 0) receipt.refused = old->refused;
    receipt.span = segment.span;
    by_key_[segment.key] = std::move(receipt);
    if (by_key_.size() > cache.segment_count() + kOthers) forget_oldest(cache);
  }

  Receipt* find(const SegmentKey& key) {
    const auto entry = by_key_.find(key);
    return entry == by_key_.end() ? nullptr : &entry->second;
  }
  bool given(const SegmentKey& key) {
    const Receipt* receipt = find(key);
    return receipt != nullptr && receipt->given();
  }
  // Whether the player refused it and has taken nothing in its place: not to be shared.
  bool refused(const SegmentKey& key) {
    const Receipt* receipt = find(key);
    return receipt != nullptr && receipt->refused.value() != 0;
  }

  // Calls visit(key, receipt) for each.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [key, receipt] : by_key_) visit(key, receipt);
  }
  void clear() { by_key_.clear(); }

 private:
  void forget_oldest(const SegmentCache& cache) {
    auto oldest = by_key_.end();
    for (auto entry = by_key_.begin(); entry != by_key_.end(); ++entry) {
      if (cache.peek(entry->first) != nullptr) continue;
      if (oldest == by_key_.end() || entry->second.number < oldest->second.number) oldest = entry;
    }
    if (oldest != by_key_.end()) by_key_.erase(oldest);
  }

  SortedMap<SegmentKey, Receipt> by_key_;
  uint64_t count_ = 0;
};

}  // namespace hlsmesh

#pragma once

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "common/sorted_map.hpp"

namespace hlsmesh {

struct TransferTimes {
  TimeMs first_byte{};
  TimeMs end{};
  bool unasked = false;  // it came from a peer, and the player has not had it yet
};

// When the segments in the cache were really transferred: a cache hit that reported the
// microseconds of its copy would tell the player of a network of Gbit/s.
class TransferLog {
 public:
  void add(const SegmentCache& cache, const SegmentKey& key, TransferTimes times) {
    times_[key] = times;
    if (times_.size() > cache.segment_count() + kSlack) forget_evicted(cache);
  }
  // The player gets the segment.
  TransferTimes take(const SegmentKey& key, TimeMs now) {
    const auto entry = times_.find(key);
    if (entry == times_.end()) return TransferTimes{now, now};
    const TransferTimes times = entry->second;
    entry->second.unasked = false;
    return times;
  }

 private:
  static constexpr size_t kSlack = 64;  // evicted segments that may linger here

  void forget_evicted(const SegmentCache& cache) {
    for (auto entry = times_.begin(); entry != times_.end();) {
      entry = cache.peek(entry->first) == nullptr ? times_.erase(entry) : ++entry;
    }
  }

  SortedMap<SegmentKey, TransferTimes> times_;
};

}  // namespace hlsmesh

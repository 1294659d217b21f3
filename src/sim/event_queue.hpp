#pragma once

#include <algorithm>
#include <chrono>
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
class EventQueue {
 public:
  using Action = std::function<void()>;

  Time now() const { return now_; }

  // A time in the past means now.
  void at(Time when, Action action) {
    heap_.push_back({std::max(when, now_), sequence_++, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end(), later);
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
    if (heap_.empty() || heap_.front().when > end) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.when;
    ++executed_;
    entry.action();
    return true;
  }

  uint64_t executed() const { return executed_; }

 private:
  struct Entry {
    Time when;
    uint64_t sequence;
    Action action;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
  }

  std::vector<Entry> heap_;
  Time now_{};
  uint64_t sequence_ = 0;
  uint64_t executed_ = 0;
};

}  // namespace hlsmesh::sim

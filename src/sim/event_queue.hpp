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
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    push({std::max(when, now_), sequence_++, slot});
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
    const Entry entry = heap_.front();
    pop();
    now_ = entry.when;
    ++executed_;
    const Action action = std::move(actions_[entry.slot]);
    free_.push_back(entry.slot);
    action();
    return true;
  }

  uint64_t executed() const { return executed_; }

 private:
  struct Entry {
    Time when;
    uint64_t sequence;
    uint32_t slot;  // in actions_
  };
  // Children of each entry of the heap. Four lie side by side in memory: half as many places that
  // the processor must wait for as with two.
  static constexpr size_t kBranches = 4;

  static bool earlier(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when < b.when : a.sequence < b.sequence;
  }

  void push(const Entry& entry) {
    size_t at = heap_.size();
    heap_.push_back(entry);
    while (at > 0) {
      const size_t parent = (at - 1) / kBranches;
      if (!earlier(entry, heap_[parent])) break;
      heap_[at] = heap_[parent];
      at = parent;
    }
    heap_[at] = entry;
  }

  void pop() {
    const Entry last = heap_.back();
    heap_.pop_back();
    if (heap_.empty()) return;
    size_t at = 0;
    for (;;) {
      const size_t first = at * kBranches + 1;
      if (first >= heap_.size()) break;
      const size_t end = std::min(first + kBranches, heap_.size());
      size_t best = first;
      for (size_t child = first + 1; child < end; ++child) {
        if (earlier(heap_[child], heap_[best])) best = child;
      }
      if (!earlier(heap_[best], last)) break;
      heap_[at] = heap_[best];
      at = best;
    }
    heap_[at] = last;
  }

  std::vector<Entry> heap_;  // each before its children
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;  // of actions_
  Time now_{};
  uint64_t sequence_ = 0;
  uint64_t executed_ = 0;
};

}  // namespace hlsmesh::sim

#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "sim/event_queue.hpp"

namespace hlsmesh::sim {

// Wakes its owner, which must outlive the queue's events. Only the earliest wake-up is kept: the
// owner sets the alarm again for what is due later.
class Alarm {
 public:
  Alarm(EventQueue& queue, std::function<void()> action)
      : queue_(queue), action_(std::move(action)) {}

  // A time in the past means now.
  void set(Time due) {
    due = std::max(due, queue_.now());
    if (due_ && *due_ <= due) return;
    due_ = due;
    queue_.at(due, [this] {
      if (due_ != queue_.now()) return;  // an earlier one came between
      due_.reset();
      action_();
    });
  }

 private:
  EventQueue& queue_;
  std::function<void()> action_;
  std::optional<Time> due_;
};

}  // namespace hlsmesh::sim

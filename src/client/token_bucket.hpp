#pragma once

#include <algorithm>

#include "client/clock.hpp"

namespace hlsmesh {

// Allows `burst` things at once and one more each `interval`.
class TokenBucket {
 public:
  TokenBucket(int64_t burst, DurationMs interval)
      : capacity_(burst * interval), interval_(interval) {}

  // Whether `count` things may be done now; if so, they are counted.
  bool take(TimeMs now, int64_t count = 1) {
    const DurationMs left = std::max(used_ - (now - counted_at_), DurationMs::zero());
    used_ = left;
    counted_at_ = now;
    if (used_ + count * interval_ > capacity_) return false;
    used_ += count * interval_;
    return true;
  }

 private:
  DurationMs capacity_;
  DurationMs interval_;
  DurationMs used_{};
  TimeMs counted_at_{};
};

}  // namespace hlsmesh

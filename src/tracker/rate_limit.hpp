#pragma once

#include <algorithm>

#include "common/time.hpp"

namespace hlsmesh::tracker {

// A token bucket: so much a period on average, and so much at once.
class RateLimit {
 public:
  RateLimit(double burst, double per_period, DurationMs period, TimeMs now)
      : burst_(burst),
        per_ms_(per_period / static_cast<double>(period.count())),
        left_(burst),
        refilled_(now) {}

  // False when there is nothing left to take.
  bool take(TimeMs now) {
    left_ = std::min(burst_, left_ + static_cast<double>((now - refilled_).count()) * per_ms_);
    refilled_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double burst_;
  double per_ms_;
  double left_;
  TimeMs refilled_;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <algorithm>
#include <cstdint>

#include "common/time.hpp"

namespace hlsmesh::tracker {

// A token bucket: `per_period` tokens a period on average, and at most `burst` at once.
class RateLimit {
 public:
  RateLimit(double burst, double per_period, DurationMs period, TimeMs now)
      : burst_(burst),
        per_ms_(per_period / static_cast<double>(period.count())),
        left_(burst),
        refilled_(now) {}

  // Takes a token. Returns false if none is left.
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

// A limit on messages with a burst of five seconds' allowance: a page that starts dials and answers
// many peers.
inline RateLimit messages_a_second(int32_t most, TimeMs now) {
  constexpr double kBurstSeconds = 5;
  return RateLimit(most * kBurstSeconds, most, DurationMs{1'000}, now);
}

}  // namespace hlsmesh::tracker

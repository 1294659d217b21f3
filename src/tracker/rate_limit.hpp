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

  // Takes tokens. Returns false, and takes none, if fewer are left.
  bool take(TimeMs now, double tokens = 1) {
    left_ = std::min(burst_, left_ + static_cast<double>((now - refilled_).count()) * per_ms_);
    refilled_ = now;
    if (left_ < tokens) return false;
    left_ -= tokens;
    return true;
  }

 private:
  double burst_;
  double per_ms_;
  double left_;
  TimeMs refilled_;
};

// What somebody has used lately, of an allowance that may change: it drains at the rate of the
// allowance.
class Meter {
 public:
  // Adds `used`. Returns true if more than `burst` has been used beyond `per_second`.
  bool add(TimeMs now, double used, double per_second, double burst) {
    const double passed = static_cast<double>((now - at_).count()) / 1'000;
    level_ = std::max(0.0, level_ - passed * per_second) + used;
    at_ = now;
    return level_ > burst;
  }
  // Anything was used ever.
  bool used() const { return level_ > 0; }

 private:
  double level_ = 0;
  TimeMs at_;
};

// A limit on messages, or bytes, with a burst of five seconds' allowance: a page that starts dials
// and answers many peers.
inline constexpr double kBurstSeconds = 5;
inline RateLimit messages_a_second(int32_t most, TimeMs now) {
  return RateLimit(most * kBurstSeconds, most, DurationMs{1'000}, now);
}

}  // namespace hlsmesh::tracker

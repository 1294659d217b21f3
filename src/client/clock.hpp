#pragma once

#include <algorithm>

#include "common/time.hpp"

namespace hlsmesh {

// A timer that is not set.
inline constexpr TimeMs kNever = TimeMs::max();

// `ms` as a duration, bounded to a day so that no later sum can overflow; NaN is 0.
inline DurationMs to_duration(double ms) {
  constexpr double kDayMs = 86'400'000;
  if (!(ms == ms)) return DurationMs(0);
  return DurationMs(static_cast<int64_t>(std::clamp(ms, -kDayMs, kDayMs)));
}

inline double to_ms(DurationMs duration) { return static_cast<double>(duration.count()); }
inline double to_ms(TimeMs time) { return to_ms(time.time_since_epoch()); }

}  // namespace hlsmesh

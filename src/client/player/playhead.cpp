#include "client/player/playhead.hpp"

#include <algorithm>
#include <cmath>

namespace hlsmesh {

void Playhead::report(TimeMs now, const PlayheadReport& report) {
  reported_at_ = now;
  report_ = report;
}

DurationMs Playhead::slack(TimeMs now, const MediaSpan& span) const {
  const double ahead_s = std::min(span.start, report_.buffered_end) - report_.current_time;
  if (!std::isfinite(ahead_s) || !std::isfinite(report_.playback_rate)) return DurationMs::zero();
  // Slow motion is reckoned at normal speed: the viewer may end it at any moment.
  const double ahead_ms = ahead_s * 1000 / std::max(1.0, report_.playback_rate);
  const DurationMs since_report =
      report_.playback_rate > 0 ? now - reported_at_ : DurationMs::zero();
  return std::max(DurationMs::zero(), to_duration(ahead_ms) - since_report);
}

}  // namespace hlsmesh

#pragma once

#include "client/clock.hpp"
#include "client/inputs.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// The player's position as last reported, carried forward to the present.
class Playhead {
 public:
  void report(TimeMs now, const PlayheadReport& report);

  // Time until playback stalls for want of the media at `span`. 0 when nothing is buffered ahead,
  // when the segment starts behind the playhead, and before the first report. A paused player is
  // reckoned to play on at any moment.
  DurationMs slack(TimeMs now, const MediaSpan& span) const;

  const PlayheadReport& last() const { return report_; }
  bool playing() const { return report_.playback_rate > 0; }

 private:
  TimeMs reported_at_{};
  PlayheadReport report_{0, 0, 0};
};

}  // namespace hlsmesh

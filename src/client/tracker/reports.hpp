#pragma once

#include <cstdint>

#include "client/clock.hpp"
#include "client/inputs.hpp"
#include "client/stats.hpp"
#include "client/tracker/tracker_session.hpp"

namespace hlsmesh {

// What we can give and want: the tracker must know it to give us parents and children that suit.
struct Facts {
  // Goes without saying.
  static constexpr int32_t kUsualWants = EngineLimits{}.max_parents;

  int32_t up_kbps = -1;  // -1: unknown
  int32_t slots = 0;
  int32_t wants = kUsualWants;
  int32_t quorum = 0;

  bool operator==(const Facts&) const = default;
};

// What the tracker is told of us while we are in the channel: what `enter` says of us, told anew
// when that has changed, and statistics.
class Reports {
 public:
  // `shadow`: what became of loads is told too.
  Reports(TrackerSession& tracker, const EngineStats& stats, bool shadow)
      : tracker_(tracker), stats_(stats), shadow_(shadow) {}

  // Fills in what `enter` says of us, which counts as told.
  void fill(tracker_wire::Enter& enter, const Facts& facts, bool idle);
  // The tracker has accepted us; the session is over.
  void on_accepted(TimeMs now);
  void on_ended() { statistics_due_ = kNever; }
  // The session is about to end: what the viewer has seen since the last report is told.
  void on_leaving(TimeMs now, bool idle);

  // Whether the player plays, or would if it had data, from now on.
  void on_playing(TimeMs now, bool playing);
  // The first one tells from where on is counted.
  void on_playback(const PlaybackReport& report);

  // Enters anew if the facts have changed. `idle`: with an early report if we became idle, or are
  // so no longer: the tracker should know before it names us to somebody.
  void tell_changes(TimeMs now, const Facts& facts, bool idle);
  void tell_idle(TimeMs now, bool idle);
  // Reports statistics where they are due.
  void on_timeout(TimeMs now, bool idle);
  // `idle_at`: from when on we shall be idle, unless something happens.
  TimeMs next_due(const Facts& facts, TimeMs idle_at) const;

 private:
  bool knows_idle() const { return tracker_.joined() && tracker_.extension() >= 1; }
  TimeMs facts_due(const Facts& facts) const;
  void report(TimeMs now, bool idle);
  void tell_seen(TimeMs now, tracker_wire::Statistics& statistics);

  TrackerSession& tracker_;
  const EngineStats& stats_;
  const bool shadow_;
  Facts told_;
  TimeMs facts_after_{};  // not told anew before
  bool idle_told_ = false;
  TimeMs statistics_due_ = kNever;
  uint64_t reported_cdn_kb_ = 0;
  uint64_t reported_p2p_kb_ = 0;
  uint64_t reported_up_kb_ = 0;
  int32_t reported_loads_ = 0;
  int32_t reported_missed_ = 0;
  int32_t reported_wrong_ = 0;
  int32_t reported_segments_ = 0;
  int64_t reported_levels_ = 0;
  double last_level_ = 0;

  TimeMs played_until_{};
  bool playing_ = false;
  DurationMs played_{};  // since the last report
  // Whether the player measures what its viewer sees; what that is; and what of it has been told.
  bool measured_ = false;
  PlaybackReport seen_;
  PlaybackReport told_seen_;
};

}  // namespace hlsmesh

#include "client/tracker/reports.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh {
namespace {

// What we can give and want is told anew no more often than this: another `enter` costs the tracker
// an admission and the site a token.
constexpr DurationMs kFactsInterval{10'000};

// Protocol section 1, defaults of the time.
constexpr DurationMs kStatisticsInterval{30'000};

}  // namespace

void Reports::fill(tracker_wire::Enter& enter, const Facts& facts, bool idle) {
  told_ = facts;
  // `wants` is sent only if the site changed the default.
  if (facts.wants != Facts::kUsualWants) enter.wants = facts.wants;
  // Whoever is introduced is one of two.
  if (facts.quorum > kPair) enter.quorum = facts.quorum;
  if (facts.up_kbps >= 0) enter.up_bw = facts.up_kbps;
  enter.slots = facts.slots;
  idle_told_ = idle;
  if (idle) enter.idle = true;
}

void Reports::on_accepted(TimeMs now) { statistics_due_ = now + kStatisticsInterval; }

TimeMs Reports::facts_due(const Facts& facts) const {
  return tracker_.joined() && !(facts == told_) ? facts_after_ : kNever;
}

void Reports::tell_changes(TimeMs now, const Facts& facts, bool idle) {
  if (now >= facts_due(facts)) {
    facts_after_ = now + kFactsInterval;  // once more then, should nothing come of it
    tracker_.renew(now);
  }
  tell_idle(now, idle);
}

void Reports::tell_idle(TimeMs now, bool idle) {
  if (knows_idle() && idle_told_ != idle) report(now, idle);
}

void Reports::on_timeout(TimeMs now, bool idle) {
  if (now >= statistics_due_) report(now, idle);
}

TimeMs Reports::next_due(const Facts& facts, TimeMs idle_at) const {
  const TimeMs due = std::min(statistics_due_, facts_due(facts));
  return !idle_told_ && knows_idle() ? std::min(due, idle_at) : due;
}

// A first frame is told once: what a viewer plays after its first source has begun is no start.
void Reports::tell_seen(TimeMs now, tracker_wire::Statistics& statistics) {
  on_playing(now, playing_);
  statistics.played = to_ms(std::exchange(played_, {})) / 1'000;
  statistics.stalled = seen_.stalled - told_seen_.stalled;
  statistics.stalls = seen_.stalls - told_seen_.stalls;
  told_seen_.stalled = seen_.stalled;
  told_seen_.stalls = seen_.stalls;
  if (seen_.first_frame < 0 || told_seen_.first_frame >= 0) return;
  statistics.first_frame = told_seen_.first_frame = seen_.first_frame;
}

void Reports::on_leaving(TimeMs now, bool idle) {
  if (tracker_.joined() && measured_) report(now, idle);
}

void Reports::on_playing(TimeMs now, bool playing) {
  if (playing_) played_ += now - played_until_;
  played_until_ = now;
  playing_ = playing;
}

void Reports::on_playback(const PlaybackReport& report) {
  seen_ = report;
  if (std::exchange(measured_, true)) return;
  told_seen_ = report;
  told_seen_.first_frame = -1;
}

// Increments in whole KB; what is left over stays for the next report.
void Reports::report(TimeMs now, bool idle) {
  statistics_due_ = now + kStatisticsInterval;
  const auto increment = [](uint64_t bytes, uint64_t& reported_kb) {
    const uint64_t kb = bytes / 1024;
    return static_cast<double>(kb - std::exchange(reported_kb, kb));
  };
  const int32_t segments =
      stats_.level_segments - std::exchange(reported_segments_, stats_.level_segments);
  const int64_t levels = stats_.levels - std::exchange(reported_levels_, stats_.levels);
  if (segments > 0) last_level_ = static_cast<double>(levels) / segments;
  tracker_wire::Statistics statistics;
  statistics.level = last_level_;
  statistics.cdn_kb = increment(stats_.cdn_bytes, reported_cdn_kb_);
  statistics.p2p_kb = increment(stats_.p2p_bytes, reported_p2p_kb_);
  const double up_kb = increment(stats_.upload_bytes, reported_up_kb_);
  if (tracker_.extension() >= 1) {
    statistics.up_kb = up_kb;
    if (idle || idle_told_) statistics.idle = idle;
    idle_told_ = idle;
    if (measured_) tell_seen(now, statistics);
    if (shadow_) {
      statistics.loads = stats_.loads - std::exchange(reported_loads_, stats_.loads);
      statistics.missed = stats_.missed - std::exchange(reported_missed_, stats_.missed);
      statistics.wrong = stats_.wrong - std::exchange(reported_wrong_, stats_.wrong);
    }
  }
  tracker_.send(statistics);
}

}  // namespace hlsmesh

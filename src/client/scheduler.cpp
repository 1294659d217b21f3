#include "client/scheduler.hpp"

#include <algorithm>

#include "client/clock.hpp"

namespace hlsmesh {
namespace {

constexpr DurationMs kMargin{500};

DurationMs expected_time(const Need& need, const Candidate& candidate) {
  DurationMs time = candidate.round_trip;
  if (candidate.bytes_per_ms > 0) {
    time += to_duration(static_cast<double>(need.expected_bytes) / candidate.bytes_per_ms);
  }
  return time;
}

}  // namespace

DurationMs latest_cdn_start(DurationMs slack, DurationMs cdn_time) {
  return slack - cdn_time * 3 / 2 - kMargin;
}

Decision decide(const Need& need, const std::list<Candidate>& candidates, DurationMs prospect) {
  const DurationMs latest = latest_cdn_start(need.slack, need.cdn_time);
  if (latest < kLeastAsk) return Decision{};

  const DurationMs longest = std::min(latest, kLongestAsk);
  const Candidate* best = nullptr;
  DurationMs best_time{};
  DurationMs worth_waiting = prospect;
  for (const Candidate& candidate : candidates) {
    const DurationMs time = expected_time(need, candidate);
    if (time > longest) continue;  // the transfer would be given up before its end
    if (candidate.busy) {
      worth_waiting = latest;
    } else if (candidate.ready_in > DurationMs::zero()) {
      worth_waiting = std::max(worth_waiting, candidate.ready_in);
    } else if (best == nullptr || time < best_time) {
      best = &candidate;
      best_time = time;
    }
  }
  if (best != nullptr) return Decision{Decision::Kind::kAsk, best->peer, longest};

  // After the wait a parent must still get its least time.
  const DurationMs wait = std::min({worth_waiting, latest - kLeastAsk, kLongestWait - need.waited});
  if (wait > DurationMs::zero()) return Decision{Decision::Kind::kWait, PeerHandle(), wait};
  return Decision{};
}

}  // namespace hlsmesh

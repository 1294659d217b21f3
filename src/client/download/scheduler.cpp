#include "client/download/scheduler.hpp"

#include <algorithm>

#include "client/clock.hpp"

namespace hlsmesh {
namespace {

DurationMs expected_time(const Need& need, const Candidate& candidate) {
  DurationMs time = candidate.round_trip;
  if (candidate.bytes_per_ms > 0) {
    time += to_duration(static_cast<double>(need.expected_bytes) / candidate.bytes_per_ms);
  }
  return time;
}

}  // namespace

Decision decide(const Need& need, const std::list<Candidate>& candidates, DurationMs prospect) {
  const Candidate* best = nullptr;
  DurationMs best_time{};
  DurationMs best_patience{};
  DurationMs worth_waiting = prospect;
  DurationMs longest = patience(need, false);
  for (const Candidate& candidate : candidates) {
    const DurationMs answer = patience(need, candidate.proven);
    if (answer < kLeastAsk) continue;
    const DurationMs time = expected_time(need, candidate);
    const DurationMs whole = std::max(candidate.free_in, candidate.ready_in) + time;
    // The transfer would be given up before its end.
    if (whole > std::max(answer, patience_for_transfer(need))) continue;
    if (candidate.busy || candidate.ready_in > DurationMs::zero()) {
      worth_waiting = std::max(worth_waiting, candidate.busy ? answer : candidate.ready_in);
      longest = std::max(longest, answer);
    } else if (best == nullptr || time < best_time) {
      best = &candidate;
      best_time = time;
      best_patience = answer;
    }
  }
  if (best != nullptr) return Decision{Decision::Kind::kAsk, best->peer, best_patience};

  // After the wait a parent must still get its least time.
  const DurationMs wait = std::min(worth_waiting, longest - kLeastAsk);
  if (wait > DurationMs::zero()) return Decision{Decision::Kind::kWait, PeerHandle(), wait};
  return Decision{};
}

}  // namespace hlsmesh

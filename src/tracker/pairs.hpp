#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Pairs of peers whose connection ended, and the time for which they are not introduced again.

// A parent whose connection has just ended is not offered to the same child again for this long,
// even if there is no other: ICE that failed now would fail again. The pause doubles each further
// time that a connection of the two ends, up to the longest.
inline constexpr DurationMs kHoldDown{5'000};
inline constexpr DurationMs kLongestHoldDown{15 * 60'000};
// The first pause if the reporter gave a reason.
inline constexpr DurationMs kHoldDownUseless{60'000};         // useless, silent
inline constexpr DurationMs kHoldDownMisbehaved{5 * 60'000};  // misbehaved, polluted
// A pair is remembered for this long after its pause.
inline constexpr DurationMs kPartedFor{10 * 60'000};

inline DurationMs doubled(DurationMs first, int32_t times, DurationMs longest) {
  // 2^16 times the shortest pause is past every longest one.
  return std::min(first * (int64_t{1} << std::clamp(times, 0, 16)), longest);
}

// The most pairs that one peer remembers. An honest peer has a few in ten minutes.
inline constexpr size_t kMostPairs = 32;

// Keeps `former` from being introduced to `child` as a parent: for `first` this time, and longer
// each further time. If `mutual`, also keeps `child` from being introduced to `former`.
inline void hold_down(Peer& child, Peer& former, DurationMs first, bool mutual, TimeMs now) {
  for (const auto& [peer, other] : {std::pair(&child, &former), std::pair(&former, &child)}) {
    if (peer == &former && !mutual) break;
    auto& pairs = peer->held_down;
    pairs.erase(
        std::remove_if(pairs.begin(), pairs.end(),
                       [&](const HoldDown& pair) { return pair.until + kPartedFor <= now; }),
        pairs.end());
    const JoinOrder parent = other->join;
    auto pair = std::find_if(pairs.begin(), pairs.end(),
                             [&](const HoldDown& known) { return known.parent == parent; });
    if (pair == pairs.end()) {
      if (pairs.size() >= kMostPairs) {
        pairs.erase(std::min_element(
            pairs.begin(), pairs.end(),
            [](const HoldDown& x, const HoldDown& y) { return x.until < y.until; }));
      }
      pair = pairs.insert(pairs.end(), {parent, now, 0});
    }
    pair->until = std::max(pair->until, now + doubled(first, pair->times, kLongestHoldDown));
    ++pair->times;
  }
}

inline DurationMs hold_down_after(tracker_wire::EndReason reason) {
  using tracker_wire::EndReason;
  if (reason == EndReason::kMisbehaved || reason == EndReason::kPolluted) {
    return kHoldDownMisbehaved;
  }
  const bool useless = reason == EndReason::kUseless || reason == EndReason::kSilent;
  return useless ? kHoldDownUseless : kHoldDown;
}

}  // namespace hlsmesh::tracker

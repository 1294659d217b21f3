#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Pairs of peers that parted, and for how long they are not introduced again.

// A parent whose connection just ended is not offered to the same child again for this long, even
// if there is no other: ICE that failed now fails again a moment later. For each time more that the
// two have parted the pause doubles, up to the longest.
inline constexpr DurationMs kHoldDown{5'000};
inline constexpr DurationMs kLongestHoldDown{15 * 60'000};
// The first pause where the reporter said why: it knows better than to come back soon.
inline constexpr DurationMs kHoldDownUseless{60'000};  // useless, silent
inline constexpr DurationMs kHoldDownMisbehaved{5 * 60'000};
// A pair that parted is remembered for this long after its pause.
inline constexpr DurationMs kPartedFor{10 * 60'000};

inline DurationMs doubled(DurationMs first, int32_t times, DurationMs longest) {
  // 2^16 times the shortest pause is past every longest one.
  return std::min(first * (int64_t{1} << std::clamp(times, 0, 16)), longest);
}

// Pairs that one peer remembers. An honest peer parts from a few in ten minutes.
inline constexpr size_t kMostPairs = 32;

// The parent is not to be the child's for a while: for `first`, and longer each time. Nor the
// other way round, if it is `mutual`.
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
  if (reason == EndReason::kMisbehaved) return kHoldDownMisbehaved;
  const bool useless = reason == EndReason::kUseless || reason == EndReason::kSilent;
  return useless ? kHoldDownUseless : kHoldDown;
}

}  // namespace hlsmesh::tracker

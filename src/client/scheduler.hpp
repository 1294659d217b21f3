#pragma once

#include <cstddef>
#include <list>

#include "common/ids.hpp"
#include "common/time.hpp"

namespace hlsmesh {

// Where the next attempt at one segment should be made. A pure function of what is passed in, so
// that it can be tested, simulated and replaced without the rest of the engine. All times are from
// now.

// One segment that the player wants and the cache does not have.
struct Need {
  DurationMs slack{};         // until playback stalls without it; 0: it is wanted at once
  DurationMs cdn_time{};      // that a fetch of it from the CDN is expected to take
  DurationMs waited{};        // since the player asked
  size_t expected_bytes = 0;  // 0 while unknown
};

// One open connection to a parent that may have the segment and may be asked for it.
struct Candidate {
  PeerHandle peer;
  bool busy = false;        // its channel carries an earlier request
  DurationMs ready_in{};    // it must not be asked before
  double bytes_per_ms = 0;  // measured; 0 while unknown
  DurationMs round_trip{};  // measured; 0 while unknown
};

struct Decision {
  enum class Kind { kAsk, kWait, kCdn };

  Kind kind = Kind::kCdn;
  PeerHandle peer;      // kAsk: whom
  DurationMs within{};  // kAsk: give up after; kWait: decide again after, at the latest
};

// Least time that a parent is given: below it a request is hardly worth its round trip.
inline constexpr DurationMs kLeastAsk{400};

// Longest time for one transfer from a parent, whatever the slack: the P2P load timeout of protocol
// section 1. A parent slower than that does not keep up with playback anyway.
inline constexpr DurationMs kLongestAsk{5'000};

// Longest time that one load waits for a parent to come or to be free, whatever the slack: no
// longer than a transfer may occupy a channel.
inline constexpr DurationMs kLongestWait{5'000};

// Until when, from now, a CDN fetch may be put off without risk to playback: one and a half times
// the expected time of the fetch, and half a second on top for what estimates do not see (demuxing,
// appending, timers that fire late). Negative when that moment has passed.
DurationMs latest_cdn_start(DurationMs slack, DurationMs cdn_time);

// `prospect`: for how long it is worth waiting for a parent that is not connected yet; 0 when none
// is in sight. Among equals the first candidate wins.
Decision decide(const Need& need, const std::list<Candidate>& candidates, DurationMs prospect);

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <optional>

#include "common/time.hpp"

namespace hlsmesh {

// How long a load may wait for peers, all parents together, before the CDN is asked. Pure functions
// of what is passed in. All durations are from now unless they say otherwise.
//
// The promise is that a viewer with peers is never worse off than the same player without: it
// stalls neither more often nor longer, and its buffer is hardly smaller. So
//
// - a CDN fetch begins while it still ends before playback stalls;
// - with a full buffer a load waits until the buffer has shrunk to kFull of what the player wants,
//   or to kEnough of it when a transfer under way will have ended by then;
// - while the buffer grows, a load waits for a part of the time that a CDN fetch would leave of the
//   segment's duration, so that the buffer goes on growing even if every wait is in vain;
// - the newest segment of a live playlist may take a little longer than it lasts: a live player has
//   all that there is whenever it asks for one, and a parent may hear of a segment that much later;
// - each load that waited in vain halves what the next one may wait, until a peer delivers again or
//   some time has passed; after four, with less than three segments buffered, neighbors who share
//   pieces count as not proven;
// - where a segment's bytes take half of what it lasts or more, parents that fetch the same may
//   share the CDN's line with us. For them a load waits three quarters of that time, even if
//   playback stalls meanwhile: else each has its part of the line, and none ever has more;
// - a transfer that will end before a CDN fetch would is not given up for one, whatever the buffer.
//   A slow CDN is a reason to wait longer for peers.

// One segment that the player wants and the cache does not have.
struct Need {
  DurationMs slack{};          // until playback stalls without it; 0: it is wanted at once
  DurationMs goal{30'000};     // media that the player wants buffered
  DurationMs duration{4'000};  // of the segment
  DurationMs cdn_time{};       // that a fetch of it from the CDN is expected to take
  DurationMs line_time{};      // that its bytes take on the CDN's line alone; 0 while unknown
  DurationMs waited{};         // since the player asked
  bool newest = false;         // the newest of a live playlist
  int vain = 0;                // loads that lately waited for peers and came from the CDN, 0 to 4
  // Until the player is going to ask for it; nullopt: it has.
  std::optional<DurationMs> ahead;
  size_t expected_bytes = 0;  // 0 while unknown
};

// Until when a CDN fetch may be put off without risk to playback: one and a half times the expected
// time of the fetch, and half a second on top for what estimates do not see (demuxing, appending,
// timers that fire late). Negative when that moment has passed.
DurationMs latest_cdn_start(const Need& need);

// Whether a fetch of it from the CDN would come too late if as much again came on the same line
// meanwhile.
bool needs_whole_line(const Need& need);

// How much longer the load may wait while nobody can tell when a peer will deliver. Not positive:
// no longer. `proven`: the parent it waits on has delivered segments before.
DurationMs patience(const Need& need, bool proven);

// How much longer the load may wait because the buffer is full. Not positive: no longer.
DurationMs patience_when_full(const Need& need);

// How much longer the load may wait for parents that lately had such segments a little after it had
// asked for them. `begun`: some of this one is here. Not positive: no longer.
DurationMs patience_for_late(const Need& need, bool begun);

// How much longer a transfer may take that is expected to end. Not positive: no longer.
DurationMs patience_for_transfer(const Need& need);

}  // namespace hlsmesh

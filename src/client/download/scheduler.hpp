#pragma once

#include <list>

#include "client/download/patience.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"

namespace hlsmesh {

// Where the next attempt at one segment should be made. A pure function of what is passed in, so
// that it can be tested, simulated and replaced without the rest of the engine. All times are from
// now.

// One open connection to a parent that may have the segment and may be asked for it.
struct Candidate {
  PeerHandle peer;
  bool busy = false;        // its channel carries an earlier request
  DurationMs free_in{};     // busy: until that is expected to be over; 0 while unknown
  DurationMs ready_in{};    // it must not be asked before
  double bytes_per_ms = 0;  // measured; 0 while unknown
  bool proven = false;      // it has delivered, and has not failed us since
  DurationMs round_trip{};  // measured; 0 while unknown
};

struct Decision {
  enum class Kind { kAsk, kWait, kCdn };

  Kind kind = Kind::kCdn;
  PeerHandle peer;      // kAsk: whom
  DurationMs within{};  // kAsk: it must answer within; kWait: decide again after, at the latest
};

// Least time that a parent is given: below it a request is hardly worth its round trip.
inline constexpr DurationMs kLeastAsk{400};

// `prospect`: for how long it is worth waiting for a parent that is not connected yet; 0 when none
// is in sight. Among equals the first candidate wins.
Decision decide(const Need& need, const std::list<Candidate>& candidates, DurationMs prospect);

}  // namespace hlsmesh

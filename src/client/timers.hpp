#pragma once

#include <algorithm>

#include "client/clock.hpp"

namespace hlsmesh {

// What the engine wants to be woken for.
enum class Wake {
  kNothing,
  kTracker,     // the tracker's session: a timeout, another attempt, a token, a sign of life
  kReport,      // the tracker is told of us
  kAlone,       // the page hears that no peer was found
  kLine,        // the line is free for the next child
  kLoad,        // a load that waits for peers is looked at again
  kConnection,  // a connection that does not open is given up
  kKeepAlive,   // a KEEPALIVE, or its ACK, is due
  kPieces,      // what a parent brings is compared with what the others bring
  kAnswer,      // a parent's answer, or the next packet of it, is due
  kUnwanted,    // a transfer that nobody waits for is looked at again
  kMute,        // a child that asks for nothing makes room for others
  kDigests,     // a file of digests is asked for
  kChild,       // an answer to a child cannot be put off any longer
};

// The earliest of several timers, and what it is for.
struct Timer {
  TimeMs due = kNever;
  Wake why = Wake::kNothing;

  // Of two that are due at once, the first that was named counts.
  void also(TimeMs other, Wake reason) {
    if (other >= due) return;
    due = other;
    why = reason;
  }
};

}  // namespace hlsmesh

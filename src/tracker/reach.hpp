#pragma once

#include <cstdint>

namespace hlsmesh::tracker {

// Whom a peer can be connected with, as far as its introductions have shown.
//
// A browser does not know what its NAT lets in, and its candidates do not tell, so what is known is
// which introductions opened. Whoever reaches few (a NAT with another port for each peer, no UDP)
// fails with most, and what it does open shows who can be reached by anybody. Both follow from each
// other, and each outcome counts only as far as the other side does not explain it:
// - a failure with a parent that is not hard to reach counts against the child that reports it, and
//   two make it hard; a connection with one that is not known to be open makes up for a failure;
// - whoever is connected with a peer of another network that is hard to reach is open, and a parent
//   with which one fails that others reach is narrow.
//
// outcomes.hpp counts. All of it is O(1) for an outcome, but for a peer that has become hard: its
// links are looked at.
enum class Reach : int8_t {
  kHard,    // few reach it
  kNarrow,  // not those that are hard to reach
  kUnknown,
  kOpen,  // anybody reaches it
  // Of a place in the index, whose peer is open:
  kKept,  // the slots that are left are kept for those hard to reach
};

// What the outcomes of one peer's introductions say.
struct Outcomes {
  bool hard = false;
  bool opened = false;     // anything ever
  int8_t failures = 0;     // unexplained, less connections
  int8_t open = 0;         // connections with peers that are hard to reach, less failures
  int8_t missed_open = 0;  // failures with open peers, before anything opened

  Reach reach() const {
    if (hard) return Reach::kHard;
    return open > 0 ? Reach::kOpen : open < 0 ? Reach::kNarrow : Reach::kUnknown;
  }
  // Nobody at all reaches it, it seems.
  bool is_unreachable() const { return hard && !opened && missed_open >= 3; }
};

}  // namespace hlsmesh::tracker

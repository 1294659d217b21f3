#include "tracker/outcomes.hpp"

#include <algorithm>

#include "tracker/room.hpp"

namespace hlsmesh::tracker {
namespace {

// So many failures make a peer hard to reach. With the simulator's mix of NATs one dial in six
// fails behind an ordinary NAT, and two at first for 3 % of the peers; behind a NAT with another
// port for each peer three of four fail, and two at first for more than half.
constexpr int8_t kHardAfter = 2;
// More than these count no further, so that what has changed can show.
constexpr int8_t kMostFailures = 4;
// The same for connections, and for what shows whether a peer is open.
constexpr int8_t kMostOpened = 3;
constexpr int8_t kMostOpen = 3;
// One connection with a peer that is hard to reach may be luck; two are not.
constexpr int8_t kSurelyOpen = 2;

void add(int8_t& count, int8_t change, int8_t least, int8_t most) {
  count = static_cast<int8_t>(std::clamp<int32_t>(count + change, least, most));
}

void count_open(Peer& peer, int8_t change) {
  if (peer.outcomes.hard) return;
  add(peer.outcomes.open, change, -kMostOpen, kMostOpen);
  peer.room->update(peer);
}

// Two of one address could say so of each other, and of one household it shows nothing.
void count_connection(Peer& peer, const Peer& hard) {
  if (peer.network != hard.network) count_open(peer, 1);
}

// Whoever it is connected with is open.
void make_hard(Peer& peer) {
  peer.outcomes.hard = true;
  peer.outcomes.open = 0;
  peer.room->update(peer);
  for (const ParentLink& link : peer.parents) {
    if (link.opened) count_connection(*link.parent, peer);
  }
  for (Peer* child : peer.children) {
    for (const ParentLink& link : child->parents) {
      if (link.parent == &peer && link.opened) count_connection(*child, peer);
    }
  }
}

void count_failures(Peer& peer, int8_t change) {
  Outcomes& outcomes = peer.outcomes;
  add(outcomes.failures, change, -kMostOpened, kMostFailures);
  if (!outcomes.hard && outcomes.failures >= kHardAfter) return make_hard(peer);
  if (!outcomes.hard || outcomes.failures > 0) return;
  outcomes.hard = false;
  peer.room->update(peer);
}

// `was`: what was known of `other` before.
void note_opened_with(Peer& peer, const Peer& other, const Outcomes& was) {
  peer.outcomes.opened = true;
  peer.outcomes.missed_open = 0;
  if (was.hard) count_connection(peer, other);
  if (was.reach() != Reach::kOpen) count_failures(peer, -1);
}

}  // namespace

void note_opened(Peer& child, Peer& parent) {
  const Outcomes before = child.outcomes;
  note_opened_with(child, parent, Outcomes(parent.outcomes));
  note_opened_with(parent, child, before);
}

void note_failed(Peer& child, Peer& parent, tracker_wire::EndReason reason, bool answered) {
  using tracker_wire::EndReason;
  if (!answered) return;
  // A page gives a dial up before the browser does, and then calls the other side silent.
  if (reason == EndReason::kUdp) {
    if (!child.outcomes.opened) add(child.outcomes.missed_open, 2, 0, kMostFailures);
    return count_failures(child, kHardAfter);
  }
  if (reason != EndReason::kNat && reason != EndReason::kSilent) return;
  const Outcomes& other = parent.outcomes;
  if (other.open >= kSurelyOpen && !child.outcomes.opened) {
    add(child.outcomes.missed_open, 1, 0, kMostFailures);
  }
  if (child.outcomes.hard && child.outcomes.opened) count_open(parent, -1);
  if (!other.hard) count_failures(child, 1);
}

}  // namespace hlsmesh::tracker

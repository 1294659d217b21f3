#include "tracker/outcomes.hpp"

#include <algorithm>

#include "tracker/room.hpp"

namespace hlsmesh::tracker {
namespace {

// So many failures make a peer hard to reach. Of peers behind an ordinary NAT 3 % have them before
// a connection, of those behind a NAT with another port for each peer half.
constexpr int8_t kHardAfter = 2;
// More than these count no further, so that what has changed can show.
constexpr int8_t kMostFailures = 4;
constexpr int8_t kMostOpened = 3;
constexpr int8_t kMostOpen = 3;
constexpr int8_t kSurelyOpen = 2;

void add(int8_t& count, int8_t change, int8_t least, int8_t most) {
  count = static_cast<int8_t>(std::clamp<int32_t>(count + change, least, most));
}

void count_open(Peer& peer, int8_t change) {
  if (peer.outcomes.hard) return;
  add(peer.outcomes.open, change, -kMostOpen, kMostOpen);
  peer.room->update(peer);
}

// Whoever it is connected with is open.
void make_hard(Peer& peer) {
  peer.outcomes.hard = true;
  peer.outcomes.open = 0;
  peer.room->update(peer);
  for (const ParentLink& link : peer.parents) {
    if (link.opened) count_open(*link.parent, 1);
    link.parent->room->update(*link.parent);  // which cannot displace it any longer
  }
  for (Peer* child : peer.children) {
    for (const ParentLink& link : child->parents) {
      if (link.parent == &peer && link.opened) count_open(*child, 1);
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
  for (const ParentLink& link : peer.parents) link.parent->room->update(*link.parent);
}

void note_opened_with(Peer& peer, const Outcomes& other) {
  peer.outcomes.opened = true;
  peer.outcomes.missed_open = 0;
  if (other.hard) count_open(peer, 1);
  if (other.reach() != Reach::kOpen) count_failures(peer, -1);
}

void note_failed_with(Peer& peer, const Outcomes& other) {
  if (other.open >= kSurelyOpen && !peer.outcomes.opened) {
    add(peer.outcomes.missed_open, 1, 0, kMostFailures);
  }
  if (other.hard && other.opened) count_open(peer, -1);
  if (!other.hard) count_failures(peer, 1);
}

}  // namespace

void note_opened(Peer& child, Peer& parent) {
  const Outcomes before = child.outcomes;
  note_opened_with(child, Outcomes(parent.outcomes));
  note_opened_with(parent, before);
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
  const Outcomes before = child.outcomes;
  note_failed_with(child, Outcomes(parent.outcomes));
  note_failed_with(parent, before);
}

}  // namespace hlsmesh::tracker

// Who fetches first.

#include <algorithm>
#include <cmath>

#include "client/download/mesh.hpp"

namespace hlsmesh {
namespace {

// A neighbor that usually knows of a live segment this many milliseconds before us fetches it
// first.
constexpr double kLeadMs = 100;

// A line that carries the stream this often is strong enough to feed a room; and by how much a
// child's must be stronger to be of help.
constexpr double kStrong = 3;
constexpr double kStronger = 1.5;

// Of a neighbor that has not said how much it is behind: half of a common target duration.
constexpr double kUsuallyBehindMs = 1'000;
// Lines are compared by how long they take for this much of the stream: a common segment.
constexpr double kSegmentMs = 2'000;
// Who has begun goes on until another one is sooner by more than this, so that a measure that moves
// a little changes nothing.
constexpr double kSoonerMs = 200;

}  // namespace

void Mesh::on_listed(TimeMs now, const SegmentKey& key) {
  for (Neighbor* neighbor : neighbors_) neighbor->words.on_listed(now, key);
}

Neighbor* Mesh::leader() const {
  Neighbor* leader = nullptr;
  double most = kLeadMs;
  for (Neighbor* neighbor : neighbors_) {
    if (neighbor->is_parent) return nullptr;
    if (neighbor->words.ahead_ms() <= most) continue;
    most = neighbor->words.ahead_ms();
    leader = neighbor;
  }
  return leader;
}

const Neighbor* Mesh::second(double up, PeerHandle now_second) const {
  // Two copies in the time of a segment leave others time to exchange them.
  if (!live_ || !(up > 0)) return nullptr;
  const double rate = downloads_.estimates().sizes.most_bytes_per_ms();
  if (up >= rate * kStrong) return nullptr;
  const double enough = up * kStronger;
  const Neighbor* best = nullptr;
  double soonest = HUGE_VAL;
  for (const Neighbor* neighbor : neighbors_) {
    if (neighbor->is_parent) return nullptr;
    // A line that was never full, so that its rate is not known, is no weak one.
    double theirs = neighbor->up;
    if (!(theirs > 0) && neighbor->passes_on) theirs = enough * 1.01;
    if (theirs <= enough) continue;
    // When it has sent a segment once.
    const double behind = neighbor->behind_ms > 0 ? neighbor->behind_ms : kUsuallyBehindMs;
    double ms = behind + kSegmentMs * rate / theirs;
    if (neighbor->peer == now_second) ms -= kSoonerMs;
    if (ms >= soonest) continue;
    soonest = ms;
    best = neighbor;
  }
  return best;
}

void Mesh::lose_leader() {
  if (Neighbor* const first = leader()) first->words.lose_lead();
}

bool Mesh::leads() const {
  return std::any_of(neighbors_.begin(), neighbors_.end(), [](const Neighbor* neighbor) {
    return neighbor->is_parent && neighbor->we_lead;
  });
}

}  // namespace hlsmesh

// Who fetches first.

#include <algorithm>

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
  if (up >= downloads_.estimates().sizes.most_bytes_per_ms() * kStrong) return nullptr;
  const Neighbor* best = nullptr;
  double most = up * kStronger;
  for (const Neighbor* neighbor : neighbors_) {
    if (neighbor->is_parent) return nullptr;
    // Who has begun goes on unless another one is much stronger.
    // A line that was never full, so that its rate is not known, is no weak one.
    double theirs = neighbor->up;
    if (!(theirs > 0) && neighbor->passes_on) theirs = most * 1.01;
    if (neighbor->peer == now_second) theirs *= kStronger;
    if (theirs <= most) continue;
    most = theirs;
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

// Who fetches first.

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/download/mesh.hpp"

namespace hlsmesh {
namespace {

// A neighbor that usually knows of a live segment this many milliseconds before us fetches it
// first.
constexpr double kLeadMs = 100;
// It says that the segment comes within this time of ours.
constexpr double kGraceMs = 400;
// One that is behind us is waited for no longer than this, since everybody waits with us.
constexpr double kMostBehindMs = 1'500;
// Who was waited for in vain is not named for its line again before this time is over.
constexpr DurationMs kAfterVain{30'000};

// A line that carries the stream this often is strong enough to feed a room; one that carries it
// less than kScant times needs another beside it.
constexpr double kStrong = 3;
constexpr double kScant = 1.5;
// By how much a child's line must be stronger to be of help.
constexpr double kStronger = 1.5;

// Of a neighbor that has not said how much it is behind: half of a common target duration.
constexpr double kUsuallyBehindMs = 1'000;
// Lines are compared by how long they take for this much of the stream: a common segment.
constexpr double kSegmentMs = 2'000;
// Who has begun goes on until another one is sooner by more than this, so that a measure that moves
// a little changes nothing.
constexpr double kSoonerMs = 200;

double behind_ms(const Neighbor& neighbor) {
  return neighbor.behind_ms > 0 ? neighbor.behind_ms : kUsuallyBehindMs;
}

}  // namespace

void Mesh::on_listed(TimeMs now, const SegmentKey& key) {
  for (Neighbor* neighbor : neighbors_) neighbor->words.on_listed(now, key);
}

void Mesh::choose_leader(TimeMs now, double up) {
  const Neighbor* const before = std::exchange(leader_, nullptr);
  beside_ = false;
  Neighbor* ahead = nullptr;
  double most = kLeadMs;
  for (Neighbor* neighbor : neighbors_) {
    if (neighbor->is_parent) return;
    if (neighbor->words.ahead_ms() <= most) continue;
    most = neighbor->words.ahead_ms();
    ahead = neighbor;
  }
  leader_ = ahead;
  if (ahead == nullptr) choose_stronger(now, up, before);
}

void Mesh::choose_stronger(TimeMs now, double up, const Neighbor* before) {
  const double rate = downloads_.estimates().sizes.most_bytes_per_ms();
  if (!live_ || !(up > 0) || up >= rate * kStrong) return;
  const double enough = up * kStronger;
  // When a whole segment has left a line once.
  const double ours = kSegmentMs * rate / up;
  double soonest = HUGE_VAL;
  for (Neighbor* neighbor : neighbors_) {
    // A line that was never full, so that its rate is not known, is no weak one.
    double theirs = neighbor->up;
    if (!(theirs > 0) && neighbor->passes_on) theirs = enough * 1.01;
    if (theirs <= enough) continue;
    double ms = behind_ms(*neighbor) + kSegmentMs * rate / theirs;
    if (neighbor == before) ms -= kSoonerMs;
    if (now < neighbor->leads_after) ms = std::max(ms, ours);
    if (ms >= soonest) continue;
    soonest = ms;
    leader_ = neighbor;
  }
  if (leader_ == nullptr) return;
  beside_ = soonest >= ours;
  // Late, but all of what a line carries that is strong enough for one copy.
  if (beside_ && up >= rate * kScant) leader_ = nullptr;
}

DurationMs Mesh::grace() const {
  if (leader() == nullptr) return DurationMs::zero();
  const bool ahead = leader_->words.ahead_ms() > kLeadMs;
  return to_duration(kGraceMs + (ahead ? 0 : std::min(behind_ms(*leader_), kMostBehindMs)));
}

void Mesh::lose_leader(TimeMs now) {
  if (leader() == nullptr) return;
  leader_->words.lose_lead();
  leader_->leads_after = now + kAfterVain;
  leader_ = nullptr;
}

bool Mesh::leads() const {
  return std::any_of(neighbors_.begin(), neighbors_.end(), [](const Neighbor* neighbor) {
    return neighbor->is_parent && neighbor->we_lead;
  });
}

}  // namespace hlsmesh

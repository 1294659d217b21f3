#include "tracker/matching.hpp"

#include <algorithm>

namespace hlsmesh::tracker {
namespace {

bool may_feed(const Peer& parent, const Peer& child, TimeMs now) {
  for (const ParentLink& link : child.parents) {
    if (link.parent == &parent) return false;
  }
  return std::none_of(child.held_down.begin(), child.held_down.end(), [&](const HoldDown& pair) {
    return pair.parent == parent.join && now < pair.until;
  });
}

}  // namespace

void Matching::update(Peer& peer) {
  const int32_t children = static_cast<int32_t>(peer.children.size());
  std::optional<std::pair<int32_t, int32_t>> key;
  if (children < peer.child_limit && peer.layer < kMaxLayer) key.emplace(peer.layer, children);
  if (key == peer.slot_key) return;
  remove(peer);
  if (!key) return;
  free_slots_[*key].emplace(peer.join, &peer);
  peer.slot_key = key;
}

void Matching::remove(Peer& peer) {
  if (!peer.slot_key) return;
  const auto place = free_slots_.find(*peer.slot_key);
  place->second.erase(peer.join);
  if (place->second.empty()) free_slots_.erase(place);
  peer.slot_key.reset();
}

Peer* Matching::find_parent(const Peer& child, TimeMs now) const {
  for (const auto& [key, peers] : free_slots_) {
    for (const auto& [join, parent] : peers) {
      if (join >= child.join) break;
      if (may_feed(*parent, child, now)) return parent;
    }
  }
  return nullptr;
}

}  // namespace hlsmesh::tracker

#include "tracker/room.hpp"

namespace hlsmesh::tracker {

void Room::add(Peer& peer) {
  peer.room = this;
  nodes.emplace(peer.join, &peer);
  parents.peers_in_room = nodes.size();
  ++population[peer.layer];
  update(peer);
}

void Room::remove(Peer& peer) {
  parents.remove(peer);
  if (peer.orphan) orphans.erase(*peer.orphan);
  peer.orphan.reset();
  nodes.erase(peer.join);
  parents.peers_in_room = nodes.size();
  if (--population[peer.layer] == 0) {
    population.erase(peer.layer);
    hollow = hollow || (!population.empty() && population.rbegin()->first > peer.layer);
  }
  peer.room = nullptr;
}

void Room::update(Peer& peer) {
  parents.update(peer);
  const std::optional<Rank> orphan = is_orphan(peer) ? std::optional(peer.rank) : std::nullopt;
  if (orphan == peer.orphan) return;
  if (peer.orphan) orphans.erase(*peer.orphan);
  if (orphan) orphans.emplace(*orphan, &peer);
  peer.orphan = orphan;
}

void Room::set_layer(Peer& peer, int32_t layer) {
  if (layer != peer.layer) {
    ++population[layer];
    if (--population[peer.layer] == 0) {
      population.erase(peer.layer);
      hollow = hollow || population.rbegin()->first > peer.layer;
    }
    peer.layer = layer;
  }
  update(peer);
}

void Room::set_rank(Peer& peer, Rank rank) {
  peer.rank = rank;
  update(peer);
}

}  // namespace hlsmesh::tracker

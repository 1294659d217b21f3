#pragma once

#include <cstdint>
#include <map>

#include "tracker/filter_class.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Peers of a channel that may be introduced to one another. Links to peers of another room stem
// from before a room was divided, and stand.
struct Room {
  int32_t number = 0;
  std::map<JoinOrder, Peer*> nodes;
  FilterClass parents;  // those who could take a child
  // Peers that nobody feeds, and that may be fed. The first of those that are not idle is always
  // among them.
  std::map<Rank, Peer*> orphans;
  // Peers of each class.
  std::map<int32_t, int32_t> population;
  // A class has run empty while there are peers below it: what is below is not so far from the CDN
  // as it says.
  bool hollow = false;
  // Links that changed since all classes were brought up to date.
  size_t changes = 0;

  void add(Peer& peer);
  void remove(Peer& peer);
  // Something changed that the indexes depend on.
  void update(Peer& peer);
  void set_layer(Peer& peer, int32_t layer);
  void set_rank(Peer& peer, Rank rank);

  // Nobody feeds it, it needs it, and its children are all known, so that a parent can be told from
  // them.
  static bool is_orphan(const Peer& peer) {
    return peer.is_source() && !peer.idle && peer.kept_children == 0;
  }
};

}  // namespace hlsmesh::tracker

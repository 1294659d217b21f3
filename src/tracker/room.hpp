#pragma once

#include <cstdint>
#include <map>

#include "tracker/filter_class.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Peers of a site that may be introduced to one another. A link to a peer of another room was
// made before a room was divided, and stays.
struct Room {
  int32_t number = 0;
  std::map<JoinOrder, Peer*> nodes;
  FilterClass parents;  // the peers that could take a child
  // Peers that nobody feeds and that may be fed. The first peer that is not idle is always among
  // them.
  std::map<Rank, Peer*> orphans;
  // The number of peers of each class.
  std::map<int32_t, int32_t> population;
  // A class has become empty while there are peers below it: those are nearer to the CDN than their
  // class says.
  bool hollow = false;
  // The number of links that have changed since all classes were updated.
  size_t changes = 0;

  void add(Peer& peer);
  void remove(Peer& peer);
  // To be called after a change on which the indexes depend.
  void update(Peer& peer);
  void set_layer(Peer& peer, int32_t layer);
  void set_rank(Peer& peer, Rank rank);

  // Returns true if nobody feeds the peer, it needs to be fed, and all its children are known, so
  // that none of them becomes its parent.
  static bool is_orphan(const Peer& peer) {
    return peer.is_source() && !peer.idle && peer.kept_children == 0;
  }
};

}  // namespace hlsmesh::tracker

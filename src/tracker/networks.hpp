#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

class Networks;

// The peers of one site that have one address, and what they do for strangers, who have another.
struct Network {
  int32_t id = 0;     // in the order in which networks came to the site
  int32_t peers = 0;  // in the site
  int32_t fed = 0;    // strangers whose first parent is one of them
  Networks* all = nullptr;
};

// The networks of one site. Nobody knows whether a hundred viewers behind one address are a
// carrier's customers or one attacker, so both get the same: they feed each other without a limit,
// are the first parents of a share of the strangers, and further parents of any, one each.
class Networks {
 public:
  // The strangers whose first parents may be of one address in any case.
  static constexpr int32_t kLeastFed = 6;
  // An address with as many peers is a crowd: it might be all that a newcomer finds.
  static constexpr int32_t kCrowd = 4;

  // `percent`: of a room's strangers.
  explicit Networks(int32_t percent) : percent_(percent) {}

  void add(Peer& peer);
  void remove(Peer& peer);
  // Returns true if the parent will be the first one of a stranger; unlinked() must be called then.
  bool linked(const Peer& child, const Peer& parent);
  static void unlinked(const Peer& parent);

  // Returns true if peers of the network may be the first parents of one more stranger in the room.
  // `peers`: those of the room.
  bool may_begin(const Network& network, size_t peers) const;
  // Returns true if the network has many of the site's peers, and there are others.
  bool is_crowd(const Network& network) const;

  // Times that a search passed a network over because it had its share.
  uint64_t passed_over = 0;

 private:
  int32_t percent_;
  int32_t last_id_ = 0;
  std::map<std::string, Network> all_;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tracker/peer.hpp"
#include "tracker/room.hpp"

namespace hlsmesh::tracker {

// The rooms of one channel. A room that is full is divided in two: by ISP where that leaves each
// half at least a quarter of the peers, else by ISP and province, else by lot. Two halves that
// would fit into half a room become one again. So a room stays large enough to find a near parent
// in and small enough to know, and it changes only once for thousands of peers that come or go.
//
// The lot of a peer is drawn from its place in the order of entering, so that a replay gives the
// same rooms and no peer can choose its own.
class Rooms {
 public:
  explicit Rooms(int32_t most_peers);
  ~Rooms();
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  void add(Peer& peer);
  // Returns the room that several have become, or nullptr.
  Room* remove(Peer& peer);

  const std::map<int32_t, std::unique_ptr<Room>>& all() const { return all_; }

 private:
  enum class By : int8_t { kIsp, kProvince, kLot };
  struct Node;
  using Key = std::string;

  static Key key_of(By by, const Peer& peer);
  Node& choose(Node& node, const Peer& peer);
  void divide(Node& leaf);
  bool divide_by(Node& leaf, By by);
  Room& unite(Node& node);
  Room& open_room(Node& leaf);
  static void move(Room& from, Room& to);

  const size_t most_peers_;
  int32_t last_number_ = -1;
  // By number.
  std::map<int32_t, std::unique_ptr<Room>> all_;
  std::map<int32_t, Node*> leaves_;
  std::unique_ptr<Node> root_;
};

}  // namespace hlsmesh::tracker

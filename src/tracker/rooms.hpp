#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tracker/peer.hpp"
#include "tracker/room.hpp"

namespace hlsmesh::tracker {

// The rooms of one site of a channel. A full room is divided in two: by ISP if each half gets at
// least a quarter of the peers, otherwise by ISP and province, otherwise by lot. Two halves that
// fit into half a room are united again. So a room is large enough to find a near parent in it and
// small enough to search, and it changes only once for thousands of peers that come or go.
//
// A peer's lot depends only on its place in the order of entering, so that a replay makes the same
// rooms and no peer can choose its room.
class Rooms {
 public:
  // `last_number`: that of the channel's last room, which is increased.
  Rooms(int32_t most_peers, int32_t& last_number);
  ~Rooms();
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  void add(Peer& peer);
  // Returns the room in which several have been united, or nullptr.
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
  int32_t& last_number_;
  // By number.
  std::map<int32_t, std::unique_ptr<Room>> all_;
  std::map<int32_t, Node*> leaves_;
  std::unique_ptr<Node> root_;
};

}  // namespace hlsmesh::tracker

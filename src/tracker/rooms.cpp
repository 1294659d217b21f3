#include "tracker/rooms.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/random.hpp"

namespace hlsmesh::tracker {
namespace {

// The deepest division of divisions. With fair lots no room is divided that often.
constexpr int32_t kDeepest = 48;

// The most names for which one division remembers the side. There are not that many real networks
// in a room.
constexpr size_t kMostNames = 4096;

bool draw(const Peer& peer, int32_t depth) {
  Random lots(peer.join * 64 + static_cast<uint64_t>(depth));
  return (lots.next() & 1) != 0;
}

}  // namespace

// A room, or a division of what was one.
struct Rooms::Node {
  Node* above = nullptr;
  int32_t depth = 0;
  size_t peers = 0;
  Room* room = nullptr;  // null: divided
  By by = By::kIsp;
  std::map<Key, int32_t> side;
  std::unique_ptr<Node> halves[2];
};

Rooms::Rooms(int32_t most_peers, int32_t& last_number)
    : most_peers_(static_cast<size_t>(std::max(most_peers, 1))),
      last_number_(last_number),
      root_(std::make_unique<Node>()) {}
Rooms::~Rooms() = default;

Room& Rooms::open_room(Node& leaf) {
  auto room = std::make_unique<Room>();
  room->number = ++last_number_;
  leaf.room = room.get();
  leaves_[room->number] = &leaf;
  return *all_.emplace(room->number, std::move(room)).first->second;
}

Rooms::Key Rooms::key_of(By by, const Peer& peer) {
  return by == By::kIsp ? peer.info.isp : peer.info.isp + '\n' + peer.info.province;
}

Rooms::Node& Rooms::choose(Node& node, const Peer& peer) {
  if (node.by == By::kLot) return *node.halves[draw(peer, node.depth) ? 1 : 0];
  const int32_t smaller = node.halves[1]->peers < node.halves[0]->peers ? 1 : 0;
  Key key = key_of(node.by, peer);
  const auto known = node.side.find(key);
  if (known != node.side.end()) return *node.halves[known->second];
  if (node.side.size() < kMostNames) node.side.emplace(std::move(key), smaller);
  return *node.halves[smaller];
}

void Rooms::add(Peer& peer) {
  if (all_.empty()) open_room(*root_);
  Node* node = root_.get();
  while (true) {
    if (node->room != nullptr && node->peers >= most_peers_ && node->depth < kDeepest) {
      divide(*node);
    }
    if (node->room != nullptr) break;
    node = &choose(*node, peer);
  }
  node->room->add(peer);
  for (; node != nullptr; node = node->above) ++node->peers;
}

Room* Rooms::remove(Peer& peer) {
  Node* node = leaves_.find(peer.room->number)->second;
  peer.room->remove(peer);
  Node* united = nullptr;
  for (; node != nullptr; node = node->above) {
    --node->peers;
    if (node->room == nullptr && node->peers <= most_peers_ / 2) united = node;
  }
  return united == nullptr ? nullptr : &unite(*united);
}

void Rooms::divide(Node& leaf) {
  if (divide_by(leaf, By::kIsp) || divide_by(leaf, By::kProvince)) return;
  divide_by(leaf, By::kLot);
}

bool Rooms::divide_by(Node& leaf, By by) {
  std::map<Key, int32_t> side;
  if (by != By::kLot) {
    std::map<Key, size_t> sizes;
    for (const auto& [join, peer] : leaf.room->nodes) ++sizes[key_of(by, *peer)];
    std::vector<std::pair<size_t, Key>> largest;
    for (const auto& [key, size] : sizes) largest.emplace_back(size, key);
    std::sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    // Each name goes to the half that is smaller so far.
    size_t taken[2] = {0, 0};
    for (const auto& [size, key] : largest) {
      const int32_t smaller = taken[1] < taken[0] ? 1 : 0;
      side.emplace(key, smaller);
      taken[smaller] += size;
    }
    if (4 * std::min(taken[0], taken[1]) < leaf.peers || taken[1] == 0) return false;
  }

  Room& stays = *std::exchange(leaf.room, nullptr);
  leaf.by = by;
  leaf.side = std::move(side);
  for (std::unique_ptr<Node>& half : leaf.halves) {
    half = std::make_unique<Node>();
    half->above = &leaf;
    half->depth = leaf.depth + 1;
  }
  leaf.halves[0]->room = &stays;
  leaves_[stays.number] = leaf.halves[0].get();
  Room& opens = open_room(*leaf.halves[1]);
  const std::map<JoinOrder, Peer*> nodes = stays.nodes;
  for (const auto& [join, peer] : nodes) {
    Node& half = choose(leaf, *peer);
    ++half.peers;
    if (half.room == &stays) continue;
    stays.remove(*peer);
    opens.add(*peer);
  }
  return true;
}

void Rooms::move(Room& from, Room& to) {
  while (!from.nodes.empty()) {
    Peer& peer = *from.nodes.begin()->second;
    from.remove(peer);
    to.add(peer);
  }
}

// Unites everything below `node` in one room.
Room& Rooms::unite(Node& node) {
  std::vector<Room*> rooms;
  std::vector<const Node*> open{&node};
  while (!open.empty()) {
    const Node* next = open.back();
    open.pop_back();
    if (next->room != nullptr) {
      rooms.push_back(next->room);
    } else {
      for (const auto& half : next->halves) open.push_back(half.get());
    }
  }
  // The room with the lowest number stays.
  std::sort(rooms.begin(), rooms.end(),
            [](const Room* a, const Room* b) { return a->number < b->number; });
  for (size_t i = 1; i < rooms.size(); ++i) {
    move(*rooms[i], *rooms[0]);
    leaves_.erase(rooms[i]->number);
    all_.erase(rooms[i]->number);
  }
  for (std::unique_ptr<Node>& half : node.halves) half.reset();
  node.side.clear();
  node.room = rooms[0];
  leaves_[node.room->number] = &node;
  return *node.room;
}

}  // namespace hlsmesh::tracker

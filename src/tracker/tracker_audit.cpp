// Checks all invariants by looking at everything. For tests.

#include <algorithm>
#include <set>
#include <tuple>

#include "tracker/tracker_impl.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;

using Entry = FilterClass::Entry;

bool has_child(const Peer& parent, const Peer& child) {
  return std::count(parent.children.begin(), parent.children.end(), &child) == 1;
}

const char* audit_peer(const Channel& channel, const Peer& peer) {
  if (peer.channel != &channel) return "a peer thinks it is elsewhere";
  const auto node = peer.room->nodes.find(peer.join);
  if (node == peer.room->nodes.end() || node->second != &peer) return "a room misses a peer";
  if (peer.is_overfull() && !peer.shed_at && peer.kept_children == 0)
    return "a parent is over-full";
  // One more while a promotion is under way.
  if (static_cast<int32_t>(peer.parents.size()) > peer.parents_wanted + 1) {
    return "a peer has more parents than it wants";
  }
  if (peer.is_source() != (peer.layer == 0)) return "class 0 is not who nobody feeds";
  if (peer.orphan != (Room::is_orphan(peer) ? std::optional(peer.rank) : std::nullopt)) {
    return "an orphan is not known as one, or the reverse";
  }
  std::set<const Peer*> parents;
  for (const ParentLink& link : peer.parents) {
    if (!parents.insert(link.parent).second) return "a parent twice over";
    if (link.parent->channel != &channel) return "a parent in another channel";
    if (link.parent->site != peer.site) return "a parent of another site";
    if (peer.info.site == kNoPeers || peer.banned || link.parent->banned) {
      return "a parent of a peer that is to have none";
    }
    if (!has_child(*link.parent, peer)) return "a parent that does not know of its child";
    if (link.parent->rank >= peer.rank) return "a parent ranks above its child";
  }
  for (const Peer* child : peer.children) {
    const bool known = std::any_of(child->parents.begin(), child->parents.end(),
                                   [&](const ParentLink& link) { return link.parent == &peer; });
    if (!known) return "a child that does not know of its parent";
  }
  if (peer.orphan && !peer.search_at && peer.room->nodes.size() > 1) {
    return "an orphan does not look for a parent";
  }
  return nullptr;
}

const char* audit_room(const Room& room) {
  std::map<int32_t, int32_t> population;
  std::vector<Entry> expected;
  size_t orphans = 0;
  for (const auto& [join, peer] : room.nodes) {
    if (peer->room != &room) return "a room has a peer of another";
    ++population[peer->layer];
    orphans += peer->orphan ? 1 : 0;
    const std::optional<Spot> spot = FilterClass::spot_of(*peer);
    if (spot != peer->spot) return "the index has a peer where it is not";
    if (!spot) continue;
    const auto& [isp, province] = std::tie(peer->info.isp, peer->info.province);
    expected.push_back({0, *spot, {}, {}, peer});
    if (isp.empty()) continue;
    expected.push_back({1, *spot, isp, {}, peer});
    if (!province.empty()) expected.push_back({2, *spot, isp, province, peer});
  }
  if (population != room.population) return "a room miscounts its classes";
  if (orphans != room.orphans.size()) return "a room miscounts its orphans";
  for (const auto& [rank, peer] : room.orphans) {
    if (peer->orphan != rank || peer->room != &room) return "a room has a false orphan";
  }
  std::vector<Entry> found = room.parents.contents();
  const auto key = [](const Entry& entry) {
    return std::tie(entry.view, entry.spot.layer, entry.isp, entry.province, entry.spot.slack,
                    entry.spot.level, entry.spot.reach, entry.spot.rank);
  };
  const auto before = [&](const Entry& a, const Entry& b) { return key(a) < key(b); };
  std::sort(found.begin(), found.end(), before);
  std::sort(expected.begin(), expected.end(), before);
  const bool same = std::equal(
      found.begin(), found.end(), expected.begin(), expected.end(),
      [&](const Entry& a, const Entry& b) { return key(a) == key(b) && a.peer == b.peer; });
  return same ? nullptr : "the index is not what it would be if built anew";
}

// By colours, without looking at ranks.
bool has_cycle(const Channel& channel) {
  std::map<JoinOrder, bool> done;
  for (const auto& [join, start] : channel.nodes) {
    std::vector<std::pair<const Peer*, size_t>> path{{start, 0}};
    if (!done.try_emplace(join, false).second) continue;
    while (!path.empty()) {
      auto& [at, next] = path.back();
      if (next == at->parents.size()) {
        done[at->join] = true;
        path.pop_back();
        continue;
      }
      const Peer* parent = at->parents[next++].parent;
      const auto [entry, fresh] = done.try_emplace(parent->join, false);
      if (fresh) {
        path.push_back({parent, 0});
      } else if (!entry->second) {
        return true;
      }
    }
  }
  return false;
}

std::set<const Peer*> everyone_below(const Peer& peer) {
  std::set<const Peer*> below{&peer};
  std::vector<const Peer*> open{&peer};
  while (!open.empty()) {
    const Peer* at = open.back();
    open.pop_back();
    for (const Peer* child : at->children) {
      if (below.insert(child).second) open.push_back(child);
    }
  }
  return below;
}

bool could_be_fed(const Peer& orphan, TimeMs now) {
  if (now < orphan.connect_after) return false;
  const std::set<const Peer*> below = everyone_below(orphan);
  const bool movable = below.size() <= kMostMoved;
  std::set<const Network*> networks;
  for (const auto& [join, peer] : orphan.room->nodes) {
    const std::optional<Spot> spot = FilterClass::spot_of(*peer);
    if (below.count(peer) != 0 || !spot) continue;
    if (spot->slack == Slack::kIdle && orphan.unfed) continue;
    const bool hopeful = orphan.outcomes.hard && !orphan.outcomes.is_unreachable();
    // It probably cannot reach it.
    if (hopeful && spot->reach < Reach::kUnknown && now < orphan.last_resort_after) continue;
    if (!movable && peer->rank > orphan.rank) continue;
    const JoinOrder candidate = peer->join;
    const bool held = std::any_of(
        orphan.held_down.begin(), orphan.held_down.end(),
        [&](const HoldDown& pair) { return pair.parent == candidate && now < pair.until; });
    if (held) continue;
    const Network& network = *peer->network;
    if (&network == orphan.network) return true;
    networks.insert(&network);
  }
  return std::any_of(networks.begin(), networks.end(), [&](const Network* network) {
    if (!orphan.site->networks.may_begin(*network, orphan.room->nodes.size())) return false;
    return networks.size() > 1 || !Introductions::must_not_be_alone(orphan, *network);
  });
}

}  // namespace

std::string Tracker::Impl::audit() const {
  int32_t links = 0;
  int32_t peers = 0;
  for (const auto& [id, channel] : channels_) {
    std::set<Rank> ranks;
    size_t in_rooms = 0;
    const char* broken_room = nullptr;
    channel.visit_rooms([&](const Room& room) {
      in_rooms += room.nodes.size();
      if (room.nodes.size() > static_cast<size_t>(config_.room_peers))
        broken_room = "a room too large";
      if (const char* broken = audit_room(room)) broken_room = broken;
    });
    if (broken_room != nullptr) return broken_room;
    if (in_rooms != channel.nodes.size()) return "rooms and channel differ";
    for (const auto& [join, peer] : channel.nodes) {
      if (const char* broken = audit_peer(channel, *peer)) return broken;
      if (!ranks.insert(peer->rank).second) return "two peers of one rank";
      links += static_cast<int32_t>(peer->parents.size());
    }
    if (has_cycle(channel)) return "a cycle";
    peers += static_cast<int32_t>(channel.nodes.size());
  }
  if (links != introductions_.standing()) return "links are miscounted";
  return peers == peers_ ? std::string() : "peers are miscounted";
}

std::vector<std::string> Tracker::Impl::neglected() const {
  std::vector<std::string> ids;
  for (const auto& [id, channel] : channels_) {
    channel.visit_rooms([&](const Room& room) {
      for (const auto& [rank, orphan] : room.orphans) {
        if (could_be_fed(*orphan, now_)) ids.push_back(orphan->id.text);
      }
    });
  }
  return ids;
}

}  // namespace hlsmesh

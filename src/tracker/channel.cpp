#include "tracker/channel.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace hlsmesh::tracker {
namespace {

// The most peers whose class one change updates.
constexpr size_t kSettledAtOnce = 64;

// A room is updated as a whole only after one peer in this many has gained or lost a parent, so
// that the cost is spread over those changes.
constexpr size_t kChangesPerPeer = 4;

}  // namespace

Channel::Channel(std::string channel_id, int32_t room_peers, int32_t network_percent)
    : id(std::move(channel_id)),
      host(host_of(id)),
      room_peers_(room_peers),
      network_percent_(network_percent) {}

uint64_t Channel::passed_over() const {
  uint64_t sum = passed_over_;
  for (const auto& [name, site] : sites) sum += site.networks.passed_over;
  return sum;
}

void Channel::vote(const Peer& peer) {
  if (peer.says_live) ++(*peer.says_live ? live_votes : vod_votes);
}
void Channel::unvote(const Peer& peer) {
  if (peer.says_live) --(*peer.says_live ? live_votes : vod_votes);
}

void Channel::add(Peer& peer) {
  peer.channel = this;
  peer.rank = ++highest_;
  nodes.emplace(peer.join, &peer);
  vote(peer);
  Site& site =
      sites.try_emplace(peer.info.site, room_peers_, network_percent_, last_room_).first->second;
  peer.site = &site;
  ++site.peers;
  site.networks.add(peer);
  site.rooms.add(peer);
}

Room* Channel::remove(Peer& peer) {
  Site& site = *peer.site;
  Room* const united = site.rooms.remove(peer);
  unvote(peer);
  site.networks.remove(peer);
  site.waiting.erase({peer.quorum, peer.join});
  nodes.erase(peer.join);
  peer.channel = nullptr;
  peer.site = nullptr;
  if (--site.peers > 0) return united;
  passed_over_ += site.networks.passed_over;
  sites.erase(peer.info.site);
  return nullptr;
}

void Channel::link(Peer& child, Peer& parent, TimeMs now) {
  const bool counted = child.site->networks.linked(child, parent);
  child.parents.push_back({&parent, false, counted, now, 0, {}, {}});
  parent.children.push_back(&child);
  parent.room->update(parent);
  settle(child);
}

bool Channel::unlink(Peer& child, Peer& parent) {
  const auto link =
      std::find_if(child.parents.begin(), child.parents.end(),
                   [&](const ParentLink& candidate) { return candidate.parent == &parent; });
  if (link == child.parents.end()) return false;
  if (link->counted) Networks::unlinked(parent);
  child.parents.erase(link);
  parent.children.erase(std::find(parent.children.begin(), parent.children.end(), &child));
  parent.room->update(parent);
  settle(child);
  return true;
}

std::vector<Rank> Channel::ranks_below(const Peer& peer, size_t most) {
  std::vector<const Peer*> found{&peer};
  std::vector<Rank> ranks{peer.rank};
  // Those found, by rank, at the first free place from there on: a quarter of it is used at most.
  std::vector<const Peer*> places(std::bit_ceil(4 * most));
  const auto place_of = [&](const Peer* sought) -> const Peer*& {
    size_t at = static_cast<size_t>(sought->rank);
    while (true) {
      const Peer*& place = places[at++ & (places.size() - 1)];
      if (place == nullptr || place == sought) return place;
    }
  };
  place_of(&peer) = &peer;
  for (size_t next = 0; next < found.size(); ++next) {
    for (const Peer* child : found[next]->children) {
      const Peer*& place = place_of(child);
      if (place == child) continue;
      if (found.size() == most) return {};
      place = child;
      found.push_back(child);
      ranks.push_back(child->rank);
    }
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

void Channel::move_to_end(Peer& peer) {
  std::map<Rank, Peer*> moved{{peer.rank, &peer}};
  // Peers below rank higher, so the walk never goes back.
  for (auto at = moved.begin(); at != moved.end(); ++at) {
    for (Peer* child : at->second->children) moved.emplace(child->rank, child);
  }
  for (const auto& [rank, member] : moved) member->room->set_rank(*member, ++highest_);
}

void Channel::move_to_front(Peer& peer) { peer.room->set_rank(peer, --lowest_); }

int32_t Channel::layer_of(const Peer& peer) {
  if (peer.is_source()) return 0;
  // A kept parent may have any class; in any case the peer is not fed by the CDN.
  int32_t nearest = peer.kept_parents > 0 ? 0 : kMaxLayer;
  for (const ParentLink& link : peer.parents) nearest = std::min(nearest, link.parent->layer);
  return std::min(nearest + 1, kMaxLayer);
}

void Channel::settle(Peer& peer) {
  std::vector<Peer*> changed{&peer};
  for (size_t next = 0; next < changed.size() && next < kSettledAtOnce; ++next) {
    Peer& at = *changed[next];
    const int32_t layer = layer_of(at);
    const bool moved = layer != at.layer;
    at.room->set_layer(at, layer);
    if (moved) changed.insert(changed.end(), at.children.begin(), at.children.end());
  }
  Room& room = *peer.room;
  ++room.changes;
  if (room.hollow && room.changes >= room.nodes.size() / kChangesPerPeer) settle_room(room);
}

// In the order of ranks every parent comes before its children, so one pass is enough.
void Channel::settle_room(Room& room) {
  std::vector<Peer*> ordered;
  for (const auto& [join, peer] : room.nodes) ordered.push_back(peer);
  std::sort(ordered.begin(), ordered.end(),
            [](const Peer* a, const Peer* b) { return a->rank < b->rank; });
  for (Peer* peer : ordered) room.set_layer(*peer, layer_of(*peer));
  room.hollow = false;
  room.changes = 0;
}

std::string host_of(std::string_view channel_id) {
  const size_t scheme = channel_id.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view authority = channel_id.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const size_t user = authority.rfind('@');
  if (user != std::string_view::npos) authority.remove_prefix(user + 1);
  const size_t port = authority.rfind(':');
  // The colons of an IPv6 address stand within brackets.
  if (port != std::string_view::npos && authority.find(']', port) == std::string_view::npos) {
    authority = authority.substr(0, port);
  }
  std::string host(authority);
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return host;
}

}  // namespace hlsmesh::tracker

#include "tracker/channel.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh::tracker {

Channel::Channel(std::string channel_id) : id(std::move(channel_id)), host(host_of(id)) {}

void Channel::vote(const Peer& peer) {
  if (peer.says_live) ++(*peer.says_live ? live_votes : vod_votes);
}
void Channel::unvote(const Peer& peer) {
  if (peer.says_live) --(*peer.says_live ? live_votes : vod_votes);
}

void Channel::add(Peer& peer, int32_t room_peers) {
  peer.channel = this;
  nodes.emplace(peer.join, &peer);
  int32_t number = 0;
  while (rooms[number].nodes.size() >= static_cast<size_t>(room_peers)) ++number;
  peer.room = &rooms[number];
  peer.room->number = number;
  peer.room->nodes.emplace(peer.join, &peer);
  vote(peer);
  peer.room->matching.update(peer);
}

void Channel::remove(Peer& peer) {
  Room& room = *peer.room;
  room.matching.remove(peer);
  room.seekers.erase(peer.join);
  room.nodes.erase(peer.join);
  if (room.nodes.empty()) {
    rooms.erase(std::find_if(rooms.begin(), rooms.end(),
                             [&](const auto& entry) { return &entry.second == &room; }));
  }
  unvote(peer);
  nodes.erase(peer.join);
  peer.channel = nullptr;
  peer.room = nullptr;
}

void Channel::link(Peer& child, Peer& parent, TimeMs now) {
  child.parents.push_back({&parent, false, now});
  parent.children.push_back(&child);
  // Children of `child` keep the layer they were given: a move does not ripple through a subtree
  // that may be the whole channel. The layer only ranks; order of entering is what rules out
  // cycles.
  child.layer = parent.layer + 1;
  parent.room->matching.update(parent);
  child.room->matching.update(child);
}

bool Channel::unlink(Peer& child, Peer& parent) {
  const auto link =
      std::find_if(child.parents.begin(), child.parents.end(),
                   [&](const ParentLink& candidate) { return candidate.parent == &parent; });
  if (link == child.parents.end()) return false;
  child.parents.erase(link);
  parent.children.erase(std::find(parent.children.begin(), parent.children.end(), &child));
  if (child.parents.empty()) child.layer = 0;
  parent.room->matching.update(parent);
  child.room->matching.update(child);
  return true;
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

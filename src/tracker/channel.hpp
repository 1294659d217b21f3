#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "common/time.hpp"
#include "tracker/matching.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

enum class ChannelType { kLive, kVod };

// Peers of a channel that may be introduced to one another.
struct Room {
  int32_t number = 0;
  std::map<JoinOrder, Peer*> nodes;
  Matching matching;
  // Peers that want a parent, in the order of entering.
  std::set<JoinOrder> seekers;
};

// The Channel of protocol section 3: the peers of one stream and the links among them.
struct Channel {
  explicit Channel(std::string channel_id);

  std::string id;
  std::string host;  // domain name in `id`; empty when it is not a URL
  std::map<JoinOrder, Peer*> nodes;
  // By number; an empty one is dropped.
  std::map<int32_t, Room> rooms;
  double cdn_kb = 0;
  double p2p_kb = 0;

  // What most of the peers that know say; live while nobody does, as version 1 knew nothing else.
  ChannelType type() const {
    return vod_votes > live_votes ? ChannelType::kVod : ChannelType::kLive;
  }
  void vote(const Peer& peer);
  void unvote(const Peer& peer);
  int32_t live_votes = 0;
  int32_t vod_votes = 0;

  // Takes the peer, which has no links yet, into the first room with fewer than `room_peers`.
  void add(Peer& peer, int32_t room_peers);
  // The peer must have no links any more.
  void remove(Peer& peer);

  void link(Peer& child, Peer& parent, TimeMs now);
  // Returns false when there was no such link.
  bool unlink(Peer& child, Peer& parent);
};

// "cdn.example.com" of "https://user@CDN.example.com:8443/live/x.m3u8".
std::string host_of(std::string_view channel_id);

}  // namespace hlsmesh::tracker

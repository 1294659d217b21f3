#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/time.hpp"
#include "tracker/bans.hpp"
#include "tracker/networks.hpp"
#include "tracker/peer.hpp"
#include "tracker/room.hpp"
#include "tracker/rooms.hpp"

namespace hlsmesh::tracker {

enum class ChannelType { kLive, kVod };

// The peers of a channel that may be introduced to one another, since the operator put their
// addresses together, or put none of them anywhere.
struct Site {
  Site(int32_t room_peers, int32_t network_percent, int32_t& last_room)
      : rooms(room_peers, last_room), networks(network_percent) {}

  int32_t peers = 0;
  Rooms rooms;
  Networks networks;
  // The peers that wait for their quorum, who are viewers of their site.
  std::map<std::pair<int32_t, JoinOrder>, Peer*> waiting;
};

// The Channel of protocol section 6: the peers of one stream and the links among them.
//
// Four invariants hold at all times: a parent's rank is below its child's; both ends of a link have
// it and are of one site; a room's indexes are correct. The classes are correct except those that a
// change has not reached yet (settle).
struct Channel {
  // `network_percent`: of Networks.
  Channel(std::string channel_id, int32_t room_peers, int32_t network_percent);

  std::string id;
  std::string host;  // domain name in `id`; empty when it is not a URL
  std::map<JoinOrder, Peer*> nodes;
  // By name. None is without peers.
  std::map<std::string, Site> sites;
  double cdn_kb = 0;
  double p2p_kb = 0;
  Bans bans;

  // The type that the majority of the peers report; live if nobody does, as version 1 knew only
  // live channels.
  ChannelType type() const {
    return vod_votes > live_votes ? ChannelType::kVod : ChannelType::kLive;
  }
  void vote(const Peer& peer);
  void unvote(const Peer& peer);
  int32_t live_votes = 0;
  int32_t vod_votes = 0;

  // Calls visit(room) for the rooms of all sites.
  template <class Visit>
  void visit_rooms(Visit visit) const {
    for (const auto& [name, site] : sites) {
      for (const auto& [number, room] : site.rooms.all()) visit(*room);
    }
  }
  // Times that a search passed a network over because it had its share.
  uint64_t passed_over() const;

  // The peer must have no links. It gets the highest rank.
  void add(Peer& peer);
  // The peer must have no links. If two rooms have been united by it, returns the room that
  // remains.
  Room* remove(Peer& peer);

  // The parent's rank must be below the child's.
  void link(Peer& child, Peer& parent, TimeMs now);
  // Returns false when there was no such link.
  bool unlink(Peer& child, Peer& parent);

  // Returns the ranks of `peer` and of all peers below it, sorted; empty if they are more than
  // `most`.
  static std::vector<Rank> ranks_below(const Peer& peer, size_t most);
  // Gives `peer` and all peers below it the highest ranks, in their present order. All other peers
  // then rank lower.
  void move_to_end(Peer& peer);
  bool is_before_end(const Peer& peer) const { return peer.rank < highest_; }
  // Gives a peer without parents the lowest rank.
  void move_to_front(Peer& peer);

  // Brings the class of `peer` up to date, and of those below it that this changes: up to a bound,
  // since that may be the whole channel. Who is left out catches up with its next report. When a
  // class has run empty above others, and enough has changed to be worth it, the whole room is
  // brought up to date.
  void settle(Peer& peer);

 private:
  static int32_t layer_of(const Peer& peer);
  static void settle_room(Room& room);

  const int32_t room_peers_;
  const int32_t network_percent_;
  int32_t last_room_ = -1;
  uint64_t passed_over_ = 0;  // in sites that have ended
  Rank lowest_ = 0;
  Rank highest_ = 0;
};

// "cdn.example.com" of "https://user@CDN.example.com:8443/live/x.m3u8".
std::string host_of(std::string_view channel_id);

}  // namespace hlsmesh::tracker

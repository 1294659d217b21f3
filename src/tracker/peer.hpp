#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/rate_limit.hpp"
#include "tracker/reach.hpp"

namespace hlsmesh::tracker {

struct Channel;
struct Site;
struct Room;
struct Peer;
struct Network;
struct Tally;

// A peer's place in the order of entering, over all channels. Never reused, so an old one finds
// nobody.
using JoinOrder = uint64_t;

// A place in the order that keeps a channel free of cycles: a parent's rank is always below its
// child's, so no chain of parents leads back to where it began. Unique in a channel.
using Rank = int64_t;

struct PeerFacts {
  std::string browser;
  tracker_wire::Device device = tracker_wire::Device::kPc;
  std::string os;
  // Empty if unknown.
  std::string isp;
  std::string province;
  std::string site;  // empty: of none
  std::string address;
  std::string network;  // AddressLimits::network_of(address)
  std::string party;    // AddressLimits::party_of(address)
};

// A peer to which there was a link that has ended: it was open, or the peer ended it.
struct Former {
  std::string id;
  std::string network;
  std::string party;
  TimeMs ended_at;
};

// What a peer says about the numbers of its parents and children, which may change at any time.
struct Facts {
  std::optional<int32_t> up_bw;
  std::optional<int32_t> slots;
  std::optional<int32_t> wants;

  friend bool operator==(const Facts& a, const Facts& b) {
    return a.up_bw == b.up_bw && a.slots == b.slots && a.wants == b.wants;
  }
};

// What a viewer reports of its playback since it entered: seconds, and the number of stalls.
struct Watched {
  double played = 0;
  double stalled = 0;
  double stalls = 0;
  std::optional<double> first;  // to the first frame
};

// A current introduction: this parent was named to the child, and neither side has reported its
// end.
struct ParentLink {
  Peer* parent = nullptr;
  bool opened = false;   // the child reported dc_opened
  bool counted = false;  // in Network::fed
  TimeMs since;          // the time of `connect`
  double kbps = 0;       // the child's rate over it, by its last report
  // What each side sent to the other.
  Meter to_parent;
  Meter to_child;
};

// A parent that is not offered again before `until`.
struct HoldDown {
  JoinOrder parent = 0;
  TimeMs until;
  int32_t times = 0;  // that connections of this pair ended
};

// The number of children that a peer could still take, in the steps that the index distinguishes.
enum class Slack : int8_t {
  kAmple,  // less than half of its slots are taken
  kSome,
  kLast,  // one slot is left
  kIdle,  // it is paused, and has no more than it had
};

// The place in the index of a peer that could take a child.
struct Spot {
  int32_t layer = 0;
  Slack slack = Slack::kAmple;
  int8_t level = 0;
  Reach reach = Reach::kUnknown;
  Rank rank = 0;

  friend bool operator==(const Spot& a, const Spot& b) {
    return a.layer == b.layer && a.slack == b.slack && a.level == b.level && a.reach == b.reach &&
           a.rank == b.rank;
  }
};

// The level of a peer that has not reported one.
inline constexpr int8_t kLevelUnknown = -1;

// The Peer of protocol section 6. Pointers between peers are kept by Channel, both ends at once.
struct Peer {
  ConnId conn;
  PeerId id;
  JoinOrder join = 0;
  Rank rank = 0;
  Channel* channel = nullptr;
  Site* site = nullptr;
  Room* room = nullptr;
  Network* network = nullptr;  // kept by Networks
  TimeMs entered_at;

  std::vector<ParentLink> parents;
  std::vector<Peer*> children;
  int32_t child_limit = 0;

  PeerFacts info;
  double cdn_kb = 0;
  double p2p_kb = 0;
  double level = 0;  // average rendition level, as last reported
  bool level_known = false;
  // `class` of the protocol: links between it and the CDN, by the shortest way.
  int32_t layer = 0;
  std::optional<int32_t> up_bw;  // kbit/s, as announced
  std::optional<int32_t> slots;  // children that it takes, as announced
  double up_measured = 0;        // kbit/s, from what its children report (upload.hpp)
  // kbit/s, from its own reports; none: it does not say.
  std::optional<double> up_reported;
  TimeMs reported_at;         // when it last sent statistics, or entered
  TimeMs facts_at;            // when what it said about itself was last used
  std::optional<Facts> said;  // what it said since
  // After it took fewer children than it had, it takes no more until then.
  int32_t low_limit = 0;
  TimeMs low_until;
  int32_t lowered = 0;  // times that this happened
  std::optional<bool> says_live;
  // It is paused. It needs nobody; in a live channel it soon has nothing that others play, in VOD
  // it has what it had.
  bool idle = false;
  bool says_idle = false;        // by itself; it also counts as idle while it waits, or is control
  TimeMs idle_since;             // when it last became so
  std::optional<int32_t> wants;  // parents, as it asked for
  int32_t parents_wanted = 0;    // the number that it is given

  // While there are fewer viewers in its channel, it waits: it is introduced to nobody. 0 once they
  // are there.
  int32_t quorum = 0;

  // Others have reported its address: it is introduced to nobody.
  bool banned = false;
  std::vector<Former> former;  // the latest last

  // Set if its site compares viewers with and without peers: true if this one is without.
  std::optional<bool> control;
  bool shadow = false;  // it has reported what peers would have brought: it plays from the CDN
  Watched watched;
  std::array<Tally*, 6> tallies{};  // kept by Audience: the sums that it is part of

  // Connections to parents that this peer brought along from before it lost its tracker.
  int32_t kept_parents = 0;
  // The same of children. Who they are is not known, and one of them may be any later peer.
  int32_t kept_children = 0;
  // While it has any of these: peers to whom it was introduced here and is connected no longer, as
  // far as it has not reported that. Its report must not pass for the loss of a kept connection.
  std::vector<PeerId> parted;

  // Kept by Room: where this peer stands in its indexes.
  std::optional<Spot> spot;
  std::optional<Rank> orphan;

  // Kept by Introductions.
  std::optional<TimeMs> search_at;  // set while the peer wants a parent: when to look again
  TimeMs connect_after;             // no `connect` before this time
  TimeMs last_resort_after;         // nor one to a peer that it probably cannot reach
  int32_t failures = 0;             // introductions in a row that never opened
  int32_t empty_searches = 0;       // searches in a row that found nobody
  std::optional<TimeMs> shed_at;    // when it loses the next child in excess
  std::optional<TimeMs> deferred;   // until when it waits for another source to come below it
  // It gave a parent back as useless, and has had nothing from the others either since.
  bool unfed = false;
  std::vector<HoldDown> held_down;
  Outcomes outcomes;

  // Children in all.
  int32_t children_held() const { return static_cast<int32_t>(children.size()) + kept_children; }
  // It has more known children than it may have.
  bool is_overfull() const { return !children.empty() && children_held() > child_limit; }
  // The same without those that are idle, who make room for others.
  int32_t slots_taken() const {
    int32_t taken = kept_children;
    for (const Peer* child : children) taken += child->idle ? 0 : 1;
    return taken;
  }
  // Nobody feeds it but the CDN.
  bool is_source() const { return parents.empty() && kept_parents == 0; }
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::tracker {

struct Channel;
struct Room;
struct Peer;

// Place of a peer in the order of entering, over all channels. Never reused, so an old one can only
// miss.
using JoinOrder = uint64_t;

struct PeerFacts {
  std::string browser;
  tracker_wire::Device device = tracker_wire::Device::kPc;
  std::string os;
  // Empty where nobody knows.
  std::string isp;
  std::string province;
  std::string address;
};

// An introduction that stands: this parent was named to the child, and neither side has reported
// the end of it.
struct ParentLink {
  Peer* parent = nullptr;
  bool opened = false;  // the child said dc_opened
  TimeMs since;         // when `connect` was sent
};

// A parent that is not offered again before `until`.
struct HoldDown {
  JoinOrder parent = 0;
  TimeMs until;
};

// The Peer of protocol section 3. Pointers between peers are kept by Channel, both ends at once.
struct Peer {
  ConnId conn;
  PeerId id;
  JoinOrder join = 0;
  Channel* channel = nullptr;
  Room* room = nullptr;
  TimeMs entered_at;

  std::vector<ParentLink> parents;
  std::vector<Peer*> children;
  int32_t child_limit = 0;

  PeerFacts info;
  double cdn_kb = 0;
  double p2p_kb = 0;
  double level = 0;              // average rendition level, as last reported
  int32_t layer = 0;             // `class` of the protocol: the parent's + 1 when it was introduced
  std::optional<int32_t> up_bw;  // kbit/s
  std::optional<bool> says_live;

  // Connections to parents that this peer brought along from before it lost its tracker.
  int32_t kept_parents = 0;
  // The same of children. Who they are is not known, and one of them may be any later peer.
  int32_t kept_children = 0;

  // Kept by Matching: where this peer stands in the index of free slots.
  std::optional<std::pair<int32_t, int32_t>> slot_key;

  // Kept by Introductions.
  std::optional<TimeMs> search_at;  // set while the peer wants a parent: when to look again
  TimeMs connect_after;             // no `connect` before this time
  int32_t failures = 0;             // introductions in a row that never opened
  int32_t empty_searches = 0;       // searches in a row that found nobody
  std::vector<HoldDown> held_down;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstdint>
#include <string_view>

#include "common/time.hpp"

namespace hlsmesh {

// The inputs of the tracker: its configuration, and the origin of a socket.

struct TrackerConfig {
  int32_t default_children = 6;  // children of a PC whose upload bandwidth is unknown
  int32_t default_children_mobile = 2;
  int32_t child_kbps = 1500;  // upload that one child is assumed to take, if upBW is known
  int32_t max_children = 16;
  int32_t max_children_mobile = 4;
  DurationMs ping_interval{10'000};
  DurationMs dead_after{25'000};     // silence after which a socket is closed, within 30 s
  DurationMs enter_timeout{10'000};  // the time that a socket has to enter
  int32_t max_connections_per_address =
      512;  // one household or office shares an address; a flood does not fit
  int32_t enters_per_address_per_minute = 600;
  int32_t parents_wanted = 3;  // parents that a peer gets, if there are enough
  int32_t max_parents = 8;     // the most for a peer that asks for another number
  int32_t room_peers = 5000;   // peers of one room; a larger channel has several
  // The part of a room's other peers that those of one address may feed, in percent.
  int32_t address_share = 10;
  // What one peer may report having loaded, in kbit/s on average; 0: no limit. Above what any
  // stream needs; without a limit one peer could make the figures of all worthless.
  int32_t report_kbps = 50'000;
  // Frames of one connection, with a burst of five seconds' worth; 0: no limit. A parent
  // that answers 16 children at once sends some 20 candidates to each.
  int32_t messages_per_second = 100;
  // The same for all connections of one address. If as many viewers as one address may have come
  // together, each sends some 45 frames within seconds: three introductions of 15 frames.
  int32_t messages_per_address = 5000;
  // The same in bytes. A parent that answers 16 children at once sends some 50 KB. 0: no limit.
  int32_t bytes_per_second = 65'536;
  int32_t bytes_per_address = 1'048'576;
  // Bytes of signals from one peer to another, as they are sent on, with escapes. An offer with its
  // candidates has 2 to 10 KB.
  int32_t bytes_per_pair = 16'384;
  // The most changes of channel of one connection a minute; 0: no limit.
  int32_t channel_switches = 6;
  // Independent addresses (AddressLimits::party_of) whose reports of a peer's wrong pieces keep its
  // address from being introduced; 0: reports have no consequences.
  int32_t agree = 3;
  int32_t max_connections = 0;  // of all addresses together; 0: no limit
  bool authorize = false;       // true: an `enter` waits for on_authorized()
};

// The site of viewers who get no peers.
inline constexpr std::string_view kNoPeers = "-";

// The origin of a socket. ISP and province are names, which are empty if unknown. Viewers are
// introduced only to viewers of their own site; the empty name is that of all who are of none.
struct Origin {
  std::string_view address;
  std::string_view isp;
  std::string_view province;
  // Another engine has the socket (on_elsewhere()) and keeps it alive and within its limits: no
  // limit here counts it, and it may be silent for ever.
  bool guest = false;
  std::string_view site{};
};

// 128 bits from the driver's secure source, for one peer id.
struct IdEntropy {
  uint64_t high = 0;
  uint64_t low = 0;
};

}  // namespace hlsmesh

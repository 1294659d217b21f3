#pragma once

#include <cstdint>
#include <string_view>

#include "common/time.hpp"

namespace hlsmesh {

// What the driver tells the tracker: its configuration, and where a socket comes from.

struct TrackerConfig {
  int32_t default_children = 6;  // children of a PC whose upload bandwidth is unknown
  int32_t default_children_mobile = 2;
  int32_t child_kbps = 1500;  // upload that one child is reckoned to take, when upBW is known
  int32_t max_children = 16;
  DurationMs ping_interval{10'000};
  DurationMs dead_after{25'000};  // silence after which a socket is closed: found dead within 30 s
  DurationMs enter_timeout{10'000};  // a socket that has not entered by then is closed
  int32_t max_connections_per_address =
      512;  // one household or office shares an address; a flood does not fit
  int32_t enters_per_address_per_minute = 600;
  int32_t parents_wanted = 3;  // parents that a peer is given, as far as there are any
  int32_t max_parents = 8;     // the most that one is given that asks for another number
  int32_t room_peers = 5000;   // peers of one room; a larger channel has several
  // Frames of one connection, with a burst of five seconds' worth; 0: no limit. A parent
  // that answers 16 children at once sends some 20 candidates to each.
  int32_t messages_per_second = 100;
  // The same of all connections of one address. As many viewers as one address may have, who all
  // come at once, send some 45 each within seconds: three introductions of 15 frames.
  int32_t messages_per_address = 5000;
  // Times a minute that one connection may enter a channel other than its last; 0: no limit.
  int32_t channel_switches = 6;
  int32_t max_connections = 0;  // of all addresses together; 0: no limit
  bool authorize = false;       // whether an `enter` waits for on_authorized()
};

// Where a socket comes from. ISP and province are names, equal for those that are of one, or empty
// where nobody knows.
struct Origin {
  std::string_view address;
  std::string_view isp;
  std::string_view province;
  // Another engine has the socket (on_elsewhere()), which keeps it alive and within its limits: no
  // limit here counts it, and it may be silent for ever.
  bool guest = false;
};

// 128 bits from the driver's secure source, for one peer id.
struct IdEntropy {
  uint64_t high = 0;
  uint64_t low = 0;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/address_limits.hpp"
#include "tracker/audience.hpp"
#include "tracker/elsewhere.hpp"
#include "tracker/peer.hpp"
#include "tracker/rate_limit.hpp"
#include "tracker/upload.hpp"

namespace hlsmesh::tracker {

// An `enter` that waits to be authorized.
struct PendingEnter {
  int32_t request = 0;
  Elsewhere entering;
  bool again = false;  // not from the peer: the tracker itself asks again
};

// One WebSocket, from when it opened until it is closed.
struct Socket {
  // What every message needs comes first, so that it shares lines of a cache.
  ConnId conn;
  TimeMs last_heard;
  std::optional<RateLimit> messages;  // none: no limit
  std::optional<RateLimit> bytes;
  AddressLimits::Spent spent;
  std::string address_key;
  std::unique_ptr<Peer> peer;            // while in a channel here
  std::unique_ptr<Elsewhere> elsewhere;  // while in a channel that another engine runs
  bool guest = false;
  bool entered_once = false;
  int32_t malformed = 0;
  TimeMs opened_at;
  TimeMs last_ping;
  std::string address;
  std::string isp;
  std::string province;
  std::string site;
  std::string peer_id;
  std::optional<ReportCredit> credit;
  std::optional<PlaybackCredit> playback;
  std::optional<RateLimit> switches;
  std::string last_channel;  // of its last `enter`
  std::unique_ptr<PendingEnter> pending;
  std::optional<int32_t> extension;  // as last shown by the peer
};

}  // namespace hlsmesh::tracker

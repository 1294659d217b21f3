#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"

namespace hlsmesh {

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
};

enum class TrackerCommandKind : int32_t {
  kNone = 0,
  kSend = 1,   // conn, text
  kPing = 2,   // conn: a WebSocket ping frame
  kClose = 3,  // conn, code: WebSocket close code, text: reason; no on_closed is due for it
};

// Views stay valid until the next call of a method of the tracker that is not const.
struct TrackerCommand {
  TrackerCommandKind kind = TrackerCommandKind::kNone;
  ConnId conn;
  int32_t code = 0;
  std::string_view text;
};

struct TrackerStats {
  int32_t connections = 0;
  int32_t peers = 0;
  int32_t channels = 0;
  uint64_t enters = 0;
  uint64_t connects = 0;         // introductions made
  uint64_t signals = 0;          // signals relayed
  uint64_t signals_refused = 0;  // to a stranger or a peer that is gone
  uint64_t malformed = 0;
  uint64_t dead = 0;  // sockets found dead by ping
  double cdn_kb = 0;
  double p2p_kb = 0;
};

// 128 bits from the driver's secure source, for one peer id.
struct IdEntropy {
  uint64_t high = 0;
  uint64_t low = 0;
};

// The tracker: channels, peers, who feeds whom, and the relay of their signalling (protocol
// sections 2 and 3), without any I/O. Used like Engine: feed events with a time that never
// decreases, then drain poll(). Not thread-safe.
class Tracker {
 public:
  explicit Tracker(TrackerConfig config);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  // A socket was accepted. `entropy` becomes its peer's id, should it enter; it must come from a
  // cryptographic source.
  void on_open(TimeMs now, ConnId conn, std::string_view address, IdEntropy entropy);
  void on_text(TimeMs now, ConnId conn, std::string_view text);
  // A binary frame: counted and otherwise ignored.
  void on_binary(TimeMs now, ConnId conn);
  void on_pong(TimeMs now, ConnId conn);
  void on_closed(TimeMs now, ConnId conn);

  void on_timeout(TimeMs now);
  const TrackerCommand* poll();
  std::optional<TimeMs> next_timeout() const;

  TrackerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hlsmesh

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

enum class TrackerCommandKind : int32_t {
  kNone = 0,
  kSend = 1,   // conn, text
  kPing = 2,   // conn: a WebSocket ping frame
  kClose = 3,  // conn, code: WebSocket close code, text: reason; no on_closed is due for it
  // conn, code: number of the request, text: the channel, a line feed, and the token, which may be
  // empty. on_authorized() answers; a later request of the same conn has taken the place of this.
  kAuthorize = 4,
  // conn, text: what the engine that runs the peer's channel must hear of it (on_elsewhere()).
  kForward = 5,
  // text: the name of a query parameter in which alone channels differ. Either it selects another
  // video, or it parts viewers of one. Said once of such channels.
  kSplit = 6,
};

// Views stay valid until the next call of a method of the tracker that is not const.
struct TrackerCommand {
  TrackerCommandKind kind = TrackerCommandKind::kNone;
  ConnId conn;
  int32_t code = 0;
  std::string_view text;
};

struct TrackerStats {
  int32_t connections = 0;  // guests are none
  int32_t peers = 0;
  int32_t channels = 0;
  uint64_t enters = 0;
  uint64_t connects = 0;         // introductions made
  uint64_t signals = 0;          // signals relayed
  uint64_t signals_refused = 0;  // to a stranger or a peer that is gone
  uint64_t malformed = 0;
  uint64_t dead = 0;  // sockets found dead by ping
  int32_t rooms = 0;
  int32_t links = 0;           // introductions that stand
  int32_t orphans = 0;         // peers that nobody feeds, the first of each room included
  uint64_t opened = 0;         // introductions that opened
  uint64_t promoted = 0;       // introductions to a parent nearer to the CDN than those it had
  uint64_t failed = 0;         // introductions that ended before they opened
  uint64_t rejected = 0;       // `reject` sent, for whatever reason
  uint64_t unauthorized = 0;   // enters that were not authorized
  uint64_t expired = 0;        // peers whose token ran out
  uint64_t rate_limited = 0;   // sockets refused or closed by a limit: the sum of what follows
  uint64_t limited_total = 0;  // by max_connections
  uint64_t limited_connections = 0;       // by max_connections_per_address
  uint64_t limited_enters = 0;            // by enters_per_address_per_minute
  uint64_t limited_messages = 0;          // by messages_per_second
  uint64_t limited_switches = 0;          // by channel_switches
  uint64_t limited_address_messages = 0;  // by messages_per_address
  uint64_t limited_enter_time = 0;        // by enter_timeout
  double cdn_kb = 0;
  double p2p_kb = 0;
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

// The tracker: channels, peers, who feeds whom, and the relay of their signalling (protocol
// sections 2 and 3), without any I/O. Used like Engine: feed events with a time that never
// decreases, then drain poll(). Not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerConfig& config);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  // A socket was accepted; views need live no longer than the call. `entropy` becomes its peer's
  // id, should it enter; it must come from a cryptographic source.
  void on_open(TimeMs now, ConnId conn, const Origin& origin, IdEntropy entropy);
  void on_text(TimeMs now, ConnId conn, std::string_view text);
  // A binary frame: counted and otherwise ignored.
  void on_binary(TimeMs now, ConnId conn);
  // A ping or a pong.
  void on_pong(TimeMs now, ConnId conn);
  void on_closed(TimeMs now, ConnId conn);

  // The answer to kAuthorize; one that nobody waits for any more is ignored. `valid` is how long
  // the token is good for, from now; nullopt: for as long as the peer stays. `reason` is told to a
  // peer that is refused.
  void on_authorized(TimeMs now, ConnId conn, int32_t request, bool granted,
                     std::optional<DurationMs> valid, std::string_view reason);

  // The other answer to kAuthorize: the peer is admitted, but another engine runs its channel. From
  // here on this one keeps the socket alive and within its limits, and passes on with kForward what
  // the peer says: first an `enter`, without its token, then every message. A `leave`, an `enter`
  // that is granted here, or the end of the socket ends that.
  void on_elsewhere(TimeMs now, ConnId conn, int32_t request);
  // Asks anew where a peer that is in a channel belongs, here or elsewhere: kAuthorize, as if it
  // had entered again, with no token and no limit touched. Granted, it stays here, or comes here
  // with the connections it has; elsewhere, it goes there with them. For a channel that moves, to
  // be called for all of its peers before the first is answered: they keep each other as parents,
  // and nobody is introduced anew.
  void on_ask_again(TimeMs now, ConnId conn);

  void on_timeout(TimeMs now);
  const TrackerCommand* poll();
  std::optional<TimeMs> next_timeout() const;

  TrackerStats stats() const;

  // What a dashboard shows, as JSON. `offset` and `limit` page through channels by id, and through
  // the peers of a channel by when they entered; a limit is cut to kMaxListed.
  //
  // channels(): {total, offset, channels: [CHANNEL], split_by: [SPLIT]}, where CHANNEL is
  //   {id, type: "live" or "vod", host, peers, rooms, cdn_kb, p2p_kb}, and SPLIT is {parameter,
  //   families}: the name of a query parameter, and how many families there are of channels that
  //   are one but for its value. kMaxListed of them at most.
  // topology(): {channel: CHANNEL, offset, nodes: [NODE], edges: [EDGE]}; empty when there is no
  // such
  //   channel. NODE is {id, room, class, isp, province, device: "mobile" or "PC", browser, os,
  //   level, up_bw: kbit/s, announced or measured, or null, child_limit, children, cdn_kb, p2p_kb,
  //   seconds: in the channel}; EDGE is {child, parent, opened}, listed where its child is.
  static constexpr int32_t kMaxListed = 10'000;
  std::string channels(int32_t offset, int32_t limit) const;
  std::string topology(std::string_view channel, int32_t offset, int32_t limit) const;

  // For tests, and as slow as a full look at everything is: what does not hold that must, or
  // nothing; and the ids of peers that want a parent and could be given one now.
  std::string audit() const;
  std::vector<std::string> neglected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hlsmesh

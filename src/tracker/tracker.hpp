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
#include "tracker/commands.hpp"
#include "tracker/inputs.hpp"

namespace hlsmesh {

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

  // What does not hold that must hold between events, or nothing; and the ids of peers that want a
  // parent and could be given one now. As slow as a look at everything is. Where asserts are
  // compiled in, poll() audits a small tracker each time it runs empty.
  std::string audit() const;
  std::vector<std::string> neglected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hlsmesh

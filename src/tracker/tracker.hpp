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
  int32_t connections = 0;  // without guests
  int32_t peers = 0;
  int32_t channels = 0;
  uint64_t enters = 0;
  uint64_t connects = 0;         // introductions made
  uint64_t signals = 0;          // signals relayed
  uint64_t signals_refused = 0;  // to an unknown peer or one that has left
  uint64_t malformed = 0;
  uint64_t dead = 0;  // sockets found dead by ping
  int32_t rooms = 0;
  int32_t links = 0;      // current introductions
  int32_t banned = 0;     // peers whose address others reported
  int32_t excluded = 0;   // peers of the site kNoPeers
  int32_t orphans = 0;    // peers that nobody feeds, including the first of each room
  uint64_t opened = 0;    // introductions that opened
  uint64_t promoted = 0;  // introductions to a parent nearer to the CDN than those it had
  uint64_t failed = 0;    // introductions that ended before they opened
  // Of the failed ones, those that a side gave a reason for: EndReason.
  uint64_t failed_refused = 0;
  uint64_t failed_silent = 0;
  uint64_t failed_permission = 0;
  uint64_t failed_udp = 0;
  uint64_t failed_nat = 0;
  uint64_t failed_policy = 0;
  uint64_t rejected = 0;       // `reject` sent, for any reason
  uint64_t unauthorized = 0;   // enters that were not authorized
  uint64_t expired = 0;        // peers whose token expired
  uint64_t rate_limited = 0;   // sockets refused or closed by a limit: the sum of the following
  uint64_t limited_total = 0;  // by max_connections
  uint64_t limited_connections = 0;       // by max_connections_per_address
  uint64_t limited_enters = 0;            // by enters_per_address_per_minute
  uint64_t limited_messages = 0;          // by messages_per_second
  uint64_t limited_switches = 0;          // by channel_switches
  uint64_t limited_address_messages = 0;  // by messages_per_address
  uint64_t limited_enter_time = 0;        // by enter_timeout
  uint64_t limited_bytes = 0;             // by bytes_per_second
  uint64_t limited_address_bytes = 0;     // by bytes_per_address
  uint64_t limited_pair_bytes = 0;        // by bytes_per_pair
  // The following close no socket and are not in rate_limited.
  uint64_t limited_reports = 0;        // reports cut by report_kbps
  uint64_t limited_facts = 0;          // facts that had to wait for their turn
  uint64_t limited_address_share = 0;  // searches that passed over an address, by address_share
  uint64_t reports = 0;                // of wrong pieces that counted
  uint64_t reports_ignored = 0;        // that did not
  uint64_t bans = 0;                   // of addresses, by reports
  double cdn_kb = 0;
  double p2p_kb = 0;
  // Of shadows (Shadows in audience.hpp); their bytes are in cdn_kb.
  int32_t shadows = 0;
  double shadow_cdn_kb = 0;
  double shadow_p2p_kb = 0;
  double shadow_loads = 0;
  double shadow_missed = 0;
  double shadow_wrong = 0;
};

// The tracker: channels, peers, who feeds whom, and the relay of their signals (protocol sections 3
// and 5), without any I/O. Used like Engine: feed it events with a time that never decreases, then
// drain poll(). Not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerConfig& config);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  // A socket was accepted; views must be valid only during the call. `entropy` becomes its peer's
  // id if it enters; it must come from a cryptographic source.
  void on_open(TimeMs now, ConnId conn, const Origin& origin, IdEntropy entropy);
  void on_text(TimeMs now, ConnId conn, std::string_view text);
  // A binary frame: counted and otherwise ignored.
  void on_binary(TimeMs now, ConnId conn);
  // A ping or a pong.
  void on_pong(TimeMs now, ConnId conn);
  void on_closed(TimeMs now, ConnId conn);

  // The answer to kAuthorize; ignored if nobody waits for it any more. `valid`: the time for which
  // the token is valid from now; nullopt: no limit. `reason` is sent to a peer that is refused.
  void on_authorized(TimeMs now, ConnId conn, int32_t request, bool granted,
                     std::optional<DurationMs> valid, std::string_view reason);

  // The other answer to kAuthorize: the peer is admitted, but another engine runs its channel.
  // After this the tracker keeps the socket alive and within its limits, and outputs the peer's
  // messages with kForward: first an `enter`, without its token, then every message. A `leave`, an
  // `enter` that is granted here, or the end of the socket ends that.
  void on_elsewhere(TimeMs now, ConnId conn, int32_t request);
  // Asks again which engine runs the channel of a peer: kAuthorize, as if it had entered again,
  // without a token and without counting for limits. If granted, the peer stays here, or comes here
  // with its connections; if elsewhere, it goes there with them. When a channel moves, this must be
  // called for all its peers before the first answer: then they keep each other as parents, and
  // nobody is introduced again.
  void on_ask_again(TimeMs now, ConnId conn);
  // The engine that runs the peer's channel has sent it this text. Only a `disconnect` counts.
  void on_told(TimeMs now, ConnId conn, std::string_view text);

  void on_timeout(TimeMs now);
  const TrackerCommand* poll();
  std::optional<TimeMs> next_timeout() const;

  TrackerStats stats() const;

  // JSON for a dashboard. `offset` and `limit` page through channels by id, and through the peers
  // of a channel in the order of entering; a limit is reduced to kMaxListed.
  //
  // channels(): {total, offset, channels: [CHANNEL], split_by: [SPLIT]}.
  //   CHANNEL is {id, type: "live" or "vod", host, peers, rooms, cdn_kb, p2p_kb}.
  //   SPLIT is {parameter, families}: the name of a query parameter, and the number of families of
  //   channels that differ only in its value. At most kMaxListed of them.
  // topology(): {channel: CHANNEL, offset, nodes: [NODE], edges: [EDGE]}; empty if there is no such
  //   channel.
  //   NODE is {id, room, class, isp, province, site, device: "mobile" or "PC", browser, os, level,
  //   up_bw: kbit/s, announced or measured, or null, idle: it is paused, or plays without peers,
  //   child_limit, children, cdn_kb, p2p_kb, seconds: in the channel}. EDGE is {child, parent,
  //   opened}, listed with its child.
  static constexpr int32_t kMaxListed = 10'000;
  std::string channels(int32_t offset, int32_t limit) const;
  std::string topology(std::string_view channel, int32_t offset, int32_t limit) const;

  // JSON of the viewers by site: [[name, viewers]]. The name is null for sites that were too many.
  std::string sites() const;

  // JSON of what viewers reported since the last call, for one caller that adds it up:
  // {tallies: {DIMENSION: [TALLY]}, compared: {peers: SIDE, control: SIDE}, shadow: SHADOW,
  // ends: {unopened: ENDS, opened: ENDS}, unreached, unfed, classes: [COUNT]}.
  //   DIMENSION is channel, isp, country, device, browser or site.
  //   TALLY is [name, viewers, cdn_kb, p2p_kb, up_kb, played, stalled, stalls, firsts, first_log];
  //   viewers are those of now, the others what came since. `played` and `stalled` are seconds,
  //   `first_log` the sum of the logarithms of `firsts` times in seconds. Of a channel 1 follows
  //   if it is live, else 0. The name is null for names that were too many.
  //   SIDE is {ended: SUMS, present: SUMS}, of viewers that left since the last call, and of those
  //   that are here: in the order of Sums in audience.hpp.
  //   SHADOW is of viewers who play from the CDN and try peers: [viewers, cdn_kb, p2p_kb, loads,
  //   missed, wrong], by Shadows in audience.hpp. Their bytes count as the CDN's elsewhere.
  //   ENDS is how often introductions ended before they opened, or afterwards, by the word that the
  //   reporter gave: {none, refused, useless, silent, misbehaved,
  //   permission, udp, nat, policy, polluted}.
  //   `unreached` counts viewers none of whose connections ever opened, though three or more were
  //   tried; `unfed` those whose parents had nothing for them. `classes` counts viewers by class.
  std::string take_audience();

  // Return the invariant that does not hold between events, or an empty text; and the ids of peers
  // that want a parent and could get one now. They look at everything, so they are slow. If asserts
  // are compiled in, poll() audits a small tracker each time it runs empty.
  std::string audit() const;
  std::vector<std::string> neglected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hlsmesh

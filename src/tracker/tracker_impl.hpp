#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/tracker_messages.hpp"
#include "tracker/address_limits.hpp"
#include "tracker/audience.hpp"
#include "tracker/channel.hpp"
#include "tracker/elsewhere.hpp"
#include "tracker/introductions.hpp"
#include "tracker/outbox.hpp"
#include "tracker/peer.hpp"
#include "tracker/socket.hpp"
#include "tracker/split_channels.hpp"
#include "tracker/timer_table.hpp"
#include "tracker/tracker.hpp"

namespace hlsmesh {

// A socket may enter, leave and enter again, under one peer id. It is closed if it does not enter
// in time, falls silent, sends too many or too many malformed messages, is not authorized, or
// exceeds the limits of its address.
//
// An `enter` while in a channel, if for the same channel, updates the facts about the peer and is
// accepted again, without a change of links; if for another channel, it is `leave` and `enter`.
class Tracker::Impl {
 public:
  explicit Impl(const TrackerConfig& config);

  void open(TimeMs now, ConnId conn, const Origin& origin, IdEntropy entropy);
  void text(TimeMs now, ConnId conn, std::string_view text);
  void binary(TimeMs now, ConnId conn);
  void pong(TimeMs now, ConnId conn);
  void closed(TimeMs now, ConnId conn);
  void authorized(TimeMs now, ConnId conn, int32_t request, bool granted,
                  std::optional<DurationMs> valid, std::string_view reason);
  void elsewhere(TimeMs now, ConnId conn, int32_t request);
  void ask_again(TimeMs now, ConnId conn);
  void told(TimeMs now, ConnId conn, std::string_view text);
  void timeout(TimeMs now);
  const TrackerCommand* poll() { return outbox_.poll(); }
  std::optional<TimeMs> next_timeout() const { return timers_.next(); }
  TrackerStats stats() const;
  // Too large to be audited after every event.
  bool is_large() const { return peers_ > 24; }
  std::string audit() const;
  std::vector<std::string> neglected() const;
  std::string channels(int32_t offset, int32_t limit) const;
  std::string topology(std::string_view channel, int32_t offset, int32_t limit) const;
  std::string sites() const;
  std::string take_audience();

 private:
  using Socket = tracker::Socket;
  using Peer = tracker::Peer;

  // tracker.cpp: frames and the life of a socket.
  bool has_room(ConnId conn, const std::string& key);
  int32_t connections() const { return static_cast<int32_t>(sockets_.size()) - guests_; }
  Socket* find(TimeMs now, ConnId conn);
  Socket* heard(TimeMs now, ConnId conn);
  Socket* counted(TimeMs now, ConnId conn, size_t bytes);
  void malformed(Socket& socket, tracker_wire::ParseError error);
  void close(Socket& socket, int32_t code, std::string reason);
  void exceed(Socket& socket, uint64_t& counter, int32_t code, std::string reason);
  void forget(Socket& socket);
  void check_alive(Socket& socket);
  void arm(Socket& socket);

  void handle(Socket& socket, tracker_wire::Enter& enter);
  void handle(Socket& socket, const tracker_wire::Leave& leave);
  void handle(Socket& socket, const tracker_wire::SignalTo& signal);
  void handle(Socket& socket, const tracker_wire::DcOpened& report);
  void handle(Socket& socket, const tracker_wire::DcClosed& report);
  void handle(Socket& socket, const tracker_wire::DcFailed& report);
  void handle(Socket& socket, tracker_wire::Statistics& report);
  void handle(Socket& socket, const tracker_wire::Ping& ping);
  void handle(Socket& socket, const tracker_wire::UnknownAction& unknown);
  // Sends a signal's `data`, a JSON string, to the peer of that id if the two are introduced.
  void relay(Socket& socket, std::string_view to, std::string_view literal);

  // tracker_admission.cpp: from an `enter` to a peer in its channel.
  void refuse(Socket& socket, uint64_t& counter, const char* reason);
  void reject(Socket& socket, std::string_view reason);
  void say_rejected(const Socket& socket, std::string_view reason);
  void admit(Socket& socket, tracker_wire::Enter& enter, std::optional<DurationMs> valid);
  void describe(Peer& peer, tracker_wire::Enter& enter);
  void enter_again(Socket& socket, tracker_wire::Enter& enter, std::optional<DurationMs> valid);
  void use_facts(Peer& peer, const tracker::Facts& facts);
  void accept(const Peer& peer, const tracker_wire::Enter& enter, std::optional<DurationMs> valid);
  void leave(Socket& socket);
  void drop_peer(Socket& socket, tracker::Channel& channel);
  // It plays without peers, so that others can be compared with it: it gets none, as if it were
  // idle.
  static bool is_control(const Peer& peer) { return peer.control.value_or(false); }
  // The operator gives its address no peers.
  static bool is_excluded(const Peer& peer) { return peer.info.site == kNoPeers; }
  // The peer needs nobody, for whatever reason.
  static bool is_idle(const Peer& peer) {
    return peer.says_idle || peer.banned || is_control(peer) || is_excluded(peer) ||
           peer.quorum > 0;
  }
  // Ends the wait of those peers whose quorum is there.
  void gather(tracker::Site& site);

  // tracker_agreement.cpp: what several viewers say of others.
  void ended(Socket& socket, const std::string& dc_id, tracker_wire::EndReason reason);
  void accuse(const Peer& reporter, const tracker::Former& accused);
  // Ends the peer's ban if its time is over.
  void pardon(Peer& peer);

  // tracker_elsewhere.cpp: peers whose channels other engines run.
  void ask(Socket& socket, tracker::Elsewhere entering, bool again);
  void pass_on(Socket& socket, const tracker_wire::PeerMessage& message, std::string_view text);
  tracker::Elsewhere facts_of(const Socket& socket) const;
  void move_out(Socket& socket);

  const TrackerConfig config_;
  TimeMs now_;
  tracker::Outbox outbox_;
  tracker::TimerTable timers_;
  tracker::Introductions introductions_;
  tracker::AddressLimits limits_;
  // Looked up, never iterated.
  std::unordered_map<int32_t, Socket> sockets_;
  std::map<std::string, tracker::Channel, std::less<>> channels_;
  tracker::SplitChannels split_;
  tracker::Audience audience_;
  tracker::JoinOrder last_join_ = 0;
  int32_t last_request_ = 0;
  int32_t peers_ = 0;
  int32_t banned_ = 0;   // of them
  int32_t guests_ = 0;   // the guests among the sockets
  TrackerStats totals_;  // the counters; sizes are filled in by stats()
};

// WebSocket close codes (RFC 6455 section 7.4.1 and the IANA registry).
namespace tracker {
inline constexpr int32_t kClosePolicy = 1008;
inline constexpr int32_t kCloseTooBig = 1009;
inline constexpr int32_t kCloseTryAgainLater = 1013;
}  // namespace tracker

}  // namespace hlsmesh

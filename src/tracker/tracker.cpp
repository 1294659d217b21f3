#include "tracker/tracker.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "tracker/address_limits.hpp"
#include "tracker/channel.hpp"
#include "tracker/introductions.hpp"
#include "tracker/outbox.hpp"
#include "tracker/peer.hpp"
#include "tracker/timer_table.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;
namespace wire = tracker_wire;

// WebSocket close codes (RFC 6455 section 7.4.1 and the IANA registry).
constexpr int32_t kClosePolicy = 1008;
constexpr int32_t kCloseTooBig = 1009;
constexpr int32_t kCloseTryAgainLater = 1013;

// Malformed messages that one socket may send. Clients of the day send the odd `null` or an `enter`
// without `channel` (protocol section 2), and are worth keeping; a stream of them is not.
constexpr int32_t kMalformedTolerated = 8;

std::string hex_id(IdEntropy entropy) {
  std::string id;
  for (const uint64_t half : {entropy.high, entropy.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) id += "0123456789abcdef"[(half >> shift) & 15];
  }
  return id;
}

// `upBW` of 0 says that the peer may not be asked for anything.
int32_t child_limit(const TrackerConfig& config, const wire::Enter& enter) {
  if (!enter.up_bw) {
    return enter.device == wire::Device::kMobile ? config.default_children_mobile
                                                 : config.default_children;
  }
  if (*enter.up_bw <= 0) return 0;
  return std::clamp(*enter.up_bw / std::max(config.child_kbps, 1), 1,
                    std::max(config.max_children, 1));
}

// An interval of nothing would make a timer that is due again as soon as it has fired.
TrackerConfig usable(TrackerConfig config) {
  for (DurationMs* interval : {&config.ping_interval, &config.dead_after, &config.enter_timeout}) {
    *interval = std::max(*interval, DurationMs{1});
  }
  return config;
}

struct Socket {
  ConnId conn;
  std::string address;
  std::string address_key;
  std::string peer_id;
  TimeMs opened_at;
  TimeMs last_heard;
  TimeMs last_ping;
  int32_t malformed = 0;
  bool entered_once = false;
  std::unique_ptr<Peer> peer;  // while in a channel
};

}  // namespace

// A socket may enter, leave and enter again, under one peer id. It is closed when it does not enter
// at first, falls silent, sends too much that cannot be read, or exceeds what its address may do.
//
// `enter` while in a channel: for the same channel it brings the facts about the peer up to date
// and is accepted again, and no link changes; for another channel it is `leave` and `enter`.
class Tracker::Impl {
 public:
  explicit Impl(TrackerConfig config)
      : config_(usable(config)),
        limits_(config.max_connections_per_address, config.enters_per_address_per_minute) {}

  void open(TimeMs now, ConnId conn, std::string_view address, IdEntropy entropy);
  void text(TimeMs now, ConnId conn, std::string_view text);
  void binary(TimeMs now, ConnId conn);
  void pong(TimeMs now, ConnId conn);
  void closed(TimeMs now, ConnId conn);
  void timeout(TimeMs now);
  const TrackerCommand* poll() { return outbox_.poll(); }
  std::optional<TimeMs> next_timeout() const { return timers_.next(); }
  TrackerStats stats() const;

 private:
  Socket* heard(TimeMs now, ConnId conn);
  void malformed(Socket& socket, wire::ParseError error);
  void close(Socket& socket, int32_t code, std::string reason);
  void forget(Socket& socket);
  void check_alive(Socket& socket);
  void arm(Socket& socket);

  void handle(Socket& socket, wire::Enter& enter);
  void handle(Socket& socket, const wire::Leave& leave);
  void handle(Socket& socket, wire::SignalTo& signal);
  void handle(Socket& socket, const wire::DcOpened& report);
  void handle(Socket& socket, const wire::DcClosed& report);
  void handle(Socket& socket, const wire::DcFailed& report);
  void handle(Socket& socket, const wire::Statistics& report);
  void handle(Socket& socket, const wire::UnknownAction& unknown);

  void describe(Peer& peer, wire::Enter& enter);
  void accept(const Peer& peer, const wire::Enter& enter);
  void leave(Socket& socket);

  const TrackerConfig config_;
  TimeMs now_;
  Outbox outbox_;
  TimerTable timers_;
  Introductions introductions_{outbox_, timers_};
  AddressLimits limits_;
  // Looked up, never iterated.
  std::unordered_map<int32_t, Socket> sockets_;
  std::map<std::string, Channel, std::less<>> channels_;
  JoinOrder last_join_ = 0;
  int32_t peers_ = 0;
  TrackerStats totals_;  // the counters; sizes are filled in by stats()
};

void Tracker::Impl::open(TimeMs now, ConnId conn, std::string_view address, IdEntropy entropy) {
  now_ = std::max(now_, now);
  if (sockets_.count(conn.value()) != 0) return;
  std::string key = AddressLimits::key_of(address);
  if (!limits_.open(now_, key)) {
    outbox_.close(conn, kCloseTryAgainLater, "too many connections from this address");
    return;
  }
  Socket& socket = sockets_[conn.value()];
  socket.conn = conn;
  socket.address = address;
  socket.address_key = std::move(key);
  socket.peer_id = hex_id(entropy);
  socket.opened_at = socket.last_heard = socket.last_ping = now_;
  arm(socket);
}

// Every frame of a peer is a sign of life.
Socket* Tracker::Impl::heard(TimeMs now, ConnId conn) {
  now_ = std::max(now_, now);
  const auto found = sockets_.find(conn.value());
  if (found == sockets_.end()) return nullptr;
  found->second.last_heard = now_;
  return &found->second;
}

void Tracker::Impl::text(TimeMs now, ConnId conn, std::string_view text) {
  Socket* socket = heard(now, conn);
  if (socket == nullptr) return;
  wire::PeerParseResult parsed = wire::parse_from_peer(text);
  if (const auto* error = std::get_if<wire::ParseError>(&parsed)) {
    return malformed(*socket, *error);
  }
  std::visit([&](auto& message) { handle(*socket, message); },
             *std::get_if<wire::PeerMessage>(&parsed));
}

void Tracker::Impl::binary(TimeMs now, ConnId conn) {
  if (heard(now, conn) != nullptr) ++totals_.malformed;
}

void Tracker::Impl::pong(TimeMs now, ConnId conn) { heard(now, conn); }

void Tracker::Impl::closed(TimeMs now, ConnId conn) {
  if (Socket* socket = heard(now, conn)) forget(*socket);
}

void Tracker::Impl::malformed(Socket& socket, wire::ParseError error) {
  ++totals_.malformed;
  ++socket.malformed;
  if (error == wire::ParseError::kTooLong) {
    close(socket, kCloseTooBig,
          "a message may have " + std::to_string(wire::kMaxTextBytes) + " bytes");
  } else if (socket.malformed > kMalformedTolerated) {
    close(socket, kClosePolicy,
          std::string("too many malformed messages, the last: ") + wire::to_string(error));
  }
}

void Tracker::Impl::close(Socket& socket, int32_t code, std::string reason) {
  outbox_.close(socket.conn, code, std::move(reason));
  forget(socket);
}

void Tracker::Impl::forget(Socket& socket) {
  leave(socket);
  timers_.clear(socket.conn, TimerKind::kSocket);
  limits_.close(now_, socket.address_key);
  sockets_.erase(socket.conn.value());
}

void Tracker::Impl::timeout(TimeMs now) {
  now_ = std::max(now_, now);
  while (const auto key = timers_.pop(now_)) {
    Socket& socket = sockets_.find(key->first)->second;
    if (key->second == TimerKind::kIntroduction) {
      introductions_.on_timer(*socket.peer, now_);
    } else {
      check_alive(socket);
    }
  }
}

// A ping goes out after each ping_interval of silence; whoever talks is not pinged.
void Tracker::Impl::check_alive(Socket& socket) {
  if (!socket.entered_once && now_ - socket.opened_at >= config_.enter_timeout) {
    return close(socket, kClosePolicy, "did not enter a channel in time");
  }
  if (now_ - socket.last_heard >= config_.dead_after) {
    ++totals_.dead;
    return close(socket, kClosePolicy, "no sign of life");
  }
  if (now_ - std::max(socket.last_heard, socket.last_ping) >= config_.ping_interval) {
    socket.last_ping = now_;
    outbox_.ping(socket.conn);
  }
  arm(socket);
}

// Frames do not move this timer: when it fires, check_alive() sees what has been heard since.
void Tracker::Impl::arm(Socket& socket) {
  TimeMs due = std::min(socket.last_heard + config_.dead_after,
                        std::max(socket.last_heard, socket.last_ping) + config_.ping_interval);
  if (!socket.entered_once) due = std::min(due, socket.opened_at + config_.enter_timeout);
  timers_.set(socket.conn, TimerKind::kSocket, due);
}

void Tracker::Impl::handle(Socket& socket, wire::Enter& enter) {
  if (!limits_.enter(now_, socket.address_key)) {
    return close(socket, kCloseTryAgainLater, "too many enters from this address");
  }
  ++totals_.enters;
  socket.entered_once = true;
  if (socket.peer && socket.peer->channel->id == enter.channel) {
    Channel& channel = *socket.peer->channel;
    channel.unvote(*socket.peer);
    describe(*socket.peer, enter);
    channel.vote(*socket.peer);
    channel.matching.update(*socket.peer);
    return accept(*socket.peer, enter);
  }
  leave(socket);

  socket.peer = std::make_unique<Peer>();
  Peer& peer = *socket.peer;
  peer.conn = socket.conn;
  peer.id = {socket.peer_id, false};
  peer.join = ++last_join_;
  peer.info.address = socket.address;
  peer.connect_after = now_;
  describe(peer, enter);
  peer.kept_parents = std::max(enter.parents.value_or(0), 0);
  peer.kept_children = std::max(enter.children.value_or(0), 0);
  // It has a parent somewhere, so it is not fed by the CDN.
  if (peer.kept_parents > 0) peer.layer = 1;
  ++peers_;
  channels_.try_emplace(enter.channel, enter.channel).first->second.add(peer);
  accept(peer, enter);
  introductions_.on_entered(peer, now_);
}

// Clients that come back do not repeat what they are: an empty field takes nothing away.
void Tracker::Impl::describe(Peer& peer, wire::Enter& enter) {
  if (!enter.browser.empty()) peer.info.browser = std::move(enter.browser);
  if (!enter.os.empty()) peer.info.os = std::move(enter.os);
  peer.info.device = enter.device;
  peer.up_bw = enter.up_bw;
  if (enter.live) peer.says_live = enter.live;
  peer.child_limit = child_limit(config_, enter);
}

void Tracker::Impl::accept(const Peer& peer, const wire::Enter& enter) {
  wire::Accept accept;
  accept.live = peer.channel->type() == ChannelType::kLive;
  accept.peer_id = peer.id;
  if (enter.hlsmesh) accept.hlsmesh = wire::kExtensionLevel;
  outbox_.send(peer.conn, wire::serialize(wire::TrackerMessage(std::move(accept))));
}

void Tracker::Impl::handle(Socket& socket, const wire::Leave&) { leave(socket); }

void Tracker::Impl::leave(Socket& socket) {
  if (!socket.peer) return;
  Channel& channel = *socket.peer->channel;
  introductions_.on_leaving(*socket.peer, now_);
  socket.peer.reset();
  --peers_;
  if (channel.nodes.empty()) channels_.erase(channels_.find(channel.id));
}

void Tracker::Impl::handle(Socket& socket, wire::SignalTo& signal) {
  const Peer* other =
      socket.peer ? Introductions::introduced(*socket.peer, signal.to_peer_id) : nullptr;
  if (other == nullptr) {
    ++totals_.signals_refused;
    return;
  }
  ++totals_.signals;
  outbox_.send(other->conn, wire::serialize(wire::TrackerMessage(
                                wire::SignalFrom{socket.peer->id, std::move(signal.data)})));
}

void Tracker::Impl::handle(Socket& socket, const wire::DcOpened& report) {
  if (socket.peer) introductions_.on_opened(*socket.peer, report.dc_id);
}
void Tracker::Impl::handle(Socket& socket, const wire::DcClosed& report) {
  if (socket.peer) introductions_.on_ended(*socket.peer, report.dc_id, now_);
}
void Tracker::Impl::handle(Socket& socket, const wire::DcFailed& report) {
  if (socket.peer) introductions_.on_ended(*socket.peer, report.dc_id, now_);
}

void Tracker::Impl::handle(Socket& socket, const wire::Statistics& report) {
  if (!socket.peer) return;
  Peer& peer = *socket.peer;
  // -1 is a player that has not chosen yet.
  if (report.level >= 0) peer.level = report.level;
  // Finite, positive and no more than wire::kMaxReportKb, or it would not have been parsed.
  for (double* total : {&peer.cdn_kb, &peer.channel->cdn_kb, &totals_.cdn_kb}) {
    *total += report.cdn_kb;
  }
  for (double* total : {&peer.p2p_kb, &peer.channel->p2p_kb, &totals_.p2p_kb}) {
    *total += report.p2p_kb;
  }
}

// Counted, but no ground for closing: a later client may well say more than this tracker knows.
void Tracker::Impl::handle(Socket&, const wire::UnknownAction&) { ++totals_.malformed; }

TrackerStats Tracker::Impl::stats() const {
  TrackerStats stats = totals_;
  stats.connections = static_cast<int32_t>(sockets_.size());
  stats.peers = peers_;
  stats.channels = static_cast<int32_t>(channels_.size());
  stats.connects = introductions_.made();
  return stats;
}

Tracker::Tracker(TrackerConfig config) : impl_(std::make_unique<Impl>(config)) {}
Tracker::~Tracker() = default;

void Tracker::on_open(TimeMs now, ConnId conn, std::string_view address, IdEntropy entropy) {
  impl_->open(now, conn, address, entropy);
}
void Tracker::on_text(TimeMs now, ConnId conn, std::string_view text) {
  impl_->text(now, conn, text);
}
void Tracker::on_binary(TimeMs now, ConnId conn) { impl_->binary(now, conn); }
void Tracker::on_pong(TimeMs now, ConnId conn) { impl_->pong(now, conn); }
void Tracker::on_closed(TimeMs now, ConnId conn) { impl_->closed(now, conn); }
void Tracker::on_timeout(TimeMs now) { impl_->timeout(now); }
const TrackerCommand* Tracker::poll() { return impl_->poll(); }
std::optional<TimeMs> Tracker::next_timeout() const { return impl_->next_timeout(); }
TrackerStats Tracker::stats() const { return impl_->stats(); }

}  // namespace hlsmesh

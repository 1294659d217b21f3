#include "tracker/tracker.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "protocol/plain_signal.hpp"
#include "tracker/tracker_impl.hpp"
#include "tracker/upload.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;
namespace wire = tracker_wire;

// The most malformed messages of one socket. Clients of 2018 send the odd `null` or an `enter`
// without `channel` (protocol section 3), and may stay; a client that sends many may not.
constexpr int32_t kMalformedTolerated = 8;

std::string hex_id(IdEntropy entropy) {
  std::string id;
  for (const uint64_t half : {entropy.high, entropy.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) id += "0123456789abcdef"[(half >> shift) & 15];
  }
  return id;
}

// With an interval of 0 a timer would be due again as soon as it has fired, and a room of size 0
// would take nobody.
TrackerConfig usable(TrackerConfig config) {
  for (DurationMs* interval : {&config.ping_interval, &config.dead_after, &config.enter_timeout}) {
    *interval = std::max(*interval, DurationMs{1});
  }
  config.room_peers = std::max(config.room_peers, 1);
  return config;
}

}  // namespace

Tracker::Impl::Impl(const TrackerConfig& config)
    : config_(usable(config)),
      introductions_(outbox_, timers_),
      limits_(config_.max_connections_per_address, config_.enters_per_address_per_minute,
              config_.messages_per_address, config_.bytes_per_address) {}

void Tracker::Impl::open(TimeMs now, ConnId conn, const Origin& origin, IdEntropy entropy) {
  now_ = std::max(now_, now);
  if (sockets_.count(conn.value()) != 0) return;
  std::string key = AddressLimits::key_of(origin.address);
  if (origin.guest) {
    ++guests_;
  } else if (!has_room(conn, key)) {
    return;
  }
  Socket& socket = sockets_[conn.value()];
  socket.conn = conn;
  socket.address = origin.address;
  socket.address_key = std::move(key);
  socket.isp = origin.isp;
  socket.province = origin.province;
  socket.site = origin.site;
  socket.peer_id = hex_id(entropy);
  socket.guest = origin.guest;
  socket.opened_at = socket.last_heard = socket.last_ping = now_;
  socket.credit.emplace(now_);
  socket.playback.emplace(now_);
  if (socket.guest) return;
  if (config_.messages_per_second > 0) {
    socket.messages = messages_a_second(config_.messages_per_second, now_);
  }
  if (config_.bytes_per_second > 0) {
    socket.bytes = messages_a_second(config_.bytes_per_second, now_);
  }
  if (config_.channel_switches > 0) {
    const double rate = config_.channel_switches;
    socket.switches.emplace(rate, rate, DurationMs{60'000}, now_);
  }
  arm(socket);
}

bool Tracker::Impl::has_room(ConnId conn, const std::string& key) {
  const auto refuse = [&](uint64_t& counter, const char* reason) {
    ++totals_.rate_limited;
    ++counter;
    outbox_.close(conn, kCloseTryAgainLater, reason);
    return false;
  };
  if (config_.max_connections > 0 && connections() >= config_.max_connections) {
    return refuse(totals_.limited_total, "the tracker is full");
  }
  if (!limits_.open(now_, key)) {
    return refuse(totals_.limited_connections, "too many connections from this address");
  }
  return true;
}

// Every frame of a peer is a sign of life.
Socket* Tracker::Impl::heard(TimeMs now, ConnId conn) {
  Socket* socket = find(now, conn);
  if (socket != nullptr) socket->last_heard = now_;
  return socket;
}

Socket* Tracker::Impl::find(TimeMs now, ConnId conn) {
  now_ = std::max(now_, now);
  const auto found = sockets_.find(conn.value());
  return found == sockets_.end() ? nullptr : &found->second;
}

// A frame of any kind counts against the limits of the connection: a flood of empty frames costs as
// much.
Socket* Tracker::Impl::counted(TimeMs now, ConnId conn, size_t bytes) {
  Socket* socket = heard(now, conn);
  if (socket == nullptr || socket->guest) return socket;
  if (socket->messages && !socket->messages->take(now_)) {
    exceed(*socket, totals_.limited_messages, kClosePolicy, "too many messages");
    return nullptr;
  }
  if (socket->bytes && !socket->bytes->take(now_, static_cast<double>(bytes))) {
    exceed(*socket, totals_.limited_bytes, kClosePolicy, "too many bytes");
    return nullptr;
  }
  using Refusal = AddressLimits::Refusal;
  switch (limits_.message(now_, socket->address_key, socket->spent, bytes)) {
    case Refusal::kNone:
      return socket;
    case Refusal::kMessages:
      exceed(*socket, totals_.limited_address_messages, kCloseTryAgainLater,
             "too many messages from this address");
      break;
    case Refusal::kBytes:
      exceed(*socket, totals_.limited_address_bytes, kCloseTryAgainLater,
             "too many bytes from this address");
      break;
  }
  return nullptr;
}

void Tracker::Impl::text(TimeMs now, ConnId conn, std::string_view text) {
  Socket* socket = counted(now, conn, text.size());
  if (socket == nullptr) return;
  if (!socket->elsewhere) {
    if (const auto signal = wire::read_plain_signal(text)) {
      return relay(*socket, signal->to_peer_id, signal->literal);
    }
  }
  wire::PeerParseResult parsed = wire::parse_from_peer(text);
  if (const auto* error = std::get_if<wire::ParseError>(&parsed)) {
    return malformed(*socket, *error);
  }
  auto& message = *std::get_if<wire::PeerMessage>(&parsed);
  // A ping is answered here, whichever engine runs the channel.
  if (socket->elsewhere && !std::holds_alternative<wire::Enter>(message) &&
      !std::holds_alternative<wire::Ping>(message)) {
    return pass_on(*socket, message, text);
  }
  std::visit([&](auto& said) { handle(*socket, said); }, message);
}

void Tracker::Impl::binary(TimeMs now, ConnId conn) {
  if (counted(now, conn, 0) != nullptr) ++totals_.malformed;
}

void Tracker::Impl::pong(TimeMs now, ConnId conn) { counted(now, conn, 0); }

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

void Tracker::Impl::exceed(Socket& socket, uint64_t& counter, int32_t code, std::string reason) {
  ++totals_.rate_limited;
  ++counter;
  close(socket, code, std::move(reason));
}

void Tracker::Impl::forget(Socket& socket) {
  leave(socket);
  timers_.clear(socket.conn, TimerKind::kSocket);
  if (socket.guest) {
    --guests_;
  } else {
    limits_.close(now_, socket.address_key);
  }
  sockets_.erase(socket.conn.value());
}

void Tracker::Impl::timeout(TimeMs now) {
  now_ = std::max(now_, now);
  while (const auto key = timers_.pop(now_)) {
    Socket& socket = sockets_.find(key->first)->second;
    switch (key->second) {
      case TimerKind::kIntroduction:
        introductions_.on_timer(*socket.peer, now_);
        break;
      case TimerKind::kAuthorization:
        ++totals_.expired;
        reject(socket, "token expired");
        break;
      case TimerKind::kSocket:
        check_alive(socket);
        break;
      case TimerKind::kFacts:
        use_facts(*socket.peer, Facts(*socket.peer->said));
        break;
    }
  }
}

// A ping is sent after each ping_interval of silence; a peer that sends is not pinged.
void Tracker::Impl::check_alive(Socket& socket) {
  if (!socket.entered_once && now_ - socket.opened_at >= config_.enter_timeout) {
    return exceed(socket, totals_.limited_enter_time, kClosePolicy,
                  "did not enter a channel in time");
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

// Frames do not move this timer: when it fires, check_alive() looks at the time of the last frame.
void Tracker::Impl::arm(Socket& socket) {
  TimeMs due = std::min(socket.last_heard + config_.dead_after,
                        std::max(socket.last_heard, socket.last_ping) + config_.ping_interval);
  if (!socket.entered_once) due = std::min(due, socket.opened_at + config_.enter_timeout);
  timers_.set(socket.conn, TimerKind::kSocket, due);
}

void Tracker::Impl::handle(Socket& socket, const wire::Leave&) {
  socket.pending.reset();
  leave(socket);
}

void Tracker::Impl::handle(Socket& socket, const wire::SignalTo& signal) {
  relay(socket, signal.to_peer_id.text, signal.data.literal());
}

void Tracker::Impl::relay(Socket& socket, std::string_view to, std::string_view literal) {
  const auto [other, sent] =
      socket.peer ? Introductions::introduced(*socket.peer, to) : Introductions::Introduced{};
  if (other == nullptr) {
    ++totals_.signals_refused;
    return;
  }
  const double most = config_.bytes_per_pair;
  const double size = static_cast<double>(literal.size());
  if (sent->add(now_, size, most, kBurstSeconds * most) && most > 0) {
    return exceed(socket, totals_.limited_pair_bytes, kClosePolicy, "too many bytes to one viewer");
  }
  ++totals_.signals;
  outbox_.send(other->conn, wire::signal_text(socket.peer->id, literal));
}

void Tracker::Impl::handle(Socket& socket, const wire::DcOpened& report) {
  if (socket.peer) introductions_.on_opened(*socket.peer, report.dc_id, now_);
}
void Tracker::Impl::handle(Socket& socket, const wire::DcClosed& report) {
  ended(socket, report.dc_id, report.reason);
}
void Tracker::Impl::handle(Socket& socket, const wire::DcFailed& report) {
  ended(socket, report.dc_id, report.reason);
}

void Tracker::Impl::handle(Socket& socket, wire::Statistics& report) {
  if (!socket.peer) return;
  if (socket.credit->bound(report, now_, config_)) ++totals_.limited_reports;
  socket.playback->bound(report, now_);
  Peer& peer = *socket.peer;
  pardon(peer);
  audience_.report(peer, report);
  // -1 is a player that has not chosen yet.
  if (report.level >= 0) {
    peer.level = report.level;
    peer.level_known = true;
  }
  // Finite, positive and no more than wire::kMaxReportKb, or it would not have been parsed.
  for (double* total : {&peer.cdn_kb, &peer.channel->cdn_kb, &totals_.cdn_kb}) {
    *total += report.played_cdn_kb();
  }
  for (double* total : {&peer.p2p_kb, &peer.channel->p2p_kb, &totals_.p2p_kb}) {
    *total += report.played_p2p_kb();
  }
  if (report.p2p_kb > 0) peer.unfed = false;
  account(peer, report, now_, config_);
  for (const ParentLink& link : peer.parents) {
    set_child_limit(*link.parent, now_, config_);
    introductions_.on_limit_changed(*link.parent, now_);
  }
  set_child_limit(peer, now_, config_);
  introductions_.on_limit_changed(peer, now_);
  if (report.idle) {
    peer.says_idle = *report.idle;
    introductions_.on_idle(peer, is_idle(peer), now_);
  }
  introductions_.on_report(peer, now_);
}

void Tracker::Impl::handle(Socket& socket, const wire::Ping&) {
  outbox_.send(socket.conn, wire::serialize(wire::TrackerMessage(wire::Pong{})));
}

// Counted, but no reason to close: a later client may send actions that this tracker does not know.
void Tracker::Impl::handle(Socket&, const wire::UnknownAction&) { ++totals_.malformed; }

TrackerStats Tracker::Impl::stats() const {
  TrackerStats stats = totals_;
  stats.connections = connections();
  stats.peers = peers_;
  stats.banned = banned_;
  stats.channels = static_cast<int32_t>(channels_.size());
  for (const auto& [id, channel] : channels_) {
    channel.visit_rooms([&stats](const Room& room) {
      ++stats.rooms;
      stats.orphans += static_cast<int32_t>(room.orphans.size());
    });
    stats.limited_address_share += channel.passed_over();
    const auto excluded = channel.sites.find(std::string(kNoPeers));
    if (excluded != channel.sites.end()) stats.excluded += excluded->second.peers;
  }
  const Shadows& shadows = audience_.shadows();
  stats.shadows = shadows.viewers;
  stats.shadow_cdn_kb = shadows.cdn_kb;
  stats.shadow_p2p_kb = shadows.p2p_kb;
  stats.shadow_loads = shadows.loads;
  stats.shadow_missed = shadows.missed;
  stats.shadow_wrong = shadows.wrong;
  stats.connects = introductions_.made();
  stats.links = introductions_.standing();
  stats.opened = introductions_.opened();
  stats.failed = introductions_.failed();
  stats.promoted = introductions_.promoted();
  const auto unopened = [this](wire::EndReason reason) {
    return introductions_.unopened()[static_cast<size_t>(reason)];
  };
  stats.failed_refused = unopened(wire::EndReason::kRefused);
  stats.failed_silent = unopened(wire::EndReason::kSilent);
  stats.failed_permission = unopened(wire::EndReason::kPermission);
  stats.failed_udp = unopened(wire::EndReason::kUdp);
  stats.failed_nat = unopened(wire::EndReason::kNat);
  stats.failed_policy = unopened(wire::EndReason::kPolicy);
  return stats;
}

Tracker::Tracker(const TrackerConfig& config) : impl_(std::make_unique<Impl>(config)) {}
Tracker::~Tracker() = default;

void Tracker::on_open(TimeMs now, ConnId conn, const Origin& origin, IdEntropy entropy) {
  impl_->open(now, conn, origin, entropy);
}
void Tracker::on_text(TimeMs now, ConnId conn, std::string_view text) {
  impl_->text(now, conn, text);
}
void Tracker::on_binary(TimeMs now, ConnId conn) { impl_->binary(now, conn); }
void Tracker::on_pong(TimeMs now, ConnId conn) { impl_->pong(now, conn); }
void Tracker::on_closed(TimeMs now, ConnId conn) { impl_->closed(now, conn); }
void Tracker::on_authorized(TimeMs now, ConnId conn, int32_t request, bool granted,
                            std::optional<DurationMs> valid, std::string_view reason) {
  impl_->authorized(now, conn, request, granted, valid, reason);
}
void Tracker::on_elsewhere(TimeMs now, ConnId conn, int32_t request) {
  impl_->elsewhere(now, conn, request);
}
void Tracker::on_ask_again(TimeMs now, ConnId conn) { impl_->ask_again(now, conn); }
void Tracker::on_told(TimeMs now, ConnId conn, std::string_view text) {
  impl_->told(now, conn, text);
}
void Tracker::on_timeout(TimeMs now) { impl_->timeout(now); }
const TrackerCommand* Tracker::poll() {
  const TrackerCommand* const command = impl_->poll();
  assert(command != nullptr || impl_->is_large() || audit().empty());
  return command;
}
std::optional<TimeMs> Tracker::next_timeout() const { return impl_->next_timeout(); }
TrackerStats Tracker::stats() const { return impl_->stats(); }
std::string Tracker::audit() const { return impl_->audit(); }
std::vector<std::string> Tracker::neglected() const { return impl_->neglected(); }
std::string Tracker::channels(int32_t offset, int32_t limit) const {
  return impl_->channels(offset, limit);
}
std::string Tracker::sites() const { return impl_->sites(); }
std::string Tracker::take_audience() { return impl_->take_audience(); }
std::string Tracker::topology(std::string_view channel, int32_t offset, int32_t limit) const {
  return impl_->topology(channel, offset, limit);
}

}  // namespace hlsmesh

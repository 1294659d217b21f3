// From an `enter` to a peer in its channel, and its leaving.

#include <algorithm>
#include <memory>
#include <utility>

#include "tracker/text.hpp"
#include "tracker/tracker_impl.hpp"
#include "tracker/upload.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;
namespace wire = tracker_wire;

// The reason in a close frame has at most 123 bytes (RFC 6455 section 5.5).
constexpr size_t kMaxCloseReasonBytes = 123;

// A first change counts at once, the next ones after this time.
constexpr DurationMs kFactsInterval{10'000};

// What a viewer of the site kNoPeers is told.
constexpr const char* kExcluded = "the tracker gives no peers to viewers of this network";
// And one that is banned.
constexpr const char* kBanned = "other viewers got wrong segments from this address";

Facts facts_in(const wire::Enter& enter) { return {enter.up_bw, enter.slots, enter.wants}; }

}  // namespace

void Tracker::Impl::handle(Socket& socket, wire::Enter& enter) {
  if (!socket.guest &&
      !limits_.enter(now_, socket.address_key, socket.spent, socket.last_channel.empty())) {
    return refuse(socket, totals_.limited_enters, "too many enters from this address");
  }
  ++totals_.enters;
  if (socket.last_channel != enter.channel) {
    const bool first = socket.last_channel.empty();
    if (!first && socket.switches && !socket.switches->take(now_)) {
      return refuse(socket, totals_.limited_switches, "too many channels");
    }
    socket.last_channel = enter.channel;
  }
  if (!config_.authorize) return admit(socket, enter, std::nullopt);

  // A line feed ends the channel in the question.
  if (enter.channel.find('\n') != std::string::npos) {
    ++totals_.unauthorized;
    return reject(socket, "no such channel");
  }
  Elsewhere entering;
  entering.enter = std::move(enter);
  ask(socket, std::move(entering), false);
}

void Tracker::Impl::authorized(TimeMs now, ConnId conn, int32_t request, bool granted,
                               std::optional<DurationMs> valid, std::string_view reason) {
  Socket* socket = find(now, conn);
  if (socket == nullptr || !socket->pending || socket->pending->request != request) return;
  const std::unique_ptr<PendingEnter> pending = std::move(socket->pending);
  if (!granted) {
    ++totals_.unauthorized;
    return reject(*socket, reason.empty() ? "not authorized" : reason);
  }
  wire::Enter enter = pending->entering.resumed();
  if (!pending->again || !socket->peer) admit(*socket, enter, valid);
  if (valid) {
    timers_.set(conn, TimerKind::kAuthorization, now_ + std::max(*valid, DurationMs{0}));
  } else {
    timers_.clear(conn, TimerKind::kAuthorization);
  }
}

// The peer is told before it is closed, so that it stays away for a while.
void Tracker::Impl::refuse(Socket& socket, uint64_t& counter, const char* reason) {
  say_rejected(socket, reason);
  exceed(socket, counter, kCloseTryAgainLater, reason);
}

void Tracker::Impl::reject(Socket& socket, std::string_view reason) {
  say_rejected(socket, reason);
  close(socket, kClosePolicy, std::string(shortened(reason, kMaxCloseReasonBytes)));
}

void Tracker::Impl::say_rejected(const Socket& socket, std::string_view reason) {
  ++totals_.rejected;
  wire::Reject message{std::string(shortened(reason, wire::kMaxFieldBytes))};
  outbox_.send(socket.conn, wire::serialize(wire::TrackerMessage(std::move(message))));
}

void Tracker::Impl::admit(Socket& socket, wire::Enter& enter, std::optional<DurationMs> valid) {
  socket.entered_once = true;
  socket.elsewhere.reset();
  if (enter.hlsmesh) socket.extension = enter.hlsmesh;
  if (socket.peer && socket.peer->channel->id == enter.channel) {
    return enter_again(socket, enter, valid);
  }
  leave(socket);

  socket.peer = std::make_unique<Peer>();
  Peer& peer = *socket.peer;
  peer.conn = socket.conn;
  peer.id = {socket.peer_id, false};
  peer.join = ++last_join_;
  peer.info.address = socket.address;
  peer.info.isp = socket.isp;
  peer.info.province = socket.province;
  peer.info.site = socket.site;
  peer.info.network = AddressLimits::network_of(socket.address);
  peer.info.party = AddressLimits::party_of(socket.address);
  peer.entered_at = peer.reported_at = now_;
  peer.connect_after = now_;
  describe(peer, enter);
  peer.quorum = enter.quorum.value_or(0);
  const auto known = channels_.find(enter.channel);
  peer.banned = known != channels_.end() && known->second.bans.bans(now_, peer.info.network);
  use_facts(peer, facts_in(enter));
  peer.control = enter.control;
  peer.says_idle = enter.idle.value_or(false);
  peer.idle = is_idle(peer);
  peer.kept_parents = std::max(enter.parents.value_or(0), 0);
  peer.kept_children = std::max(enter.children.value_or(0), 0);
  // It has a parent that is not known here, so it is not fed by the CDN.
  if (peer.kept_parents > 0) peer.layer = 1;
  ++peers_;
  banned_ += peer.banned ? 1 : 0;
  const auto [channel, is_new] = channels_.try_emplace(enter.channel, enter.channel,
                                                       config_.room_peers, config_.address_share);
  channel->second.add(peer);
  audience_.add(peer);
  if (is_new) {
    for (std::string& parameter : split_.opened(enter.channel)) outbox_.split(std::move(parameter));
  }
  if (peer.quorum > 0) peer.site->waiting.emplace(std::pair(peer.quorum, peer.join), &peer);
  accept(peer, enter, valid);
  introductions_.on_entered(peer, now_);
  gather(*peer.site);
}

void Tracker::Impl::gather(Site& site) {
  while (!site.waiting.empty() && site.waiting.begin()->first.first <= site.peers) {
    Peer& peer = *site.waiting.begin()->second;
    // No company is any to it.
    if (is_excluded(peer)) return;
    site.waiting.erase(site.waiting.begin());
    peer.quorum = 0;
    outbox_.send(peer.conn, wire::serialize(wire::TrackerMessage(wire::Pong{site.peers})));
    set_child_limit(peer, now_, config_);
    introductions_.on_limit_changed(peer, now_);
    introductions_.on_idle(peer, is_idle(peer), now_);
  }
}

// Clients that come back do not repeat these fields: an empty field changes nothing.
void Tracker::Impl::describe(Peer& peer, wire::Enter& enter) {
  if (!enter.browser.empty()) peer.info.browser = std::move(enter.browser);
  if (!enter.os.empty()) peer.info.os = std::move(enter.os);
  peer.info.device = enter.device;
  if (enter.live) peer.says_live = enter.live;
}

// What the peer says about its upload moves other viewers, so it counts once in a while; what it
// said last counts in the end.
void Tracker::Impl::enter_again(Socket& socket, wire::Enter& enter,
                                std::optional<DurationMs> valid) {
  Peer& peer = *socket.peer;
  peer.channel->unvote(peer);
  describe(peer, enter);
  peer.channel->vote(peer);
  accept(peer, enter, valid);
  Facts facts = facts_in(enter);
  if (!enter.hlsmesh && !enter.wants) facts.wants = peer.wants;
  if (now_ >= peer.facts_at + kFactsInterval) {
    use_facts(peer, facts);
  } else if (facts == Facts{peer.up_bw, peer.slots, peer.wants}) {
    peer.said.reset();
    timers_.clear(peer.conn, TimerKind::kFacts);
    // A viewer that enters again looks for what it lacks at once.
    introductions_.on_facts_changed(peer, now_);
  } else {
    ++totals_.limited_facts;
    peer.said = facts;
    timers_.set(peer.conn, TimerKind::kFacts, peer.facts_at + kFactsInterval);
  }
  Site& site = *peer.site;
  site.waiting.erase({peer.quorum, peer.join});
  peer.quorum = enter.quorum.value_or(0);
  if (peer.quorum > 0) site.waiting.emplace(std::pair(peer.quorum, peer.join), &peer);
  peer.says_idle = enter.idle.value_or(false);
  pardon(peer);
  set_child_limit(peer, now_, config_);
  introductions_.on_limit_changed(peer, now_);
  introductions_.on_idle(peer, is_idle(peer), now_);
  gather(site);
}

void Tracker::Impl::use_facts(Peer& peer, const Facts& facts) {
  timers_.clear(peer.conn, TimerKind::kFacts);
  const bool entering = peer.channel == nullptr;
  if (!entering && !(facts == Facts{peer.up_bw, peer.slots, peer.wants})) peer.facts_at = now_;
  peer.said.reset();
  peer.up_bw = facts.up_bw;
  peer.slots = facts.slots;
  peer.wants = facts.wants;
  // The operator decides if a peer may have more than the usual number; any peer may have fewer.
  const int32_t most = std::max(config_.max_parents, config_.parents_wanted);
  peer.parents_wanted = std::min(peer.wants.value_or(config_.parents_wanted), most);
  set_child_limit(peer, now_, config_);
  if (!entering) introductions_.on_facts_changed(peer, now_);
}

void Tracker::Impl::accept(const Peer& peer, const wire::Enter& enter,
                           std::optional<DurationMs> valid) {
  wire::Accept accept;
  accept.live = peer.channel->type() == ChannelType::kLive;
  accept.peer_id = peer.id;
  if (enter.hlsmesh) accept.hlsmesh = wire::kExtension;
  // A time beyond the field's range counts as no limit: nobody watches for weeks.
  if (valid && valid->count() <= INT32_MAX) {
    accept.token_ms = static_cast<int32_t>(std::max<int64_t>(valid->count(), 0));
  }
  if (enter.hlsmesh && config_.agree > 0) accept.agree = config_.agree;
  if (peer.banned) accept.reason = kBanned;
  if (is_excluded(peer)) accept.reason = kExcluded;
  outbox_.send(peer.conn, wire::serialize(wire::TrackerMessage(std::move(accept))));
}

void Tracker::Impl::leave(Socket& socket) {
  if (!socket.peer) return;
  timers_.clear(socket.conn, TimerKind::kAuthorization);
  Channel& channel = *socket.peer->channel;
  introductions_.on_leaving(*socket.peer, now_);
  drop_peer(socket, channel);
}

void Tracker::Impl::drop_peer(Socket& socket, Channel& channel) {
  timers_.clear(socket.conn, TimerKind::kFacts);
  banned_ -= socket.peer->banned ? 1 : 0;
  audience_.remove(*socket.peer);
  socket.peer.reset();
  --peers_;
  if (!channel.nodes.empty()) return;
  split_.closed(channel.id);
  totals_.limited_address_share += channel.passed_over();
  channels_.erase(channels_.find(channel.id));
}

}  // namespace hlsmesh

// What the tracker says, and what it is told (protocol section 3).

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

// A tracker that has a parent for us names it at once; a second covers a slow one. No longer, so
// that a viewer who is alone is not kept waiting.
constexpr DurationMs kIntroduction{1'000};

// What we can give and want is told anew no more often than this: another `enter` costs the tracker
// an admission and the site a token.
constexpr DurationMs kFactsInterval{10'000};

// Who has paused this long ago is not likely to play on at once.
constexpr DurationMs kIdleAfter{10'000};

// A parent that has missed this many segments in a row makes room for one that the tracker names.
constexpr int32_t kReplaceable = 2;

// Protocol section 3, defaults of the time.
constexpr DurationMs kStatisticsInterval{30'000};

// How long a viewer is alone before the page hears of it. The tracker introduces those it has at
// once, and a connection opens within 10 seconds or not at all.
constexpr DurationMs kAlone{60'000};

}  // namespace

void Engine::Impl::on_socket_open(TimeMs now, std::string_view token) {
  tracker_wire::Enter enter;
  enter.channel = config_.channel;
  enter.browser = config_.browser;
  enter.device = config_.mobile ? tracker_wire::Device::kMobile : tracker_wire::Device::kPc;
  enter.os = config_.os;
  enter.hlsmesh = tracker_wire::kExtensionLevel;
  enter.live = live_;
  if (open_parents() > 0) enter.parents = open_parents();
  if (open_children() > 0) enter.children = open_children();
  facts_told_ = facts();
  // `wants` is sent only if the site changed the default.
  if (facts_told_.wants != EngineLimits{}.max_parents) enter.wants = facts_told_.wants;
  if (facts_told_.up_kbps >= 0) enter.up_bw = facts_told_.up_kbps;
  enter.slots = facts_told_.slots;
  idle_told_ = now >= idle_at();
  if (idle_told_) enter.idle = true;
  enter.token = token;
  tracker_.on_open(now, enter);
}

Engine::Impl::Facts Engine::Impl::facts() const {
  Facts facts;
  const double kbps = config_.limits.upload_bytes_per_second * 8 / 1'000;
  if (!serves()) {
    facts.up_kbps = 0;
  } else if (kbps < INT32_MAX) {
    facts.up_kbps = std::max(static_cast<int32_t>(kbps), 1);
  }
  facts.slots = std::max(config_.limits.max_children, 0);
  facts.wants = config_.limits.max_parents;
  return facts;
}

TimeMs Engine::Impl::facts_due() const {
  return tracker_.joined() && !(facts() == facts_told_) ? facts_after_ : kNever;
}

void Engine::Impl::tell_facts(TimeMs now) {
  if (now < facts_due()) return;
  facts_after_ = now + kFactsInterval;  // once more then, should nothing come of it
  tracker_.renew(now);
}

TimeMs Engine::Impl::idle_at() const {
  return playhead_.playing() || loads_.size() > 0 ? kNever
                                                  : active_at_ + std::max(kIdleAfter, pace_);
}

// With an early report: the tracker should know before it names us to somebody.
void Engine::Impl::tell_idle(TimeMs now) {
  if (tracker_.joined() && tracker_.level() >= 1 && idle_told_ != (now >= idle_at())) {
    report_statistics(now);
  }
}

void Engine::Impl::on_socket_closed(TimeMs now) {
  tracker_.on_closed(now);
  statistics_due_ = kNever;
  parent_hope_until_ = now;
}

void Engine::Impl::on_socket_text(TimeMs now, std::string_view text) {
  tracker_wire::TrackerFields message;
  if (tracker_wire::read_from_tracker(text, message)) {
    ++stats_.malformed;
    return;
  }
  carry_out(now, message);
  tracker_.on_heard(now);
}

void Engine::Impl::carry_out(TimeMs now, const tracker_wire::TrackerFields& message) {
  using Action = tracker_wire::TrackerAction;
  if (message.action == Action::kAccept) {
    if (tracker_.on_accept(now, message)) on_accepted(now);
  } else if (message.action == Action::kReject) {
    tracker_.on_reject(now, message.reason);
    statistics_due_ = kNever;
    parent_hope_until_ = now;
  }
  // What follows concerns our connections, which have no name before the `accept`.
  if (!tracker_.joined()) return;
  if (message.action == Action::kConnect) {
    on_connect(now, message.peer_id);
  } else if (message.action == Action::kSignal) {
    on_signal(now, message);
  } else if (message.action == Action::kDisconnect) {
    on_disconnect(now, message.peer_id);
  }
}

void Engine::Impl::on_accepted(TimeMs now) {
  statistics_due_ = now + kStatisticsInterval;
  if (!alone_told_) alone_due_ = now + kAlone;
  parent_hope_until_ = open_parents() > 0 ? now : now + kIntroduction;
}

void Engine::Impl::expect_parent(TimeMs now) {
  if (tracker_.joined()) parent_hope_until_ = now + kIntroduction;
}

void Engine::Impl::on_connect(TimeMs now, const PeerId& to) {
  if (to == tracker_.own_id() || find_peer(to) != nullptr) return;
  const int32_t parents = count(true, false);
  const bool crowded = parents >= config_.limits.max_parents;
  PeerSession* worst = crowded ? worst_parent(kReplaceable) : nullptr;
  const bool room = !crowded || worst != nullptr;
  const bool refused = !ledger_.may_meet(now, to, false);
  if (!room || refused || connections_paused(now) || !dials_.take(now)) {
    // Said at once, so that the parent's slot does not wait for us.
    return tell_end(false, tracker_.own_id().text + "-" + to.text,
                    refused ? tracker_wire::EndReason::kRefused : tracker_wire::EndReason::kNone);
  }
  if (worst != nullptr) end_peer(now, *worst, PeerEnd::kUseless, FallbackReason::kPeerLost);
  // From here on the dial itself is what loads may wait for.
  parent_hope_until_ = now;
  add_peer(now, to, CommandKind::kPeerDial).requester.emplace();
}

void Engine::Impl::on_signal(TimeMs now, const tracker_wire::TrackerFields& signal) {
  const std::string data = signal.data.text();
  const tracker_wire::SignalKind kind = tracker_wire::classify_signal(data);
  PeerSession* peer = find_peer(signal.peer_id);
  if (kind == tracker_wire::SignalKind::kRefusal) {
    if (peer != nullptr && peer->is_parent() && !peer->open) {
      end_peer(now, *peer, PeerEnd::kRefused, FallbackReason::kPeerLost);
    }
    return;
  }
  if (kind == tracker_wire::SignalKind::kOffer) {
    // We dialled: the connection has its offer, ours.
    if (peer != nullptr && peer->is_parent()) return;
    // The connection that it has, if any, is left alone: a flood of offers changes nothing here.
    if (!ledger_.admit_offer(now, signal.peer_id)) return;
    if (connections_paused(now)) return refuse(now, signal.peer_id);
    // A child that offers anew has lost the connection we still hold. Both have the same dc_id, so
    // a report would be taken for the end of the new one.
    if (peer != nullptr) {
      end_peer(now, *peer, PeerEnd::kClosedByPeer, FallbackReason::kPeerLost, true, false);
      peer = nullptr;
    }
    if (!serves() || !ledger_.may_meet(now, signal.peer_id, true) || full() ||
        !answers_.take(now)) {
      return refuse(now, signal.peer_id);
    }
    peer = &add_peer(now, signal.peer_id, CommandKind::kPeerAnswer);
    peer->uploader.emplace();
    peer->child = ledger_.number_of(signal.peer_id);
  }
  if (peer == nullptr) return;
  if (!peer->signals.take(data.size())) {
    misbehaved(now, *peer, FallbackReason::kPeerLost, "signals without end");
    return;
  }
  commands_.push(CommandKind::kPeerSignal, data).peer = peer->handle;
}

void Engine::Impl::tell_end(bool opened, const std::string& dc_id, tracker_wire::EndReason why) {
  tracker_wire::PeerMessage message = tracker_wire::DcFailed{dc_id, why};
  if (opened) message = tracker_wire::DcClosed{dc_id, why};
  tracker_.send(message);
}

// Bounded, or a flood of offers would make us exceed what the tracker lets us say.
void Engine::Impl::refuse(TimeMs now, const PeerId& id) {
  if (!answers_.take(now)) return;
  tracker_.send(tracker_wire::SignalTo{id, tracker_wire::SignalData(tracker_wire::kRefusal)});
}

void Engine::Impl::on_disconnect(TimeMs now, const PeerId& id) {
  if (PeerSession* peer = find_peer(id)) {
    end_peer(now, *peer, PeerEnd::kDisconnectedByTracker, FallbackReason::kPeerLost, true, false);
  }
}

// Increments in whole KB; what is left over stays for the next report.
void Engine::Impl::report_statistics(TimeMs now) {
  statistics_due_ = now + kStatisticsInterval;
  const auto increment = [](uint64_t bytes, uint64_t& reported_kb) {
    const uint64_t kb = bytes / 1024;
    return static_cast<double>(kb - std::exchange(reported_kb, kb));
  };
  if (level_count_ > 0) {
    last_level_ = static_cast<double>(level_sum_) / static_cast<double>(level_count_);
    level_sum_ = level_count_ = 0;
  }
  tracker_wire::Statistics statistics;
  statistics.level = last_level_;
  statistics.cdn_kb = increment(stats_.cdn_bytes, reported_cdn_kb_);
  statistics.p2p_kb = increment(stats_.p2p_bytes, reported_p2p_kb_);
  const double up_kb = increment(stats_.upload_bytes, reported_up_kb_);
  if (tracker_.level() >= 1) {
    statistics.up_kb = up_kb;
    const bool idle = now >= idle_at();
    if (idle || idle_told_) statistics.idle = idle;
    idle_told_ = idle;
  }
  tracker_.send(statistics);
}

int32_t Engine::Impl::count(bool parents, bool open) const {
  int32_t found = 0;
  for (const auto& [handle, peer] : peers_) {
    found += !peer.ended && peer.is_parent() == parents && (peer.open || !open) ? 1 : 0;
  }
  return found;
}

}  // namespace hlsmesh

#include "client/peers/peers.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh {
namespace {

// ICE over a relay takes a few seconds; what has not opened by then never does.
constexpr DurationMs kConnectTimeout{10'000};

// How long a dial is worth waiting for. One that takes longer is going through a relay or nowhere;
// when it opens, it serves the loads that come then.
constexpr DurationMs kDialProspect{4'000};

// A tracker that has a parent for us names it at once; a second covers a slow one. No longer, so
// that a viewer who is alone is not kept waiting.
constexpr DurationMs kIntroduction{1'000};

// Who has left a channel before these seconds were over may leave the next one as soon.
constexpr double kHurried = 5;

// How long a viewer is alone before the page hears of it. The tracker introduces those it has at
// once, and a connection opens within 10 seconds or not at all.
constexpr DurationMs kAlone{60'000};

// The pause between two parents that are given back. It doubles each time that none gives
// anything: there may be none that could.
constexpr DurationMs kGiveBackPause{5'000};
constexpr DurationMs kLongestGiveBackPause{5 * 60'000};

// What the tracker is told of an end, by PeerEnd.
constexpr tracker_wire::EndReason kReasons[] = {
    tracker_wire::EndReason::kNone,       tracker_wire::EndReason::kNone,
    tracker_wire::EndReason::kNone,       tracker_wire::EndReason::kSilent,
    tracker_wire::EndReason::kMisbehaved, tracker_wire::EndReason::kNone,
    tracker_wire::EndReason::kRefused,    tracker_wire::EndReason::kUseless,
    tracker_wire::EndReason::kSilent,     tracker_wire::EndReason::kPermission,
    tracker_wire::EndReason::kUdp,        tracker_wire::EndReason::kNat,
    tracker_wire::EndReason::kPolicy,
};

}  // namespace

void Peers::set_upload_limits(const EngineLimits& limits) {
  children_.turns().budget.set(limits.upload_bytes_per_second, limits.upload_bytes);
}

void Peers::allow_upload(TimeMs now, bool allowed) {
  children_.allow(allowed);
  if (!allowed) end_children(now);  // before any of them is sent more
}

void Peers::end_children(TimeMs now) {
  for (auto& [handle, session] : table_) {
    if (session.uploader && (!children_.allowed() || session.served())) {
      end(now, session, PeerEnd::kClosedByUs);
    }
  }
}

PeerSession& Peers::add(TimeMs now, const PeerId& remote, CommandKind kind) {
  PeerSession& session =
      table_.add(commands_, remote, tracker_.own_id(), config_.channel_queue_bytes);
  session.started_at = now;
  if (kind == CommandKind::kPeerDial) {
    session.parent.emplace(session.handle, session.remote, session.link);
    session.neighbor.is_parent = true;
  } else {
    session.uploader.emplace();
  }
  session.number = ledger_.number_of(remote);
  commands_.push(kind).peer = session.handle;
  return session;
}

void Peers::on_accepted(TimeMs now) {
  if (!alone_told_) alone_due_ = now + kAlone;
  const bool hopes = downloads_.parents().empty() && !hurried();
  parent_hope_until_ = hopes ? now + kIntroduction : now;
}

bool Peers::hurried() const { return config_.stayed < kHurried; }

TimeMs Peers::hope() const {
  TimeMs until = parent_hope_until_;
  for (const auto& [handle, session] : table_) {
    if (session.ended || session.open() || !session.parent) continue;
    until = std::max(until, session.started_at + kDialProspect);
  }
  return until;
}

void Peers::on_signal(PeerHandle handle, std::string_view json) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr) return;
  if (json.empty()) return session->reach.on_checking();
  session->reach.on_own_signal(json);
  // While the tracker is away the signal is lost, and the connection times out.
  tracker_.send(tracker_wire::SignalTo{session->remote, tracker_wire::SignalData(json)});
}

void Peers::on_open(TimeMs now, PeerHandle handle, size_t max_message_bytes) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr || session->open()) return;
  alone_told_ = true;
  alone_due_ = kNever;
  session->link.on_open(now, max_message_bytes);
  session->asked_at = now;
  commands_.event(EventCode::kPeerOpened, 0, session->remote.text).peer = handle;
  if (session->parent) {
    session->parent->requester.on_open(now);
    downloads_.add(*session->parent);
    tracker_.send(tracker_wire::DcOpened{session->dc_id()});
  }
  keep_alive(now, *session);
}

void Peers::on_closed(TimeMs now, PeerHandle handle) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr) return;
  end(now, *session, PeerEnd::kFailed, FallbackReason::kPeerLost, false);
}

void Peers::on_handed_over(PeerHandle handle, size_t bytes) {
  if (PeerSession* session = table_.find(handle)) session->link.channel.on_handed_over(bytes);
}

void Peers::on_writable(TimeMs now, PeerHandle handle, size_t buffered_amount) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr || !session->open()) return;
  const size_t gone = session->link.channel.on_writable(now, buffered_amount);
  session->link.liveness.on_traffic();
  children_.on_writable(now, *session, gone);
}

void Peers::end(TimeMs now, PeerSession& session, PeerEnd end, FallbackReason reason, bool held,
                bool report) {
  if (session.ended) return;
  const bool was_open = session.open();
  const bool was_parent = session.is_parent();
  const PeerEnd why = was_open ? end : session.reach.why(end, local_denied_);
  // A mute child did no wrong, nor one that could not reach us: it may come again.
  if (was_parent || (was_open && end != PeerEnd::kUseless)) {
    ledger_.on_end(now, session.remote, end, was_open, now - session.link.opened_at);
  }
  if (was_open) mesh_.remove(session.neighbor, reason);
  if (was_parent && was_open) downloads_.remove(now, *session.parent, reason);
  if (held) {
    if (was_open && end != PeerEnd::kClosedByPeer && end != PeerEnd::kFailed) {
      peer::Fields last;
      last.event = end == PeerEnd::kMisbehaved ? peer::Event::kError : peer::Event::kClose;
      session.link.channel.send(now, last);
    }
    commands_.push(CommandKind::kPeerClose).peer = session.handle;
  }
  children_.on_ended(session);
  commands_.event(EventCode::kPeerClosed, static_cast<double>(why), session.remote.text).peer =
      session.handle;

  // Of a connection that never opened only its initiator speaks.
  if (report && (was_open || was_parent)) {
    // The tracker keeps apart for a minute those of whom nothing was heard for long.
    const bool silent = end == PeerEnd::kTimedOut && why != PeerEnd::kNoPermission;
    tracker_wire::EndReason told = kReasons[static_cast<size_t>(silent ? end : why)];
    if (session.polluted && tracker_.agrees()) told = tracker_wire::EndReason::kPolluted;
    tell_end(was_open, session.dc_id(), told);
  }
  session.ended = true;
  session.link.open = false;
  if (was_parent && tracker_.joined()) parent_hope_until_ = now + kIntroduction;
}

void Peers::misbehaved(TimeMs now, PeerSession& session, FallbackReason reason, const char* what) {
  if (session.ended) return;
  ++stats_.malformed;
  commands_.event(EventCode::kPeerMisbehaved, 0, what).peer = session.handle;
  end(now, session, PeerEnd::kMisbehaved, reason);
}

void Peers::end_all(TimeMs now) {
  for (auto& [handle, session] : table_) end(now, session, PeerEnd::kClosedByUs);
}

void Peers::tell_end(bool opened, const std::string& dc_id, tracker_wire::EndReason why) {
  tracker_wire::PeerMessage message = tracker_wire::DcFailed{dc_id, why};
  if (opened) message = tracker_wire::DcClosed{dc_id, why};
  tracker_.send(message);
}

PeerSession* Peers::worst_parent(int32_t misses) {
  PeerSession* worst = nullptr;
  for (auto& [handle, session] : table_) {
    if (!session.open() || !session.parent || !session.parent->requester.idle()) continue;
    // It has us fetch first, so what it misses it has of us.
    if (session.neighbor.we_lead) continue;
    if (session.parent->usefulness.misses() < misses) continue;
    misses = session.parent->usefulness.misses() + 1;
    worst = &session;
  }
  return worst;
}

PeerSession* Peers::slowest_parent() {
  if (table_.count(true, true) < 2) return nullptr;
  PeerSession* slowest = nullptr;
  double most = 0;
  for (auto& [handle, session] : table_) {
    if (!session.open() || !session.parent || session.neighbor.we_lead) continue;
    if (session.neighbor.asks.piece_ms() <= most) continue;
    most = session.neighbor.asks.piece_ms();
    slowest = &session;
  }
  return slowest;
}

// Without a tracker there is no other to be had.
void Peers::give_back_parent(TimeMs now) {
  if (std::exchange(gifts_, stats_.p2p_segments) != stats_.p2p_segments) {
    give_back_pause_ = kGiveBackPause;
  }
  if (now < give_back_after_ || !tracker_.joined()) return;
  PeerSession* worst = worst_parent(Usefulness::kMostMisses);
  if (worst != nullptr && !worst->parent->usefulness.useless()) worst = nullptr;
  if (worst == nullptr && mesh_.shortage().lasts()) worst = slowest_parent();
  if (worst == nullptr) return;
  mesh_.shortage().begin_anew();
  give_back_after_ = now + give_back_pause_;
  give_back_pause_ = std::min(give_back_pause_ * 2, kLongestGiveBackPause);
  end(now, *worst, PeerEnd::kUseless);
}

void Peers::serve(TimeMs now) {
  const Neighbor* const second = mesh_.second();
  const Neighbor* const leader = second != nullptr ? second : mesh_.leader();
  children_.set_live(mesh_.live());
  children_.set_in_order(second != nullptr);
  const PeerHandle leads = leader == nullptr ? PeerHandle() : leader->peer;
  if (leads != told_to_lead_) {
    const PeerHandle before = std::exchange(told_to_lead_, leads);
    for (const PeerHandle peer : {before, leads}) {
      PeerSession* const session = table_.find(peer);
      if (session != nullptr && session->open())
        say_current(now, *session, peer::Event::kKeepAlive);
    }
  }
  children_.pump(now);
  // Children of a parent that refuses everything are better off with another.
  if (!serves()) end_children(now);
}

void Peers::add_timers(Timer& timer) const {
  timer.also(alone_due_, Wake::kAlone);
  timer.also(children_.turns().next_due(), Wake::kLine);
  const bool makes_room = full() && tracker_.joined();
  for (const auto& [handle, session] : table_) {
    if (!session.open()) {
      timer.also(session.started_at + kConnectTimeout, Wake::kConnection);
      continue;
    }
    timer.also(session.link.liveness.next_due(), Wake::kKeepAlive);
    if (session.parent) downloads_.add_timers(*session.parent, timer);
    timer.also(session.orders.next_due(), Wake::kChild);
    if (!session.uploader) continue;
    if (makes_room && session.served()) timer.also(session.mute_at(), Wake::kMute);
    timer.also(session.uploader->next_due(), Wake::kChild);
  }
}

void Peers::on_timeout(TimeMs now) {
  if (now >= alone_due_) {
    alone_due_ = kNever;
    alone_told_ = tracker_.joined();
    if (alone_told_) commands_.event(EventCode::kAlone, table_.total());
  }
  children_.turns().on_timeout(now);
  for (auto& [handle, session] : table_) on_timeout(now, session);
}

void Peers::on_timeout(TimeMs now, PeerSession& session) {
  if (session.ended) return;
  if (!session.open()) {
    if (now >= session.started_at + kConnectTimeout) end(now, session, PeerEnd::kTimedOut);
    return;
  }
  keep_alive(now, session);
  if (session.ended) return;
  if (session.uploader) {
    if (tracker_.joined() && full() && session.served() && now >= session.mute_at()) {
      end(now, session, PeerEnd::kUseless);
    } else if (session.uploader->stalled(now)) {
      end(now, session, PeerEnd::kTimedOut);
    }
  }
  if (session.neighbor.asks.pretends()) {
    end(now, session, PeerEnd::kTimedOut, FallbackReason::kTimeout);
  }
  if (session.orders.busy() && session.link.channel.stuck(now, PieceOrders::kStalled)) {
    end(now, session, PeerEnd::kTimedOut);
  }
  if (session.parent && downloads_.on_timeout(now, *session.parent)) {
    end(now, session, PeerEnd::kTimedOut, FallbackReason::kTimeout);
  }
}

void Peers::keep_alive(TimeMs now, PeerSession& session) {
  switch (session.link.liveness.on_timeout(now, session.link.channel.congested())) {
    case Liveness::Due::kNothing:
      break;
    case Liveness::Due::kKeepAlive:
      say_current(now, session, peer::Event::kKeepAlive);
      break;
    case Liveness::Due::kDead:
      end(now, session, PeerEnd::kTimedOut);
      break;
  }
}

const char* Peers::audit() const {
  int full_channels = 0;
  for (const auto& [handle, session] : table_) {
    if (session.ended) return "a session outlived its end";
    if (session.handle != handle || handle.value() > table_.total()) return "a false handle";
    if (session.parent.has_value() == session.uploader.has_value()) {
      return "a peer is not either parent or child";
    }
    if (session.number <= 0) return "a peer has no number";
    if (!session.open() && session.full) return "a channel is full before it opened";
    if (session.parent && (downloads_.parent(handle) == &*session.parent) != session.open()) {
      return "an open parent is no source, or the reverse";
    }
    full_channels += session.full ? 1 : 0;
    for (const auto& [other, second] : table_) {
      if (other < handle && second.remote == session.remote) return "two connections to one peer";
    }
  }
  full_channels += children_.line_full() ? 1 : 0;
  return full_channels == turns().uplink.full() ? nullptr : "full channels are miscounted";
}

}  // namespace hlsmesh

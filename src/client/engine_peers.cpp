// Peer connections: how they begin, live and end.

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

// ICE over a relay takes a few seconds; what has not opened by then never does.
constexpr DurationMs kConnectTimeout{10'000};

// A busy page reports a drained channel late by this, in milliseconds, at most.
constexpr double kReportMs = 100;

// Chromium takes up to 30 s to collect closed connections, which count against its limit until
// then.
constexpr DurationMs kConnectionPause{30'000};

// A parent that gave nothing is given back, and another asked for. The pause doubles each time that
// none gives anything: there may be none that could.
constexpr DurationMs kLongestGiveBackPause{5 * 60'000};

// What the tracker is told of an end, by PeerEnd.
constexpr tracker_wire::EndReason kReasons[] = {
    tracker_wire::EndReason::kNone,       tracker_wire::EndReason::kNone,
    tracker_wire::EndReason::kNone,       tracker_wire::EndReason::kSilent,
    tracker_wire::EndReason::kMisbehaved, tracker_wire::EndReason::kNone,
    tracker_wire::EndReason::kRefused,    tracker_wire::EndReason::kUseless,
};

}  // namespace

PeerSession* Engine::Impl::find_peer(PeerHandle peer) {
  const auto entry = peers_.find(peer);
  return entry == peers_.end() || entry->second.ended ? nullptr : &entry->second;
}

PeerSession* Engine::Impl::find_peer(const PeerId& id) {
  for (auto& [handle, peer] : peers_) {
    if (peer.remote == id && !peer.ended) return &peer;
  }
  return nullptr;
}

PeerSession& Engine::Impl::add_peer(TimeMs now, const PeerId& remote, CommandKind kind) {
  const PeerHandle handle(++last_handle_);
  PeerSession& peer = peers_
                          .try_emplace(handle, commands_, handle, remote, tracker_.own_id(),
                                       config_.channel_queue_bytes)
                          .first->second;
  peer.started_at = now;
  commands_.push(kind).peer = handle;
  return peer;
}

void Engine::Impl::on_peer_signal(PeerHandle handle, std::string_view json) {
  const PeerSession* peer = find_peer(handle);
  if (peer == nullptr) return;
  // While the tracker is away the signal is lost, and the connection times out.
  tracker_.send(tracker_wire::SignalTo{peer->remote, tracker_wire::SignalData(json)});
}

void Engine::Impl::on_channel_open(TimeMs now, PeerHandle handle, size_t max_message_bytes) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || peer->open) return;
  peer->open = true;
  peer->opened_at = now;
  alone_told_ = true;
  alone_due_ = kNever;
  peer->channel.open(now, max_message_bytes);
  peer->liveness.start(now);
  peer->usefulness.on_open(now);
  commands_.event(EventCode::kPeerOpened, 0, peer->remote.text).peer = handle;
  if (peer->requester) {
    peer->requester->on_open(now);
    tracker_.send(tracker_wire::DcOpened{peer->dc_id()});
  }
  keep_alive(now, *peer);
}

void Engine::Impl::on_peer_closed(TimeMs now, PeerHandle handle) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr) return;
  end_peer(now, *peer, PeerEnd::kFailed, FallbackReason::kPeerLost, false);
}

void Engine::Impl::on_connection_refused(TimeMs now) { connections_from_ = now + kConnectionPause; }

void Engine::Impl::on_channel_writable(TimeMs now, PeerHandle handle, size_t buffered_amount) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open) return;
  const size_t gone = peer->channel.on_writable(buffered_amount);
  peer->liveness.on_traffic();
  if (!peer->uploader) return;
  peer->uploader->on_progress(now);
  if (peer->full) uplink_.on_drained(now, handle, gone);
  pump(now, *peer);
  // Only now is it certain how much waits in the channel.
  peer->full = !peer->uploader->idle();
  if (peer->full) {
    uplink_.on_full(now);
    return;
  }
  // The line is free for others.
  pump_children(now);
}

// Those who were sent no more than their share lately have the first turn.
void Engine::Impl::pump_children(TimeMs now) {
  for (const bool all : {false, true}) {
    for (auto& [handle, peer] : peers_) {
      if (!peer.open || !peer.uploader) continue;
      if (all || !ledger_.has_more(now, peer.child)) pump(now, peer);
    }
  }
}

void Engine::Impl::pump(TimeMs now, PeerSession& peer) {
  peer.channel.set_drain(uplink_.bytes_per_ms() * kReportMs);
  const bool fresh = peer.sent_bytes == 0;
  const size_t sent = peer.uploader->pump(now, peer.channel, *this);
  // Of a channel that was never used it is certain how much waits in it.
  if (fresh && sent > 0 && !peer.uploader->idle()) {
    peer.full = true;
    uplink_.on_full(now);
  }
  peer.sent_bytes += sent;
  stats_.upload_bytes += sent;
}

int32_t Engine::Impl::served(TimeMs now) const {
  // Whoever takes nothing for this long keeps nobody else waiting.
  constexpr DurationMs kStuck{2'000};
  return static_cast<int32_t>(std::count_if(peers_.begin(), peers_.end(), [&](const auto& entry) {
    const std::optional<Uploader>& uploader = entry.second.uploader;
    return !entry.second.ended && uploader && !uploader->idle() &&
           now - uploader->progress_at() < kStuck;
  }));
}

SegmentShelf::Turn Engine::Impl::turn(TimeMs now, PeerHandle handle, SegmentBuffer& segment,
                                      bool last) {
  const int32_t child = find_peer(handle)->child;
  const bool had = segment.was_given(child);
  if (!ledger_.asks(now, child) || (had && !ledger_.may_repeat(now, child, false))) {
    return Turn::kRefused;
  }
  const Turn turn = line_turn(now, handle, segment, last);
  if (turn == Turn::kRefused) {
    // When it wants the next one.
    ledger_.on_refused(now, child, to_duration(segment.segment().span.duration * 1'250));
  } else if (turn == Turn::kNow) {
    if (had) ledger_.may_repeat(now, child, true);
    segment.give(child);
    ledger_.on_sent(now, child, segment.size());
    uplink_.on_begun(now, segment.size());
  }
  return turn;
}

// On a slow line one after the other: of segments that share it, each would come late. Refused at
// once, a child loses a round trip and asks elsewhere; begun too late, its segment is sent for
// nothing.
SegmentShelf::Turn Engine::Impl::line_turn(TimeMs now, PeerHandle child,
                                           const SegmentBuffer& segment, bool last) {
  constexpr DurationMs kFree{250};  // before the line is idle, when the next segment begins
  const int32_t others = served(now);
  const double rate = uplink_.bytes_per_ms();
  const DurationMs lasts = to_duration(segment.segment().span.duration * 1'000);
  const bool favoured = !ledger_.has_more(now, find_peer(child)->child);
  if (!upload_budget_.capped()) {
    // A buffer is filled in a burst. Whoever had more than its share gets a quarter of one.
    const DurationMs burst = std::max(DurationMs(10'000), lasts * 2) / (favoured ? 1 : 4);
    if (uplink_.ahead_of_share(now) > burst) return Turn::kRefused;
  }
  if (rate > 0) {
    // A child plays one segment while the next one comes; somewhat more it has in its buffer.
    const DurationMs own = to_duration(static_cast<double>(segment.size()) / rate);
    const DurationMs ahead = uplink_.backlog(now);
    if (lasts > DurationMs::zero() && ahead + own > lasts * 5 / 4) {
      if (others > 0 || !uplink_.doubtful(now, child)) return Turn::kRefused;
    } else if (own > lasts / 8 && ahead > kFree && !last) {
      line_free_at_ = std::min(line_free_at_, now + ahead - kFree);
      return Turn::kLater;
    }
  } else if (others > 1) {
    return last ? Turn::kRefused : Turn::kLater;
  }
  return upload_budget_.take(now, segment.size(), favoured) ? Turn::kNow : Turn::kRefused;
}

void Engine::Impl::end_peer(TimeMs now, PeerSession& peer, PeerEnd end, FallbackReason reason,
                            bool held, bool report) {
  if (peer.ended) return;
  const PeerHandle handle = peer.handle;
  const bool was_open = peer.open;
  const bool was_parent = peer.is_parent();
  // A mute child did no wrong, nor one that could not reach us: it may come again.
  if (was_parent || (was_open && end != PeerEnd::kUseless)) {
    ledger_.on_end(now, peer.remote, end, was_open, now - peer.opened_at);
  }
  std::optional<LoadId> load;
  if (peer.requester) {
    load = peer.requester->load();
    if (std::optional<Transfer> transfer = peer.requester->take_transfer(now)) waste(*transfer);
    peer.requester->stop();
  }
  if (held) {
    if (was_open && end != PeerEnd::kClosedByPeer && end != PeerEnd::kFailed) {
      peer::Fields last;
      last.event = end == PeerEnd::kMisbehaved ? peer::Event::kError : peer::Event::kClose;
      peer.channel.send(now, last);
    }
    commands_.push(CommandKind::kPeerClose).peer = handle;
  }
  if (peer.full) uplink_.on_lost();
  commands_.event(EventCode::kPeerClosed, static_cast<double>(end), peer.remote.text).peer = handle;

  // Of a connection that never opened only its initiator speaks.
  if (report && (was_open || was_parent)) {
    tell_end(was_open, peer.dc_id(), kReasons[static_cast<size_t>(end)]);
  }
  peer.ended = ended_ = true;
  peer.open = peer.full = false;
  if (was_parent) expect_parent(now);
  if (load) parent_failed(now, *load, handle, reason);
}

PeerSession* Engine::Impl::worst_parent(int32_t misses) {
  PeerSession* worst = nullptr;
  for (auto& [handle, peer] : peers_) {
    if (!peer.open || !peer.requester || !peer.requester->idle()) continue;
    if (peer.usefulness.misses() < misses) continue;
    misses = peer.usefulness.misses() + 1;
    worst = &peer;
  }
  return worst;
}

// Without a tracker there is no other to be had.
void Engine::Impl::give_back_parent(TimeMs now) {
  if (now < give_back_after_ || !tracker_.joined()) return;
  PeerSession* parent = worst_parent(Usefulness::kMostMisses);
  if (parent == nullptr || !parent->usefulness.useless()) return;
  give_back_after_ = now + give_back_pause_;
  give_back_pause_ = std::min(give_back_pause_ * 2, kLongestGiveBackPause);
  end_peer(now, *parent, PeerEnd::kUseless, FallbackReason::kPeerLost);
}

bool Engine::Impl::full() const { return count(false, false) >= config_.limits.max_children; }

bool Engine::Impl::mute(TimeMs now, const PeerSession& child) const {
  return child.open && child.uploader && child.uploader->idle() &&
         now >= child.usefulness.mute_at();
}

void Engine::Impl::misbehaved(TimeMs now, PeerSession& peer, FallbackReason reason,
                              const char* what) {
  ++stats_.malformed;
  commands_.event(EventCode::kPeerMisbehaved, 0, what).peer = peer.handle;
  end_peer(now, peer, PeerEnd::kMisbehaved, reason);
}

TimeMs Engine::Impl::next_due(const PeerSession& peer) const {
  if (!peer.open) return peer.started_at + kConnectTimeout;
  TimeMs due = peer.liveness.next_due();
  if (peer.requester) {
    due = std::min(due, peer.requester->next_due());
    const Transfer* transfer = peer.requester->transfer();
    if (transfer != nullptr && !transfer->ask.load) due = std::min(due, transfer->look_at);
  }
  if (full() && peer.uploader && peer.uploader->idle() && tracker_.joined()) {
    due = std::min(due, peer.usefulness.mute_at());
  }
  if (peer.uploader) due = std::min(due, peer.uploader->next_due());
  return due;
}

bool Engine::Impl::keep_alive(TimeMs now, PeerSession& peer) {
  switch (peer.liveness.on_timeout(now, peer.channel.congested())) {
    case Liveness::Due::kNothing:
      return true;
    case Liveness::Due::kKeepAlive:
      say_current(now, peer, peer::Event::kKeepAlive);
      return true;
    case Liveness::Due::kDead:
      end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kPeerLost);
      return false;
  }
  return true;
}

// Version 1 has no way to cancel a transfer but to end the connection.
bool Engine::Impl::useless(TimeMs now, PeerSession& peer) {
  constexpr DurationMs kSoon{8'000};
  constexpr DurationMs kUselessLook{1'000};
  Transfer* transfer = peer.requester->transfer();
  if (transfer == nullptr || transfer->ask.load || now < transfer->look_at) return false;
  transfer->look_at = now + kUselessLook;
  DurationMs of_use = kSoon;
  if (transfer->buffer != nullptr && wanted(transfer->ask.segment.key)) {
    const double ahead_s = transfer->ask.segment.span.start - playhead_.last().current_time;
    of_use = std::max(of_use, to_duration(ahead_s * 1'000));
  }
  return peer.requester->remaining(now).value_or(DurationMs::max()) > of_use;
}

void Engine::Impl::on_peer_timeout(TimeMs now, PeerSession& peer) {
  if (peer.ended) return;
  if (!peer.open) {
    if (now >= peer.started_at + kConnectTimeout) {
      end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kPeerLost);
    }
    return;
  }
  if (!keep_alive(now, peer)) return;
  if (tracker_.joined() && full() && mute(now, peer)) {
    end_peer(now, peer, PeerEnd::kUseless, FallbackReason::kPeerLost);
    return;
  }
  if (peer.uploader && peer.uploader->stalled(now)) {
    end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kPeerLost);
    return;
  }
  if (!peer.requester) return;
  if (useless(now, peer)) {
    end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kTimeout);
    return;
  }
  std::optional<LoadId> load;
  switch (peer.requester->on_timeout(now, load)) {
    case Requester::Due::kNothing:
      break;
    case Requester::Due::kRepeat:
      peer.channel.send(now, peer.requester->repeated());
      break;
    case Requester::Due::kSilent:
    case Requester::Due::kStalled:
      if (load) parent_failed(now, *load, peer.handle, FallbackReason::kTimeout);
      break;
    case Requester::Due::kGone:
      end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kTimeout);
      if (load) parent_failed(now, *load, peer.handle, FallbackReason::kTimeout);
      break;
  }
}

}  // namespace hlsmesh

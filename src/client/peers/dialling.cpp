#include "client/peers/dialling.hpp"

#include <string>

namespace hlsmesh {
namespace {

// New connections, dialled and answered each: a tracker that introduces us without end, or dials
// that all fail, must not run a page into Chromium's limit of 500 connections, against which closed
// ones count until they are collected, within 30 s. The two budgets are apart, so that strangers
// who offer do not keep us from dialling.
constexpr int64_t kConnectionBurst = 32;
constexpr DurationMs kConnectionInterval{1'000};

// Chromium takes up to 30 s to collect closed connections, which count against its limit until
// then.
constexpr DurationMs kConnectionPause{30'000};

// A parent that has missed this many segments in a row makes room for one that the tracker names.
constexpr int32_t kReplaceable = 2;

}  // namespace

Dialling::Dialling(CommandQueue& commands, TrackerSession& tracker, Peers& peers,
                   const EngineLimits& limits)
    : commands_(commands),
      tracker_(tracker),
      peers_(peers),
      limits_(limits),
      dials_(kConnectionBurst, kConnectionInterval),
      answers_(kConnectionBurst, kConnectionInterval) {}

void Dialling::on_connection_refused(TimeMs now) { from_ = now + kConnectionPause; }

void Dialling::on_message(TimeMs now, const tracker_wire::TrackerFields& message) {
  using Action = tracker_wire::TrackerAction;
  if (message.action == Action::kConnect) {
    on_connect(now, message.peer_id);
  } else if (message.action == Action::kSignal) {
    on_signal(now, message);
  } else if (message.action == Action::kDisconnect) {
    if (PeerSession* session = peers_.table().find(message.peer_id)) {
      peers_.end(now, *session, PeerEnd::kDisconnectedByTracker, FallbackReason::kPeerLost, true,
                 false);
    }
  }
}

void Dialling::on_connect(TimeMs now, const PeerId& to) {
  PeerTable& table = peers_.table();
  if (to == tracker_.own_id() || table.find(to) != nullptr) return;
  const bool crowded = table.count(true, false) >= limits_.max_parents;
  PeerSession* const worst = crowded ? peers_.worst_parent(kReplaceable) : nullptr;
  const bool refused = !peers_.ledger().may_meet(now, to, false);
  if ((crowded && worst == nullptr) || refused || paused(now) || !dials_.take(now)) {
    // Said at once, so that the parent's slot does not wait for us.
    return peers_.tell_end(
        false, tracker_.own_id().text + "-" + to.text,
        refused ? tracker_wire::EndReason::kRefused : tracker_wire::EndReason::kNone);
  }
  if (worst != nullptr) peers_.end(now, *worst, PeerEnd::kUseless);
  // From here on the dial itself is what loads may wait for.
  peers_.expect_parent(now);
  peers_.add(now, to, CommandKind::kPeerDial);
}

void Dialling::on_signal(TimeMs now, const tracker_wire::TrackerFields& signal) {
  const std::string data = signal.data.text();
  const tracker_wire::SignalKind kind = tracker_wire::classify_signal(data);
  PeerSession* session = peers_.table().find(signal.peer_id);
  if (kind == tracker_wire::SignalKind::kRefusal) {
    if (session != nullptr && session->is_parent() && !session->open()) {
      peers_.end(now, *session, PeerEnd::kRefused);
    }
    return;
  }
  if (kind == tracker_wire::SignalKind::kOffer) {
    // We dialled: the connection has its offer, ours.
    if (session != nullptr && session->is_parent()) return;
    // The connection that it has, if any, is left alone: a flood of offers changes nothing here.
    if (!peers_.ledger().admit_offer(now, signal.peer_id)) return;
    if (paused(now)) return refuse(now, signal.peer_id);
    // A child that offers anew has lost the connection we still hold. Both have the same dc_id, so
    // a report would be taken for the end of the new one.
    if (session != nullptr) {
      peers_.end(now, *session, PeerEnd::kClosedByPeer, FallbackReason::kPeerLost, true, false);
    }
    if (!peers_.serves() || !peers_.ledger().may_meet(now, signal.peer_id, true) || peers_.full() ||
        !answers_.take(now)) {
      return refuse(now, signal.peer_id);
    }
    session = &peers_.add(now, signal.peer_id, CommandKind::kPeerAnswer);
  }
  if (session == nullptr) return;
  if (!session->signals.take(data.size())) {
    return peers_.misbehaved(now, *session, FallbackReason::kPeerLost, "signals without end");
  }
  session->reach.on_their_signal();
  commands_.push(CommandKind::kPeerSignal, data).peer = session->handle;
}

// Bounded, or a flood of offers would make us exceed what the tracker lets us say.
void Dialling::refuse(TimeMs now, const PeerId& id) {
  if (!answers_.take(now)) return;
  tracker_.send(tracker_wire::SignalTo{id, tracker_wire::SignalData(tracker_wire::kRefusal)});
}

}  // namespace hlsmesh

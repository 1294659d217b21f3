#include "client/tracker/tracker_session.hpp"

namespace hlsmesh {
namespace {

// Opening a socket and being accepted take a few round trips; a tracker that needs longer is not
// there, and some sockets never say so.
constexpr DurationMs kOpenTimeout{15'000};
constexpr DurationMs kAcceptTimeout{15'000};

// A session that lived this long shows a tracker that works: the next loss starts over with the
// shortest delay. One that accepts and hangs up at once keeps its clients away longer and longer.
constexpr DurationMs kSettled{10'000};

// A connection whose other end is gone (its machine lost power, a NAT forgot it) breaks only when
// something is sent, and then after many minutes; the tracker's own WebSocket pings are nothing
// that a page can see. So a tracker that has been quiet for this long is asked for a sign of life:
// one message a minute each way from a viewer to whom nothing else happens.
constexpr DurationMs kQuiet{60'000};
constexpr DurationMs kPongTimeout{15'000};

// A token that was not renewed is asked for again after this long.
constexpr DurationMs kRenewAgain{10'000};
// A token that is renewed by itself runs out sooner each time; it is not to be sent ever faster.
constexpr DurationMs kLeastRenewal{1'000};

}  // namespace

void TrackerSession::start(TimeMs now) {
  if (state_ != State::kIdle) return;
  backoff_.reset();
  open(now);
}

void TrackerSession::open(TimeMs now) {
  state_ = State::kOpening;
  due_ = now + kOpenTimeout;
  commands_.push(CommandKind::kSocketOpen).code = current_;
}

void TrackerSession::leave() {
  if (state_ == State::kEntering || state_ == State::kJoined) {
    commands_.push(CommandKind::kSocketSend, tracker_wire::serialize(tracker_wire::Leave{}));
  }
  if (state_ != State::kIdle && state_ != State::kAway) {
    commands_.push(CommandKind::kSocketClose);
  }
  state_ = State::kIdle;
  due_ = quiet_due_ = kNever;
}

void TrackerSession::on_open(TimeMs now, const tracker_wire::Enter& enter) {
  if (state_ == State::kOpening) {
    state_ = State::kEntering;
    due_ = now + kAcceptTimeout;
  } else if (!joined()) {
    return;
  } else if (!token_expires_) {
    due_ = kNever;  // trackers of version 1 do not answer a second `enter`
  }
  commands_.push(CommandKind::kSocketSend, tracker_wire::serialize(enter));
}

void TrackerSession::on_heard(TimeMs now) {
  if (!joined() || extension_ < tracker_wire::kPingExtension) return;
  pinged_ = false;
  quiet_due_ = now + kQuiet;
}

bool TrackerSession::on_accept(TimeMs now, const tracker_wire::TrackerFields& accept) {
  if (joined()) watch_token(now, accept);
  if (state_ != State::kEntering) return false;
  state_ = State::kJoined;
  watch_token(now, accept);
  accepted_at_ = now;
  own_id_ = accept.peer_id;
  live_ = accept.live;
  extension_ = accept.hlsmesh.value_or(0);
  agrees_ = accept.agree.has_value();
  viewers_ = kPair;
  commands_.event(EventCode::kTrackerConnected, 0, own_id_.text);
  return true;
}

// A quarter of the time is for the site's server to answer, and to be asked again.
void TrackerSession::watch_token(TimeMs now, const tracker_wire::TrackerFields& accept) {
  token_expires_ = accept.token_ms.has_value();
  due_ = accept.token_ms ? now + std::max(DurationMs(*accept.token_ms) * 3 / 4, kLeastRenewal)
                         : kNever;
}

void TrackerSession::renew(TimeMs now) {
  if (joined()) due_ = now;
}

void TrackerSession::on_reject(TimeMs now, const std::string& reason) {
  if (state_ != State::kEntering && state_ != State::kJoined) return;
  commands_.push(CommandKind::kSocketClose);
  const DurationMs delay = Backoff::rejected(random_);
  state_ = State::kAway;
  due_ = now + delay;
  quiet_due_ = kNever;
  commands_.event(EventCode::kTrackerRejected, to_ms(delay), reason);
}

void TrackerSession::on_closed(TimeMs now) {
  if (state_ == State::kIdle || state_ == State::kAway) return;
  stay_away(now, false);
}

void TrackerSession::stay_away(TimeMs now, bool silent) {
  const bool settled = state_ == State::kJoined && now - accepted_at_ >= kSettled;
  if (settled) backoff_.reset();
  current_ = settled && !silent ? 0 : (current_ + 1) % count_;
  const DurationMs delay = current_ == 0 ? backoff_.next(random_) : Backoff::first(random_);
  state_ = State::kAway;
  due_ = now + delay;
  quiet_due_ = kNever;
  commands_.event(EventCode::kTrackerDisconnected, to_ms(delay));
}

bool TrackerSession::send_text(std::string text) {
  if (!joined()) return false;
  commands_.push(CommandKind::kSocketSend, std::move(text));
  return true;
}

bool TrackerSession::on_timeout(TimeMs now) {
  if (now >= quiet_due_) {
    if (pinged_) {
      commands_.push(CommandKind::kSocketClose);
      stay_away(now, true);
      return true;
    }
    pinged_ = true;
    quiet_due_ = now + kPongTimeout;
    send(tracker_wire::Ping{});
  }
  if (now < due_) return false;
  if (state_ == State::kAway) {
    open(now);
    return false;
  }
  if (joined()) {
    due_ = now + kRenewAgain;
    commands_.push(CommandKind::kRenewToken);
    return false;
  }
  commands_.push(CommandKind::kSocketClose);
  stay_away(now, true);
  return true;
}

}  // namespace hlsmesh

#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/clock.hpp"
#include "client/command_queue.hpp"
#include "client/tracker/backoff.hpp"
#include "common/random.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh {

// Viewers of whom one can be named to the other.
inline constexpr int32_t kPair = 2;

// The peer's side of the tracker's WebSocket (protocol section 3): opening, entering, leaving and
// coming back. Of several trackers the next one is tried after each failure, and only a round in
// which none worked makes the delay grow; a session that lasted starts over with the first, unless
// its tracker fell silent. What the tracker says beyond `accept` and `reject` is the caller's to
// carry out.
//
//            start            on_open            accept
//   idle ----------> opening ----------> entering -------> joined
//    ^                 ^ |                  |                |
//    | leave           | | closed, timeout  | closed, timeout, reject
//    | (any state)     | v                  v                |
//                     away <---------------------------------+
class TrackerSession {
 public:
  enum class State { kIdle, kOpening, kEntering, kJoined, kAway };

  TrackerSession(CommandQueue& commands, Random& random) : commands_(commands), random_(random) {}

  // Trackers to choose from, the preferred one first. Before start().
  void set_count(int32_t count) {
    assert(state_ == State::kIdle && count >= 1);
    count_ = count;
  }

  State state() const { return state_; }
  bool joined() const { return state_ == State::kJoined; }
  // Our name, as last told; the connections made under it keep it. Empty before the first `accept`.
  const PeerId& own_id() const { return own_id_; }
  // How many viewers, we included, have been in the channel at the same time, as far as the tracker
  // of this session has said: who names somebody, or relays an offer, says that there are two.
  int32_t viewers() const { return viewers_; }
  // What the tracker of this session says about the channel, and its extension.
  std::optional<bool> live() const { return live_; }
  int32_t extension() const { return extension_; }
  // Whether it counts reports of wrong pieces.
  bool agrees() const { return agrees_; }

  void start(TimeMs now);
  // Ends the session for good: `leave` if it had entered. start() begins a new one.
  void leave();

  // The socket is open, or a fresh token is there; `enter` goes out.
  void on_open(TimeMs now, const tracker_wire::Enter& enter);
  // What `enter` says has changed: a fresh token is asked for, and with it goes another.
  void renew(TimeMs now);
  void on_closed(TimeMs now);
  // The tracker said something, whatever it was.
  void on_heard(TimeMs now);
  void on_viewers(int32_t viewers) { viewers_ = std::max(viewers_, viewers); }
  // False if it came at a time when it means nothing.
  bool on_accept(TimeMs now, const tracker_wire::TrackerFields& accept);
  void on_reject(TimeMs now, const std::string& reason);

  // Nothing is sent, and false returned, unless joined: the messages of this table are about the
  // moment and worth nothing later.
  template <class Message>
  bool send(const Message& message) {
    return send_text(tracker_wire::serialize(message));
  }

  TimeMs next_due() const { return due_ < quiet_due_ ? due_ : quiet_due_; }
  // True if the session was given up for being silent.
  bool on_timeout(TimeMs now);

 private:
  bool send_text(std::string text);
  void open(TimeMs now);
  // `silent`: it ended because the tracker did not answer.
  void stay_away(TimeMs now, bool silent);
  void watch_token(TimeMs now, const tracker_wire::TrackerFields& accept);

  CommandQueue& commands_;
  Random& random_;
  Backoff backoff_;
  int32_t count_ = 1;
  int32_t current_ = 0;
  State state_ = State::kIdle;
  TimeMs due_ = kNever;
  TimeMs quiet_due_ = kNever;  // joined: the tracker has been quiet until then
  bool pinged_ = false;
  TimeMs accepted_at_{};
  bool token_expires_ = false;
  PeerId own_id_;
  std::optional<bool> live_;
  int32_t extension_ = 0;
  bool agrees_ = false;
  int32_t viewers_ = kPair;
};

}  // namespace hlsmesh

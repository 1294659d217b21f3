#pragma once

#include <optional>

#include "client/clock.hpp"

namespace hlsmesh {

// Whether the peer behind an open channel is alive, by KEEPALIVE (protocol section 2). A peer that
// never spoke version-1 KEEPALIVE is never found dead here: its transfers and the state of the
// channel are the judge of it.
//
//   resting --interval--> KEEPALIVE sent --ACK--> resting
//                              | 2 s without a word
//                              v
//                           missed --ACK, any traffic--> resting
//                              | three in a row
//                              v
//                             dead
class Liveness {
 public:
  enum class Due { kNothing, kKeepAlive, kDead };

  // The channel is open; a KEEPALIVE is due at once.
  void start(TimeMs now) { next_ = now; }

  TimeMs next_due() const { return next_; }
  // `congested`: our own packets fill the channel, so that no KEEPALIVE of ours could have arrived.
  // After kKeepAlive a KEEPALIVE must be sent.
  Due on_timeout(TimeMs now, bool congested);

  // Anything came in, or the other side took what was queued for it.
  void on_traffic() { heard_ = true; }
  // A KEEPALIVE or its ACK came in.
  void on_spoken() { spoken_ = true; }
  void on_ack(TimeMs now);

  // Of the last acknowledged KEEPALIVE.
  std::optional<DurationMs> round_trip() const { return round_trip_; }

 private:
  TimeMs next_ = kNever;
  bool waiting_ = false;  // for the ACK of the KEEPALIVE sent at sent_at_
  bool heard_ = false;    // since then
  bool spoken_ = false;
  int missed_ = 0;
  TimeMs sent_at_{};
  std::optional<DurationMs> round_trip_;
};

}  // namespace hlsmesh

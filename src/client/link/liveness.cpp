#include "client/link/liveness.hpp"

namespace hlsmesh {
namespace {

// Protocol section 2, defaults of the time.
constexpr DurationMs kInterval{10'000};
constexpr DurationMs kAckTimeout{2'000};

// One lost ACK is a page that was busy; with three, asked 2 s apart, six seconds have passed in
// silence.
constexpr int kMostMissed = 3;

}  // namespace

Liveness::Due Liveness::on_timeout(TimeMs now, bool congested) {
  if (now < next_) return Due::kNothing;
  if (waiting_) {
    waiting_ = false;
    missed_ = heard_ || congested || !spoken_ ? 0 : missed_ + 1;
    if (missed_ >= kMostMissed) {
      next_ = kNever;
      return Due::kDead;
    }
    if (missed_ == 0) {
      next_ = sent_at_ + kInterval;
      if (now < next_) return Due::kNothing;
    }
  }
  waiting_ = true;
  heard_ = false;
  sent_at_ = now;
  next_ = now + kAckTimeout;
  return Due::kKeepAlive;
}

void Liveness::on_ack(TimeMs now) {
  if (!waiting_) return;
  waiting_ = false;
  missed_ = 0;
  round_trip_ = now - sent_at_;
  next_ = sent_at_ + kInterval;
}

}  // namespace hlsmesh

#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "client/clock.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// What this viewer's line carries upwards, measured by how fast its data channels drain, and how
// long what was begun keeps it busy.
//
// A channel that was filled to its limit drains without a pause until its next report. The bytes
// that all such channels lose over a stretch of time are the line's rate. A slow child may hide the
// line behind its own, so a lower rate counts only when several channels show it, or when nothing
// better was seen for kMemory.
class Uplink {
 public:
  static constexpr DurationMs kMemory{60'000};
  // The part of the line that children may have on average. The rest is for what else the viewer
  // sends: a call, a game, the page's own requests.
  static constexpr double kShare = 0.8;

  // A channel has as much queued as it may hold.
  void on_full(TimeMs now) {
    if (full_ == 0 && now != drained_at_) {
      close_window();
      from_ = now;
    }
    most_ = std::max(most_, ++full_);
  }
  // A full channel has lost `bytes` since. It counts as full again only after another on_full().
  void on_drained(TimeMs now, PeerHandle peer, size_t bytes) {
    assert(full_ > 0);
    --full_;
    gone_ += static_cast<double>(bytes);
    ++reports_;
    drained_at_ = now;
    drained_ = peer;
    if (now - from_ < (bytes_per_ms_ > 0 ? kLongWindow : kShortWindow)) return;
    close_window();
    from_ = now;
  }
  // A full channel ended.
  void on_lost() {
    assert(full_ > 0);
    --full_;
  }

  // Channels that drain without a pause.
  int full() const { return full_; }
  // Bytes per millisecond; 0 while unknown.
  double bytes_per_ms() const { return bytes_per_ms_; }
  // Whether the rate may be no more than what one child takes, so that it says nothing of `peer`.
  bool doubtful(TimeMs now, PeerHandle peer) const {
    if (now - known_at_ >= kMemory) return true;
    return now >= shared_until_ && peer != measured_;
  }

  // A segment of `bytes` is on its way from now on.
  void on_begun(TimeMs now, size_t bytes) {
    if (bytes_per_ms_ <= 0) {
      begun_ = static_cast<double>(bytes);
      return;
    }
    const DurationMs own = to_duration(static_cast<double>(bytes) / bytes_per_ms_);
    busy_until_ = std::max(now, busy_until_) + own;
    paid_until_ = std::max(now, paid_until_) + to_duration(to_ms(own) / kShare);
  }
  // `bytes` of those that were begun will not leave.
  void on_spared(TimeMs now, size_t bytes) {
    if (bytes_per_ms_ <= 0) return;
    const DurationMs own = to_duration(static_cast<double>(bytes) / bytes_per_ms_);
    busy_until_ = std::max(now, busy_until_ - own);
    paid_until_ -= to_duration(to_ms(own) / kShare);
  }
  // How far children are ahead of kShare of the line; not at all while its rate is unknown.
  DurationMs ahead_of_share(TimeMs now) const { return paid_until_ - now; }
  // Until all that was begun has left, by the measured rate.
  DurationMs backlog(TimeMs now) const { return std::max(busy_until_ - now, DurationMs::zero()); }

 private:
  // A report may be late by some milliseconds: a shorter stretch says too little.
  static constexpr DurationMs kShortWindow{50};
  static constexpr DurationMs kLongWindow{1'000};
  // Measurements of one line differ by this factor.
  static constexpr double kAlike = 0.8;

  void close_window() {
    const DurationMs length = drained_at_ - from_;
    if (length >= kShortWindow) {
      // The first stretch ends with one channel's report; the others have lost about as much.
      if (bytes_per_ms_ <= 0 && reports_ < most_) gone_ *= static_cast<double>(most_) / reports_;
      measured(gone_ / to_ms(length));
    }
    gone_ = 0;
    reports_ = 0;
    most_ = full_;
  }

  void measured(double sample) {
    if (!(sample > 0)) return;
    const bool together = most_ > 1;
    const bool alike = sample >= bytes_per_ms_ * kAlike;
    if (!together && !alike && drained_at_ - known_at_ < kMemory) return;
    // Another child alone shows the same.
    const bool agreed =
        bytes_per_ms_ > 0 && drained_ != measured_ && alike && sample <= bytes_per_ms_ / kAlike;
    const double before = bytes_per_ms_;
    // What is still to leave was reckoned at the old rate, or not at all.
    const double left = before > 0 ? to_ms(busy_until_ - drained_at_) * before : begun_ - gone_;
    bytes_per_ms_ = before > 0 ? (before + sample) / 2 : sample;
    if (left > 0) busy_until_ = drained_at_ + to_duration(left / bytes_per_ms_);
    known_at_ = drained_at_;
    measured_ = drained_;
    if (together || agreed) shared_until_ = drained_at_ + kMemory;
  }

  int full_ = 0;     // channels that drain without a pause
  int most_ = 0;     // of them at once, since from_
  int reports_ = 0;  // of theirs, since from_
  TimeMs from_{};
  TimeMs drained_at_{};
  PeerHandle drained_;
  double gone_ = 0;   // bytes since from_
  double begun_ = 0;  // bytes of the latest segment, while the rate is unknown
  double bytes_per_ms_ = 0;
  TimeMs known_at_{};
  PeerHandle measured_;  // whose channel showed the rate
  TimeMs shared_until_{};
  TimeMs busy_until_{};
  TimeMs paid_until_{};  // until what was begun has left at kShare of the line
};

}  // namespace hlsmesh

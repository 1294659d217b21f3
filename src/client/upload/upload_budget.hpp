#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "client/clock.hpp"

namespace hlsmesh {

// The limits on what children may have of this viewer's upload: bytes a second on average, and
// bytes in all.
//
// A segment is paid for whole before it is begun. Refused at once, its child loses a round trip and
// asks elsewhere; begun and then slowed down, it would lose the time until its deadline.
class UploadBudget {
 public:
  // Segments are lumps: at a rate that just suffices for one child, its requests come a little
  // early as often as late. Burst allowance, in milliseconds of the rate.
  static constexpr double kAheadMs = 4'000;

  void set(double bytes_per_second, double bytes) {
    bytes_per_ms_ = bytes_per_second / 1'000;
    bytes_ = bytes;
    over_ = used_ >= bytes_;
  }

  // Whether a segment may be sent; if so, it counts. `favoured`: it may use the rate ahead of time
  // as far as that goes, others a quarter as far.
  bool take(TimeMs now, size_t size, bool favoured) {
    const double amount = static_cast<double>(size);
    if (used_ + amount > bytes_) over_ = true;
    const double at = std::max(paid_until_ms_, to_ms(now));
    const double ahead = favoured ? kAheadMs : kAheadMs / 4;
    if (over_ || bytes_per_ms_ <= 0 || at - to_ms(now) > ahead) return false;
    paid_until_ms_ = at + amount / bytes_per_ms_;
    used_ += amount;
    return true;
  }

  // How long the rate keeps take() from succeeding; what is left in all may do so for ever.
  DurationMs wait(TimeMs now, bool favoured) const {
    if (over()) return DurationMs::zero();
    const double ahead = favoured ? kAheadMs : kAheadMs / 4;
    return to_duration(std::max(0.0, paid_until_ms_ - to_ms(now) - ahead));
  }

  // `size` of the bytes that counted were not sent.
  void give_back(size_t size) {
    const double amount = static_cast<double>(size);
    paid_until_ms_ -= amount / bytes_per_ms_;
    used_ -= amount;
  }

  // Whether the site has set a rate.
  bool capped() const { return bytes_per_ms_ < HUGE_VAL; }

  // Nothing will be sent any more, until set() allows more.
  bool over() const { return over_ || bytes_per_ms_ <= 0; }

 private:
  double bytes_per_ms_ = HUGE_VAL;
  double bytes_ = HUGE_VAL;
  double used_ = 0;
  double paid_until_ms_ = 0;
  bool over_ = false;
};

}  // namespace hlsmesh

#pragma once

#include <algorithm>
#include <cstdint>

#include "common/random.hpp"
#include "common/time.hpp"

namespace hlsmesh {

// Jittered exponential delays between attempts to reach the tracker. Attempt n waits a time drawn
// evenly from [b, 2b) with b = 1 s · 2ⁿ, b at most 30 s: the first retry comes after 1–2 s, none
// after more than 60 s, and the clients of a tracker that fell spread their return over half of
// their delay.
class Backoff {
 public:
  static constexpr int64_t kFirstMs = 1'000;
  static constexpr int64_t kLastMs = 30'000;

  DurationMs next(Random& random) {
    const int64_t base = base_ms_;
    base_ms_ = std::min(base_ms_ * 2, kLastMs);
    return jittered(base, random);
  }

  // For a first attempt elsewhere: no growth, but spread like the first retry.
  static DurationMs first(Random& random) { return jittered(kFirstMs, random); }

  // After a rejection: as far from the tracker as it gets, 60–120 s.
  static DurationMs rejected(Random& random) { return jittered(2 * kLastMs, random); }

  void reset() { base_ms_ = kFirstMs; }

 private:
  static DurationMs jittered(int64_t base, Random& random) {
    return DurationMs(base + random.below(static_cast<uint32_t>(base)));
  }

  int64_t base_ms_ = kFirstMs;
};

}  // namespace hlsmesh

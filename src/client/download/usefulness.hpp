#pragma once

#include <algorithm>
#include <cstdint>

#include "client/clock.hpp"

namespace hlsmesh {

// What a parent has been good for since its channel opened. It misses a segment when it was asked
// and did not give it in time, or when it does not have it and the segment comes from the CDN. It
// is useless when it has missed several in a row over some time. A parent that was not needed,
// because another one gave everything or the player wanted nothing, misses nothing.
class Usefulness {
 public:
  // A viewer's first loads after a start or a seek come fast, and a parent that joined at the same
  // moment has nothing yet: one run of loads is no proof, nor is one second.
  static constexpr int32_t kMostMisses = 5;
  static constexpr DurationMs kMissesFor{15'000};

  void got() { misses_ = 0; }
  void missed(TimeMs now) {
    if (misses_++ == 0) missing_since_ = now;
    missed_at_ = now;
  }
  bool useless() const {
    return misses_ >= kMostMisses && missed_at_ - missing_since_ >= kMissesFor;
  }
  // Segments missed since it last gave one.
  int32_t misses() const { return misses_; }

 private:
  int32_t misses_ = 0;
  TimeMs missing_since_{};
  TimeMs missed_at_{};
};

// Whether parents together are too slow: again and again, the CDN had to bring pieces that they
// held.
class Shortage {
 public:
  void late() { late_ += 1; }
  // A segment has come from peers alone.
  void in_time() { late_ = std::max(0.0, late_ - kForgiven); }
  bool lasts() const { return late_ >= most_; }
  // Another parent is being looked for. Where all are short of uplink each change costs everybody
  // something, so each one takes twice as much as the one before.
  void begin_anew() {
    late_ = 0;
    most_ *= 2;
  }

 private:
  // Of a late segment, by one in time.
  static constexpr double kForgiven = 0.5;

  double late_ = 0;
  double most_ = 4;
};

}  // namespace hlsmesh

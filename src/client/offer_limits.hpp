#pragma once

#include <cstddef>
#include <list>

#include "client/clock.hpp"
#include "client/token_bucket.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// How often one remote peer may offer a connection.
//
// A child offers anew when it lost the connection that we still hold, which takes it seconds to
// find out. Whoever offers more often is ignored, so that it uses up nobody else's connections.
class OfferLimits {
 public:
  // Whether an offer of `from` may be answered; if so, it counts.
  bool admit(TimeMs now, const PeerId& from) {
    auto offerer = offerers_.begin();
    while (offerer != offerers_.end() && !(offerer->id == from)) ++offerer;
    if (offerer == offerers_.end()) {
      if (offerers_.size() >= kMostOfferers) offerers_.pop_front();
      offerers_.push_back(Offerer{from});
    } else {
      offerers_.splice(offerers_.end(), offerers_, offerer);
    }
    return offerers_.back().offers.take(now);
  }

 private:
  static constexpr int64_t kBurst = 3;
  static constexpr DurationMs kInterval{10'000};
  // The answers that the engine gives in all (kConnectionBurst and one a second) bound a flood of
  // offers under ever new ids; it must not fill memory.
  static constexpr size_t kMostOfferers = 64;

  struct Offerer {
    PeerId id;
    TokenBucket offers{kBurst, kInterval};
  };
  std::list<Offerer> offerers_;  // the latest to offer is the last
};

// What one peer may signal while a connection lasts. Its offer or answer has 1 to 16 KB; candidates
// have 150 bytes each, one for each pair of a local address and a server: seldom more than 30.
// Beyond that they only fill the page's memory and keep ICE busy with pairs to check.
class SignalAllowance {
 public:
  bool take(size_t bytes) {
    if (count_ >= kMostSignals || bytes > kMostBytes - bytes_) return false;
    count_ += 1;
    bytes_ += bytes;
    return true;
  }

 private:
  static constexpr size_t kMostSignals = 128;
  static constexpr size_t kMostBytes = 64 * 1024;

  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace hlsmesh

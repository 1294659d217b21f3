#pragma once

#include <algorithm>
#include <utility>

#include "client/clock.hpp"
#include "client/inputs.hpp"

namespace hlsmesh {

// How many segments the live playlists of two viewers, or of one viewer from two servers of a CDN,
// may differ by: they are refreshed at different moments.
inline constexpr double kLiveSkew = 3;

// One media playlist of the presentation, as it was when it was last loaded.
//
// A live playlist vouches for its segments only for as long as it moves on. RFC 8216 section 6.2.1
// has a server publish the next segment within 1.5 target durations, and a player that misses it
// looks again after half a one, so a working broadcast moves on for every viewer within 2 to 2.5.
// After 3 the player has stopped refreshing, or the packager has stopped, and nobody here would
// notice if another broadcast began under the same names. A playlist that was never seen without
// EXT-X-ENDLIST does not change, and vouches for ever.
class KnownPlaylist {
 public:
  enum class Change {
    kNone,
    kResumed,  // it moved on after it had stopped vouching: its segments may be another broadcast's
    kRestarted  // it begins anew: another broadcast
  };

  KnownPlaylist(RenditionSignature of, TimeMs now, const PlaylistFacts& facts)
      : rendition(std::move(of)), facts_(facts) {
    if (facts.live) vouch(now);
  }

  const RenditionSignature rendition;

  // Loaded again.
  Change loaded(TimeMs now, const PlaylistFacts& facts) {
    // The newest number of a new broadcast that counts from 0, and the segments of any other, when
    // it is first seen: players look once in a segment.
    constexpr double kMostAtFirst = 9;
    const double back = facts_.newest - facts.newest;
    const double first_back = facts_.first - facts.first;
    const bool fell = was_live() && (back > 0 || first_back > 0);
    const bool vouched = vouches(now);
    // An older state of the same window, from a server that lags. A new broadcast that counts from
    // where the old one did begins with fewer segments than that had.
    const double length = facts.newest - facts.first;
    if (fell && vouched && std::max(back, first_back) <= kLiveSkew && facts.newest > kMostAtFirst &&
        (back <= first_back || length > kMostAtFirst)) {
      return Change::kNone;
    }
    facts_ = facts;
    if (!fell && back == 0) return Change::kNone;
    if (facts.live || (was_live() && !fell)) {
      vouch(now);
    } else {
      until_ = kNever;
    }
    if (fell) return Change::kRestarted;
    return vouched ? Change::kNone : Change::kResumed;
  }

  bool vouches(TimeMs now) const { return now < until_; }
  // Another playlist of the broadcast began anew, so this one is about to: it vouches again when it
  // has moved on.
  void doubt() {
    if (was_live()) until_ = TimeMs{};
  }
  bool was_live() const { return until_ != kNever; }
  double first() const { return facts_.first; }
  double newest() const { return facts_.newest; }

 private:
  void vouch(TimeMs now) {
    until_ = now + to_duration(std::max(facts_.target_duration, 1.0) * 3000) + DurationMs(1);
  }

  PlaylistFacts facts_;
  TimeMs until_ = kNever;
};

}  // namespace hlsmesh

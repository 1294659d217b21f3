#pragma once

#include <array>
#include <list>
#include <optional>

#include "client/clock.hpp"
#include "client/download/wish.hpp"
#include "client/inputs.hpp"

namespace hlsmesh {

// What the player is going to want: the segments ahead of the playhead on the tracks that it
// follows.
//
// It keeps no playlist. The driver is asked for the stretch that the window covers, again whenever
// the playlist was refreshed or the playhead has moved on.
class PrefetchPlan {
 public:
  // The tracks that are worth it; subtitles are a few kilobytes.
  static constexpr std::array<TrackKind, 2> kTracks{TrackKind::kMain, TrackKind::kAudio};

  // The site's own window, in seconds, or kFollowPlayer.
  void set_limit(double seconds) { limit_ = seconds; }
  void set_conditions(const PlayerConditions& conditions) { conditions_ = conditions; }
  // Traffic costs the viewer money, or is to be saved.
  bool is_costly() const { return conditions_.save_data || conditions_.metered; }
  // Another device plays.
  bool is_remote() const { return conditions_.remote; }
  // Seconds from the playhead, of what may be asked for now; 0: nothing.
  double window() const;
  // How far beyond the window a segment of that duration may begin. Where the window is the
  // player's own, peers have a segment and a half more to bring what it is going to ask for.
  double beyond(double duration) const { return limit_ < 0 ? duration * 1.5 : 0; }
  double max_buffer() const { return conditions_.max_buffer; }
  // Whether a segment of the track is listed that begins at `seconds` or later.
  bool goes_on(TrackKind kind, double seconds) const;

  // -1: the track is not followed any more.
  void follow(TrackKind kind, int32_t rendition_index);
  int32_t followed(TrackKind kind) const {
    return tracks_[kind == TrackKind::kAudio ? 1 : 0].rendition;
  }
  void clear();
  // What is listed is out of date.
  void relist();

  // The stretch of the track that has to be listed anew for a playhead at `seconds`; what was
  // listed is forgotten then. nullopt while the list is good.
  std::optional<MediaSpan> take_unlisted(TrackKind kind, double seconds);
  // One listed segment. Ignored when the track follows another rendition.
  void list(Wish wish);
  // The last listed one of the track; nullptr: none is.
  const Segment* last(TrackKind kind) const;
  // All tracks together, by their start.
  std::list<Wish>& segments() { return segments_; }

 private:
  struct Track {
    int32_t rendition = -1;
    std::optional<double> listed_at;  // where the playhead was
  };

  void forget(TrackKind kind);
  Track& track(TrackKind kind) { return tracks_[kind == TrackKind::kAudio ? 1 : 0]; }

  double limit_ = kFollowPlayer;
  PlayerConditions conditions_;
  std::array<Track, kTracks.size()> tracks_;
  std::list<Wish> segments_;
  double longest_ = 0;  // of the segments listed so far, in seconds
};

}  // namespace hlsmesh

#pragma once

#include <optional>
#include <string>

#include "client/clock.hpp"
#include "client/download/shelf.hpp"
#include "client/download/wish.hpp"
#include "client/inputs.hpp"
#include "client/player/playhead.hpp"
#include "client/player/prefetch_plan.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// The player as it reports itself: what it plays, under which conditions, and what it is going to
// want.
class Player {
 public:
  Player(ChannelRenditions& renditions, Shelf& shelf) : renditions_(renditions), shelf_(shelf) {}

  const Playhead& playhead() const { return playhead_; }
  PrefetchPlan& plan() { return plan_; }
  const PrefetchPlan& plan() const { return plan_; }

  void clear_renditions(std::string source);
  // Another presentation begins: what was planned, and what was live, belongs to the one before.
  void on_presentation();
  void on_playhead(TimeMs now, const PlayheadReport& report);
  // It loads a segment now, or has got one.
  void on_load(TimeMs now, const Segment& segment);
  void on_active(TimeMs now);

  // What the driver says, and the tracker, which counts where the driver has said nothing.
  void set_live(bool live);
  void set_live_by_tracker(std::optional<bool> live);
  std::optional<bool> live() const { return live_; }
  bool is_live() const { return live_.value_or(tracker_live_.value_or(false)); }

  // From when on it will be idle, unless something happens; kNever while it plays.
  TimeMs idle_at() const;

  // The wish for what it names. One without identity is not shareable.
  Wish wish_for(SegmentLoad&& what) const;
  // The wish for a segment that a live playlist of ours is going to list next, as peers say;
  // nullopt if it is none.
  std::optional<Wish> wish_for_next(TimeMs now, const SegmentKey& key) const;
  // A parent that holds a newer segment watches another broadcast than we do. -1 while our own
  // playlists vouch for nothing.
  double newest_believable(TimeMs now) const;

 private:
  void tell_shelf();

  ChannelRenditions& renditions_;
  Shelf& shelf_;
  Playhead playhead_;
  PrefetchPlan plan_;
  std::optional<bool> live_;
  std::optional<bool> tracker_live_;
  TimeMs active_at_{};  // when it last played or loaded
  DurationMs pace_{};   // within which a player that goes on loads the next segment
};

}  // namespace hlsmesh

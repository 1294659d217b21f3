#include "client/player/prefetch_plan.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace hlsmesh {
namespace {

// A list is asked for again when the playhead is this far from where it was, in seconds: less than
// a segment of most streams, so that the end of the window is never long unknown.
constexpr double kListStep = 2;

}  // namespace

double PrefetchPlan::window() const {
  // What nobody watches, and what costs the viewer, is fetched when the player cannot do without.
  if (!conditions_.loads || conditions_.hidden || is_costly()) return 0;
  return limit_ < 0 ? conditions_.max_buffer : limit_;
}

bool PrefetchPlan::goes_on(TrackKind kind, double seconds) const {
  constexpr double kOverlap = 0.1;  // of segments whose times are rounded
  return std::any_of(segments_.begin(), segments_.end(), [&](const Wish& wish) {
    return wish.kind == kind && wish.segment.span.start >= seconds - kOverlap;
  });
}

const Segment* PrefetchPlan::last(TrackKind kind) const {
  const Segment* last = nullptr;
  for (const Wish& wish : segments_) {
    if (wish.kind == kind) last = &wish.segment;
  }
  return last;
}

void PrefetchPlan::follow(TrackKind kind, int32_t rendition_index) {
  Track& followed = track(kind);
  if (followed.rendition != rendition_index) forget(kind);
  followed = Track{rendition_index, std::nullopt};
}

void PrefetchPlan::relist() {
  segments_.clear();
  for (Track& followed : tracks_) followed.listed_at.reset();
}

void PrefetchPlan::clear() {
  tracks_ = {};
  segments_.clear();
}

std::optional<MediaSpan> PrefetchPlan::take_unlisted(TrackKind kind, double seconds) {
  Track& followed = track(kind);
  if (followed.rendition < 0) return std::nullopt;
  if (followed.listed_at && std::fabs(seconds - *followed.listed_at) < kListStep) {
    return std::nullopt;
  }
  forget(kind);
  followed.listed_at = seconds;
  return MediaSpan{seconds, window() + beyond(longest_) + kListStep};
}

void PrefetchPlan::list(Wish wish) {
  const TrackKind kind = wish.kind;
  if (kind != kTracks[0] && kind != kTracks[1]) return;
  if (!wish.shareable || wish.rendition_index != track(kind).rendition) return;
  longest_ = std::max(longest_, wish.segment.span.duration);
  // Mostly at the end already: a playlist is in order.
  auto place = segments_.end();
  while (place != segments_.begin() &&
         std::prev(place)->segment.span.start > wish.segment.span.start) {
    --place;
  }
  segments_.insert(place, std::move(wish));
}

void PrefetchPlan::forget(TrackKind kind) {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    segment = segment->kind == kind ? segments_.erase(segment) : std::next(segment);
  }
}

}  // namespace hlsmesh

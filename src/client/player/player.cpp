#include "client/player/player.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "media/segment_key.hpp"

namespace hlsmesh {
namespace {

// Who has paused this long ago is not likely to play on at once.
constexpr DurationMs kIdleAfter{10'000};

// The shortest part that peers carry, in seconds: with parts of 1 s and three of them held back,
// peers bring 0.71 to 0.94 of a room's bytes without a stall; with parts of half a second, half of
// them (docs/ARCHITECTURE.md, "Low-latency parts").
constexpr double kLeastPart = 0.9;

}  // namespace

void Player::clear_renditions(std::string source) {
  renditions_.clear(std::move(source));
  plan_.clear();
}

void Player::on_presentation() {
  plan_.clear();
  live_.reset();
  tell_shelf();
}

void Player::on_playhead(TimeMs now, const PlayheadReport& report) {
  playhead_.report(now, report);
  if (playhead_.playing()) on_active(now);
  shelf_.set_playhead(report.current_time);
}

void Player::on_load(TimeMs now, const Segment& segment) {
  pace_ = to_duration(segment.span.duration * 1'500);
  on_active(now);
}

void Player::on_active(TimeMs now) {
  active_at_ = now;
  tell_shelf();
}

void Player::set_live(bool live) {
  live_ = live;
  tell_shelf();
}

void Player::set_live_by_tracker(std::optional<bool> live) {
  tracker_live_ = live;
  tell_shelf();
}

// Paused, with a full buffer, it gets no more.
void Player::tell_shelf() { shelf_.set_live_until(is_live() ? active_at_ + pace_ : TimeMs::min()); }

TimeMs Player::idle_at() const {
  if (plan_.is_remote()) return active_at_;
  return playhead_.playing() ? kNever : active_at_ + std::max(kIdleAfter, pace_);
}

Wish Player::wish_for(SegmentLoad&& what) const {
  Wish wish;
  SegmentFacts facts;
  facts.sn = what.sn;
  facts.url = what.clean_url.empty() ? what.url : what.clean_url;
  facts.playlist_url = renditions_.playlist_url(what.kind, what.rendition_index);
  facts.range = what.range;
  facts.named = what.named;
  facts.part = what.part;
  facts.date_time = what.date_time;
  const RenditionSignature& rendition = renditions_.signature(what.kind, what.rendition_index);
  const KnownPlaylist* const playlist = shelf_.playlist_of(rendition);
  facts.live = playlist != nullptr && playlist->was_live();
  wish.segment.key = make_key(rendition, facts);
  // More than the order of parameters is different.
  wish.secret = facts.url.size() != what.url.size();
  wish.segment.url = std::move(what.url);
  if (!what.range.whole() && !what.named) {
    wish.segment.url += '#';
    wish.segment.url += what.range.to_string();
  }
  wish.segment.range = what.range;
  wish.segment.place = renditions_.place(what.kind, what.rendition_index);
  wish.segment.span = what.span;
  wish.segment.opaque = what.opaque;
  wish.streams = what.streams;
  wish.listed = true;
  wish.kind = what.kind;
  wish.rendition_index = what.rendition_index;
  // A segment that has no identity is the CDN's.
  const SegmentKey& key = wish.segment.key;
  wish.shareable = what.shareable && !key.rendition.empty() && what.sn.value() >= 0;
  // Peers carry parts that are files, and not where the publisher's digests are demanded, which are
  // of segments.
  if (what.part &&
      (what.span.duration < kLeastPart || !what.range.whole() || shelf_.trust.demands(key))) {
    wish.shareable = false;
  }
  return wish;
}

std::optional<Wish> Player::wish_for_next(TimeMs now, const SegmentKey& key) const {
  for (const TrackKind kind : PrefetchPlan::kTracks) {
    const RenditionSignature& rendition = renditions_.signature(kind, plan_.followed(kind));
    if (rendition.empty() || rendition != rendition_of(key)) continue;
    const KnownPlaylist* const known = shelf_.playlist_of(rendition);
    const Segment* const last = plan_.last(kind);
    if (known == nullptr || last == nullptr || !known->was_live() || !known->vouches(now)) continue;
    // Where a range begins, only a playlist says.
    if (!last->range.whole()) continue;
    // Others of the room may load parts where we load segments.
    if (is_part(key) != is_part(last->key)) continue;
    const double ahead = static_cast<double>(key.sn.value()) - known->newest();
    if (!(ahead > 0) || ahead > kLiveSkew) continue;
    Wish wish;
    wish.segment.key = key;
    wish.segment.url = plain_name(key);
    wish.segment.place = last->place;
    wish.segment.opaque = last->opaque;
    wish.segment.span.duration = last->span.duration;
    wish.segment.span.start = last->span.start + ahead * last->span.duration;
    wish.kind = kind;
    wish.rendition_index = plan_.followed(kind);
    wish.shareable = true;
    wish.secret = true;  // its URL is not known
    return wish;
  }
  return std::nullopt;
}

double Player::newest_believable(TimeMs now) const {
  double newest = HUGE_VAL;
  for (const TrackKind kind : PrefetchPlan::kTracks) {
    const KnownPlaylist* const known =
        shelf_.playlist_of(renditions_.signature(kind, plan_.followed(kind)));
    if (known == nullptr) continue;
    if (!known->was_live()) return HUGE_VAL;
    const double own = known->vouches(now) ? known->newest() + kLiveSkew : -1;
    newest = newest == HUGE_VAL ? own : std::max(newest, own);
  }
  return newest;
}

}  // namespace hlsmesh

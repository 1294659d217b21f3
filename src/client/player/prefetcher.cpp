#include "client/player/prefetcher.hpp"

#include <algorithm>
#include <optional>

namespace hlsmesh {
namespace {

// After a LACK to a prefetch, no further prefetch goes to that parent for this long: it lacks more
// of that stretch, or gets it soon. Requests for segments that the player asked for still go to it.
constexpr DurationMs kAfterLack{2'000};

// Segments that come in pieces before the player asks for them, at once: those that it needs first
// are not to share the line with many others.
constexpr size_t kMostAhead = 3;

}  // namespace

// The cache keeps half of its room for what lies behind the playhead, where children look.
void Prefetcher::run(TimeMs now) {
  mesh_.save_line(loads_.in_need(now));
  plan(now);
  mesh_.drop_unwanted(now);
}

void Prefetcher::plan(TimeMs now) {
  PrefetchPlan& plan = player_.plan();
  const std::list<SegmentKey> words = mesh_.take_words();
  const double window = plan.window();
  if (!player_.playhead().playing() || !(window > 0) || downloads_.parents().empty()) return;
  const PlayheadReport& player = player_.playhead().last();
  for (const SegmentKey& key : words) pursue_next(now, key);
  for (const TrackKind kind : PrefetchPlan::kTracks) {
    const std::optional<MediaSpan> unlisted = plan.take_unlisted(kind, player.current_time);
    if (!unlisted) continue;
    Command& command = commands_.push(CommandKind::kListSegments);
    command.code = static_cast<int32_t>(kind);
    command.t0 = unlisted->start;
    command.t1 = unlisted->end();
  }

  std::optional<size_t> ahead;
  for (const Wish& wish : plan.segments()) {
    const Segment& segment = wish.segment;
    const double lasts = segment.span.duration;
    const double until = segment.span.start - player.current_time - window;
    if (until >= plan.beyond(lasts)) return;
    if (segment.span.end() <= player.buffered_end ||
        downloads_.shelf.cache.peek(segment.key) != nullptr ||
        downloads_.shelf.receipts.given(segment.key)) {
      continue;
    }
    const Download* const begun = downloads_.find(segment.key);
    if (begun != nullptr && begun->has_fetch()) continue;
    if (begun == nullptr) {
      if (!ahead) ahead = downloads_.shelf.cache.bytes_ahead();
      *ahead += downloads_.estimates().sizes.expected(segment);
      if (*ahead > downloads_.shelf.cache.budget() / 2) return;
    }
    if (begun != nullptr || mesh_.ahead() < kMostAhead) {
      Need wanted = loads_.need(now, wish, now);
      wanted.ahead = ahead_of(segment, wanted, until);
      if (mesh_.pursue(now, wish, wanted, player_.newest_believable(now)).asked) continue;
    }
    if (begun != nullptr) continue;
    std::list<PeerHandle> busy;
    bool anybody = false;
    for (const Parent* parent : downloads_.parents()) {
      if (now < parent->ahead_after) {
        busy.push_back(parent->peer);
      } else {
        anybody |= parent->requester.idle();
      }
    }
    if (!anybody) return;
    Need needed = loads_.need(now, wish, now);
    needed.ahead = ahead_of(segment, needed, until);
    ask(now, wish, needed, busy);
  }
}

// A neighbor speaks of a segment that our playlist may show soon.
void Prefetcher::pursue_next(TimeMs now, const SegmentKey& key) {
  const std::optional<Wish> wish = player_.wish_for_next(now, key);
  if (!wish || downloads_.shelf.cache.peek(key) != nullptr ||
      downloads_.shelf.receipts.given(key)) {
    return;
  }
  // Of two names for one segment one is false; parts have one each.
  const bool other = !is_part(key) && downloads_.any([&](const Segment& segment) {
    return segment.key.sn == key.sn && rendition_of(segment.key) == rendition_of(key) &&
           !(segment.key == key);
  });
  if (other) return;
  const DurationMs lasts = to_duration(wish->segment.span.duration * 1'000);
  Need wanted = loads_.need(now, *wish, now);
  wanted.ahead = lasts;
  mesh_.pursue(now, *wish, wanted, player_.newest_believable(now), lasts * 3);
}

// The player asks when its buffer has room, and the CDN brings what lies before.
DurationMs Prefetcher::ahead_of(const Segment& segment, const Need& need, double until) const {
  const double before = (segment.span.start - player_.playhead().last().buffered_end) /
                        std::max(segment.span.duration, 0.1);
  return std::max(
      {DurationMs::zero(), to_duration(until * 1'000), to_duration(before * to_ms(need.cdn_time))});
}

void Prefetcher::ask(TimeMs now, const Wish& wish, const Need& needed,
                     const std::list<PeerHandle>& tried) {
  const Decision decision =
      decide(needed, downloads_.candidates(now, wish, tried, player_.newest_believable(now)),
             DurationMs::zero());
  if (decision.kind != Decision::Kind::kAsk) return;
  Parent& parent = *downloads_.parent(decision.peer);
  parent.ahead_after = now + kAfterLack;
  downloads_.ask(now, parent, wish, std::nullopt);
}

// A player asks again after a pause, of a second in hls.js. A parent that has brought the segment
// by then has cost no time, and the CDN, which may be well again, is asked as without us.
void Prefetcher::ask_before_retry(TimeMs now, const Wish& wish) {
  constexpr DurationMs kPause{1'000};
  const SegmentKey& key = wish.segment.key;
  if (downloads_.find(key) != nullptr || downloads_.shelf.receipts.given(key)) return;
  Need needed = loads_.need(now, wish, now);
  needed.ahead = kPause;
  ask(now, wish, needed, {});
}

}  // namespace hlsmesh

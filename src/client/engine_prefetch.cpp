// Segments that peers are asked for before the player wants them. Never the CDN: what no peer has
// is fetched when the player asks, as it would be without us.

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

// After a LACK to a prefetch, no further prefetch goes to that parent for this long: it lacks more
// of that stretch, or gets it soon. Requests for segments that the player asked for still go to it.
constexpr DurationMs kAfterLack{2'000};

}  // namespace

void Engine::Impl::set_prefetch(double seconds) { plan_.set_limit(seconds); }

void Engine::Impl::on_conditions(TimeMs now, const PlayerConditions& conditions) {
  plan_.set_conditions(conditions);
  if (!may_upload()) end_children(now);  // before any of them is sent more
  if (conditions.parts) {
    if (!parts_ && *conditions.parts) commands_.event(EventCode::kPartsOnly);
    parts_ = *conditions.parts;
    set_idle(now, parts_ && now >= whole_until_);
  }
}

void Engine::Impl::on_playlist(TrackKind kind, int32_t rendition_index) {
  if (kind != TrackKind::kSubtitle) plan_.follow(kind, rendition_index);
}

void Engine::Impl::list_segment(SegmentLoad what) {
  plan_.list(make_load(LoadId(), std::move(what)));
}

// The earliest missing segments, one of each idle parent. The cache keeps half of its room for what
// lies behind the playhead, where children look.
void Engine::Impl::prefetch(TimeMs now) {
  const double window = plan_.window();
  if (!active() || !playhead_.playing() || !(window > 0) || open_parents() == 0) return;
  const PlayheadReport& player = playhead_.last();
  for (const TrackKind kind : PrefetchPlan::kTracks) {
    const std::optional<MediaSpan> unlisted = plan_.take_unlisted(kind, player.current_time);
    if (!unlisted) continue;
    Command& command = commands_.push(CommandKind::kListSegments);
    command.code = static_cast<int32_t>(kind);
    command.t0 = unlisted->start;
    command.t1 = unlisted->end();
  }

  size_t ahead = cache_.bytes_ahead();
  for (Load& load : plan_.segments()) {
    const Segment& segment = load.segment;
    const double lasts = segment.span.duration;
    const double until = segment.span.start - player.current_time - window;
    if (until >= plan_.beyond(lasts)) return;
    if (segment.span.end() <= player.buffered_end || cache_.peek(segment.key) != nullptr ||
        under_way(segment.key) || receipts_.given(segment.key)) {
      continue;
    }
    const bool anybody = std::any_of(peers_.begin(), peers_.end(), [now](const auto& entry) {
      const PeerSession& peer = entry.second;
      return peer.open && peer.requester && peer.requester->idle() && now >= peer.ahead_after;
    });
    if (!anybody) return;
    ahead += sizes_.expected(segment);
    if (ahead > cache_.budget() / 2) return;
    load.began_at = now;
    load.tried.clear();
    for (const auto& [handle, peer] : peers_) {
      if (now < peer.ahead_after) load.tried.push_back(handle);
    }
    Need needed = need(now, load);
    // The player asks when its buffer has room, and the CDN brings what lies before.
    const double before = (segment.span.start - player.buffered_end) / std::max(lasts, 0.1);
    needed.ahead = std::max({DurationMs::zero(), to_duration(until * 1'000),
                             to_duration(before * to_ms(needed.cdn_time))});
    ask_ahead(now, load, needed);
  }
}

void Engine::Impl::ask_ahead(TimeMs now, const Load& load, const Need& needed) {
  const Decision decision = decide(needed, candidates(now, load), DurationMs::zero());
  if (decision.kind != Decision::Kind::kAsk) return;
  PeerSession& peer = *find_peer(decision.peer);
  peer.ahead_after = now + kAfterLack;
  peer.channel.send(now, peer.requester->ask(now, load.segment, std::nullopt, peer.level >= 1));
}

// A player asks again after a pause, of a second in hls.js. A parent that has brought the segment
// by then has cost no time, and the CDN, which may be well again, is asked as without us.
void Engine::Impl::ask_before_retry(TimeMs now, Load& load) {
  constexpr DurationMs kPause{1'000};
  const SegmentKey& key = load.segment.key;
  if (!active() || under_way(key) || receipts_.given(key)) return;
  load.began_at = now;
  load.tried.clear();
  Need needed = need(now, load);
  needed.ahead = kPause;
  ask_ahead(now, load, needed);
}

bool Engine::Impl::under_way(const SegmentKey& key) const {
  const auto is_it = [&key](const Segment& segment) { return segment.key == key; };
  return std::any_of(loads_.begin(), loads_.end(),
                     [&](const auto& entry) { return is_it(entry.second.segment); }) ||
         std::any_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
           return entry.second.requester && entry.second.requester->brings(is_it);
         });
}

}  // namespace hlsmesh

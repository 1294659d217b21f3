// What the player and its fetches report.

#include <utility>

#include "client/engine.hpp"

namespace hlsmesh {
namespace {

// How long a segment, or a part that peers carry, lets us expect further ones, where the player
// loads parts. Longer than any segment, so that the session does not come and go with each.
constexpr DurationMs kAfterShared{60'000};

}  // namespace

void Engine::clear_renditions(std::string source) {
  player_.clear_renditions(std::move(source));
  downloads_.estimates().sizes.clear();
}

void Engine::add_rendition(RenditionFacts facts) { renditions_.add(std::move(facts)); }

void Engine::set_live(bool live) { player_.set_live(live); }

void Engine::on_presentation(TimeMs now) {
  const Gate gate(*this, now);
  downloads_.shelf.forget_playlists();
  downloads_.shelf.trust.forget();
  downloads_.estimates().sizes.clear();
  player_.on_presentation();
  verdicts_.forget();
  forget({});
}

void Engine::on_playlist_loaded(TimeMs now, TrackKind kind, int32_t rendition_index,
                                const PlaylistFacts& facts) {
  const Gate gate(*this, now);
  const RenditionSignature& rendition = renditions_.signature(kind, rendition_index);
  if (rendition.empty()) return;
  switch (downloads_.shelf.on_playlist(now, rendition, facts)) {
    case KnownPlaylist::Change::kNone:
      break;
    case KnownPlaylist::Change::kResumed:
      forget(rendition);
      break;
    case KnownPlaylist::Change::kRestarted:
      downloads_.estimates().sizes.clear();
      downloads_.shelf.trust.forget();
      forget({});
      break;
  }
  downloads_.shelf.trust.on_playlist(now, kind, rendition_index, rendition, facts);
}

void Engine::on_digests(TimeMs now, TrackKind kind, int32_t rendition_index,
                        std::string_view text) {
  const Gate gate(*this, now);
  if (!downloads_.shelf.trust.on_file(now, kind, rendition_index, text)) return;
  downloads_.shelf.on_digests(now);
  mesh_.on_digests(now);
}

void Engine::on_no_digests(TimeMs now, TrackKind kind, int32_t rendition_index) {
  const Gate gate(*this, now);
  downloads_.shelf.trust.on_no_file(now, kind, rendition_index);
}

void Engine::forget(std::string_view rendition) {
  const bool tell = downloads_.shelf.forget(rendition);
  downloads_.shelf.checks.forget();
  player_.plan().relist();
  downloads_.forget(rendition);
  mesh_.forget(now_, rendition);
  loads_.forget(now_, rendition);
  if (tell) peers_.tell_current(now_);
}

void Engine::on_playhead(TimeMs now, const PlayheadReport& report) {
  const Gate gate(*this, now);
  player_.on_playhead(now, report);
  reports_.on_playing(now, player_.playhead().playing());
  loads_.review_all(now);
}

void Engine::on_playback(TimeMs now, const PlaybackReport& report) {
  const Gate gate(*this, now);
  stay_quiet();
  reports_.on_playback(report);
}

void Engine::on_conditions(TimeMs now, const PlayerConditions& conditions) {
  const Gate gate(*this, now);
  player_.plan().set_conditions(conditions);
  follow_upload();
  peers_.set_local_denied(conditions.local_denied);
  dialling_.set_remote(conditions.remote);
  const bool was_present = present();
  shown_ = shown_ || conditions.shown;
  follow_presence(was_present);
  if (!conditions.parts) return;
  if (!*conditions.parts) parts_told_ = false;
  parts_ = *conditions.parts;
  set_idle(parts_ && now >= shared_until_);
}

void Engine::on_playlist(TimeMs now, TrackKind kind, int32_t rendition_index) {
  const Gate gate(*this, now);
  if (kind != TrackKind::kSubtitle) player_.plan().follow(kind, rendition_index);
}

void Engine::list_segment(TimeMs now, SegmentLoad what) {
  const Gate gate(*this, now);
  player_.plan().list(player_.wish_for(std::move(what)));
}

FetchId Engine::on_load(TimeMs now, LoadId load, SegmentLoad what) {
  const Gate gate(*this, now);
  const bool at_cdn = what.from_cdn;
  const bool part = what.part;
  const bool shareable = what.shareable && what.kind != TrackKind::kSubtitle;
  Wish wish = player_.wish_for(std::move(what));
  if (part && !wish.shareable) {
    // The last part of a segment may be short.
    if (!parts_told_ && now >= shared_until_) {
      parts_told_ = true;
      commands_.event(EventCode::kPartsOnly);
    }
  } else if (shareable) {
    shared_until_ = now + kAfterShared;
    set_idle(false);
  }
  player_.on_load(now, wish.segment);
  if (player_.is_live()) mesh_.on_listed(now, wish.segment.key);
  const FetchId fetch = loads_.begin(now, load, std::move(wish), at_cdn);
  reports_.tell_idle(now, is_idle());
  return fetch;
}

void Engine::on_load_aborted(TimeMs now, LoadId load) {
  const Gate gate(*this, now);
  loads_.abort(now, load);
}

bool Engine::on_verdict(TimeMs now, LoadId load, double seconds) {
  const Gate gate(*this, now);
  if (seconds < 0) ++stats_.wrong;
  if (loads_.refuse(load, seconds < 0)) return false;
  bool peers_fault = false;
  verdicts_.judge(load, seconds, [&](const PeerId& giver, bool alone) {
    peers_fault = true;
    // Of several, who it was is not known yet.
    if (!alone) return mesh_.suspect(now);
    distrust(now, giver, "a segment that the player refused");
  });
  return peers_fault;
}

void Engine::distrust(TimeMs now, const PeerId& giver, const char* what) {
  verdicts_.distrust(giver);
  if (PeerSession* session = peers_.table().find(giver)) {
    peers_.misbehaved(now, *session, FallbackReason::kWrongSegment, what);
  }
  loads_.distrust(now, giver);
}

void Engine::end_check(TimeMs now, FetchId fetch) {
  const auto finding = downloads_.shelf.checks.on_end(now, fetch);
  if (!finding) return;
  loads_.fetch_instead(now, finding->segment);
  if (finding->liar != PeerId())
    distrust(now, finding->liar, "a segment that the CDN has otherwise");
}

void Engine::on_fetch_bytes(TimeMs now, FetchId fetch, size_t size) {
  const Gate gate(*this, now);
  // Before a segment that is whole leaves its download.
  const SegmentPtr body = loads_.on_fetch_bytes(now, fetch, size);
  if (body == nullptr) return stay_quiet();
  peers_.pass_on(now, body);
  if (!body->complete()) stay_quiet();
}

void Engine::on_fetch_done(TimeMs now, FetchId fetch, size_t size, double first_byte_ms,
                           double body_ms) {
  const Gate gate(*this, now);
  end_check(now, fetch);
  if (loads_.on_fetch_done(now, fetch, size, first_byte_ms, body_ms)) player_.on_active(now);
}

void Engine::on_fetch_failed(TimeMs now, FetchId fetch) {
  const Gate gate(*this, now);
  end_check(now, fetch);
  Load* const failed = loads_.on_fetch_failed(now, fetch);
  if (failed == nullptr) return;
  if (failed->wish.shareable && active()) prefetcher_.ask_before_retry(now, failed->wish);
  loads_.end(*failed);
}

}  // namespace hlsmesh

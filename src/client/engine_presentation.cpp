// Presentations: one life of one source. What is cached, asked for and told to peers belongs to the
// presentation in which that happened, because the next one may use the same names and numbers for
// other media.

#include <algorithm>
#include <cmath>

#include "client/engine_impl.hpp"

namespace hlsmesh {

void Engine::Impl::on_presentation(TimeMs now) {
  playlists_.clear();
  sizes_.clear();
  plan_.clear();
  live_.reset();
  usual_share_ = 1;
  shares_seen_ = 0;
  forget(now, {});
}

KnownPlaylist* Engine::Impl::playlist_of(std::string_view rendition) {
  for (KnownPlaylist& known : playlists_) {
    if (known.rendition == rendition) return &known;
  }
  return nullptr;
}

void Engine::Impl::on_playlist_loaded(TimeMs now, TrackKind kind, int32_t rendition_index,
                                      const PlaylistFacts& facts) {
  const RenditionSignature& rendition = renditions_.signature(kind, rendition_index);
  if (rendition.empty()) return;
  KnownPlaylist* const known = playlist_of(rendition);
  if (known == nullptr) {
    playlists_.emplace_back(rendition, now, facts);
    return;
  }
  switch (known->loaded(now, facts)) {
    case KnownPlaylist::Change::kNone:
      // What left the window is nobody's any more.
      if (known->was_live()) cache_.drop(rendition, known->first());
      break;
    case KnownPlaylist::Change::kResumed:
      forget(now, rendition);
      break;
    case KnownPlaylist::Change::kRestarted:
      for (KnownPlaylist& other : playlists_) {
        if (&other != known) other.doubt();
      }
      sizes_.clear();
      forget(now, {});
      break;
  }
}

void Engine::Impl::forget(TimeMs now, std::string_view rendition) {
  told_ |= cache_.segment_count() > 0;
  cache_.drop(rendition, HUGE_VAL);
  if (rendition.empty()) receipts_.clear();
  plan_.relist();
  for (auto& [handle, peer] : peers_) {
    if (peer.requester) peer.requester->forget(rendition);
  }
  for (auto& [id, load] : loads_) {
    if (!is_of(load.segment.key, rendition)) continue;
    load.shareable = false;
    load.fetched = nullptr;
    if (load.state != Load::State::kAtCdn) go_to_cdn(now, load);
  }
  retell_ = told_;
  if (told_) tell_current(now);
}

bool Engine::Impl::shares(TimeMs now, const SegmentKey& key) {
  const KnownPlaylist* const known = playlist_of(rendition_of(key));
  return known == nullptr || known->vouches(now);
}

MediaSequence Engine::Impl::newest(TimeMs now) {
  return cache_.newest([&](const SegmentKey& key) { return shares(now, key); });
}

std::optional<MediaSequence> Engine::Impl::own_current(TimeMs now) {
  const MediaSequence shared = newest(now);
  told_ |= shared.value() >= 0;
  return told_ ? std::optional(shared) : std::nullopt;
}

void Engine::Impl::say_current(TimeMs now, PeerSession& peer, peer::Event event) {
  peer::Fields message;
  message.event = event;
  message.current = own_current(now);
  message.hlsmesh = peer::kExtensionLevel;
  peer.channel.send(now, message);
}

void Engine::Impl::tell_current(TimeMs now) {
  for (auto& [handle, peer] : peers_) {
    if (peer.open) say_current(now, peer, peer::Event::kKeepAlive);
  }
}

double Engine::Impl::newest_believable(TimeMs now) {
  double newest = HUGE_VAL;
  for (const TrackKind kind : PrefetchPlan::kTracks) {
    const KnownPlaylist* const known =
        playlist_of(renditions_.signature(kind, plan_.followed(kind)));
    if (known == nullptr) continue;
    if (!known->was_live()) return HUGE_VAL;
    const double own = known->vouches(now) ? known->newest() + kLiveSkew : -1;
    newest = newest == HUGE_VAL ? own : std::max(newest, own);
  }
  return newest;
}

}  // namespace hlsmesh

#include "client/download/shelf.hpp"

#include <algorithm>
#include <cmath>

#include "media/segment_key.hpp"

namespace hlsmesh {

SegmentPtr Shelf::held(const peer::Fields& request) {
  if (!request.rendition) return cache.find_by_wire_name(request.url, *request.sn);
  return cache.peek(*request.sn,
                    [&](const Segment& each) { return is_asked(each, *request.rendition); });
}

SegmentPtr Shelf::find(TimeMs now, const peer::Fields& request) {
  const SegmentPtr found = held(request);
  if (!found || receipts.refused(found->segment().key) || !trust.admits(*found)) return nullptr;
  const SegmentKey& key = found->segment().key;
  return shares(now, key) && vouches(now, key) ? found : nullptr;
}

bool Shelf::awaits_proof(TimeMs now, const peer::Fields& request) {
  const SegmentPtr found = held(request);
  if (!found) return false;
  if (trust.admits(*found)) return !vouches(now, found->segment().key);
  return trust.has_hope(now, found->segment());
}

bool Shelf::vouches(TimeMs now, const SegmentKey& key) {
  const Receipt* const receipt = receipts.find(key);
  if (receipt == nullptr || trust.demands(key)) return true;
  return std::all_of(receipt->gifts.begin(), receipt->gifts.end(),
                     [&](const Gift& gift) { return checks.vouches(now, gift.giver); });
}

bool Shelf::is_meant(TimeMs now, const peer::Fields& request, const Segment& segment) {
  return segment.key.sn == request.sn &&
         (request.rendition ? is_asked(segment, *request.rendition) : segment.url == request.url) &&
         shares(now, segment.key);
}

bool Shelf::is_next(TimeMs now, const peer::Fields& request) {
  const MediaSequence had = newest(now);
  const auto ahead = static_cast<double>(request.sn->value() - had.value());
  const bool part = request.rendition && is_part(key_of(*request.rendition, *request.sn));
  return now <= live_until_ && had.value() >= 0 && ahead >= (part ? 0 : 1) && ahead <= kLiveSkew;
}

bool Shelf::shares(TimeMs now, const SegmentKey& key) const {
  const KnownPlaylist* const known = playlist_of(rendition_of(key));
  return known == nullptr || known->vouches(now);
}

MediaSequence Shelf::newest(TimeMs now) {
  return cache.newest([&](const SegmentKey& key) { return shares(now, key); });
}

void Shelf::on_digests(TimeMs now) {
  std::list<SegmentKey> refuted;
  cache.for_each_complete([&](const SegmentPtr& body) {
    if (trust.prove(now, *body) == Trust::Proof::kRefuted) {
      refuted.push_back(body->segment().key);
    }
  });
  for (const SegmentKey& key : refuted) cache.drop(key);
}

std::optional<MediaSequence> Shelf::current(TimeMs now) {
  const MediaSequence shared = newest(now);
  told_ |= shared.value() >= 0;
  return told_ ? std::optional(shared) : std::nullopt;
}

bool Shelf::has_again(TimeMs now) {
  if (!retell_ || newest(now).value() < 0) return false;
  retell_ = false;
  return true;
}

const KnownPlaylist* Shelf::playlist_of(std::string_view rendition) const {
  for (const KnownPlaylist& known : playlists_) {
    if (known.rendition == rendition) return &known;
  }
  return nullptr;
}

KnownPlaylist::Change Shelf::on_playlist(TimeMs now, const RenditionSignature& rendition,
                                         const PlaylistFacts& facts) {
  auto* const known = const_cast<KnownPlaylist*>(playlist_of(rendition));
  if (known == nullptr) {
    playlists_.emplace_back(rendition, now, facts);
    return KnownPlaylist::Change::kNone;
  }
  const KnownPlaylist::Change change = known->loaded(now, facts);
  if (change == KnownPlaylist::Change::kRestarted) {
    for (KnownPlaylist& other : playlists_) {
      if (&other != known) other.doubt();
    }
  } else if (change == KnownPlaylist::Change::kNone && known->was_live()) {
    // What left the window is nobody's any more.
    cache.drop(rendition, known->first());
  }
  return change;
}

bool Shelf::forget(std::string_view rendition) {
  told_ |= cache.segment_count() > 0;
  cache.drop(rendition, HUGE_VAL);
  if (rendition.empty()) receipts.clear();
  retell_ = told_;
  return told_;
}

}  // namespace hlsmesh

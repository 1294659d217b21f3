#pragma once

#include <list>
#include <optional>
#include <string_view>

#include "cache/segment_cache.hpp"
#include "client/download/known_playlist.hpp"
#include "client/download/receipts.hpp"
#include "client/download/spot_checks.hpp"
#include "client/download/trust.hpp"
#include "client/inputs.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// What we hold of the presentation, and what of it other viewers may have: complete segments whose
// playlist vouches for them and which the player has not refused.
class Shelf {
 public:
  Shelf(CommandQueue& commands, EngineStats& stats, size_t cache_bytes)
      : trust(commands), checks(commands, stats), cache(cache_bytes) {}

  Trust trust;
  SpotChecks checks;
  SegmentCache cache;
  Receipts receipts;

  // The playhead in seconds, 0 before its first report: the cache keeps what lies around it.
  double playhead() const { return playhead_; }
  void set_playhead(double seconds) {
    playhead_ = seconds;
    cache.set_playhead(seconds);
  }

  // --- what children may have
  // The complete segment that a REQUEST means, or nullptr.
  SegmentPtr find(TimeMs now, const peer::Fields& request);
  // Whether such a segment is here, and children may have it once its digest is known, or those who
  // gave it are.
  bool awaits_proof(TimeMs now, const peer::Fields& request);
  // Whether who gave the segment has been found honest, or cannot be.
  bool vouches(TimeMs now, const SegmentKey& key);
  // Whether the REQUEST means the segment, and children may have it once it is here.
  bool is_meant(TimeMs now, const peer::Fields& request, const Segment& segment);
  // Whether the REQUEST is for a segment that a live playlist is going to list within seconds, and
  // the player then to load.
  bool is_next(TimeMs now, const peer::Fields& request);
  // Until when a live player is going to load the next segment; TimeMs::min(): it is not.
  void set_live_until(TimeMs until) { live_until_ = until; }
  // The newest that find() could find, -1 when there is none.
  MediaSequence newest(TimeMs now);

  // The publisher's digests of a rendition have come: what is here is compared with them, and what
  // has others is let go of.
  void on_digests(TimeMs now);

  // --- what peers are told of it
  // The wire's `current`; nullopt before there was anything to tell.
  std::optional<MediaSequence> current(TimeMs now);
  // Peers were told that nothing is here any more, and now something is: true once.
  bool has_again(TimeMs now);

  // --- playlists of this presentation
  // One was loaded, for the first time or again.
  KnownPlaylist::Change on_playlist(TimeMs now, const RenditionSignature& rendition,
                                    const PlaylistFacts& facts);
  // nullptr before its first load.
  const KnownPlaylist* playlist_of(std::string_view rendition) const;
  // Another presentation begins: no playlist is known.
  void forget_playlists() { playlists_.clear(); }

  // Lets go of the rendition's segments, or of all if it is empty. True if peers may have heard of
  // any, and must be told.
  bool forget(std::string_view rendition);

 private:
  bool shares(TimeMs now, const SegmentKey& key) const;
  // The complete segment that a REQUEST means, whoever may have it; or nullptr.
  SegmentPtr held(const peer::Fields& request);

  std::list<KnownPlaylist> playlists_;
  double playhead_ = 0;
  TimeMs live_until_ = TimeMs::min();
  bool told_ = false;    // peers may have heard of a segment in the cache
  bool retell_ = false;  // they were told that there is none, and are to hear when that ends
};

}  // namespace hlsmesh

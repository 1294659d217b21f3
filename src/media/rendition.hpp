#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "media/segment.hpp"

namespace hlsmesh {

enum class TrackKind : int32_t { kMain = 0, kAudio = 1, kSubtitle = 2 };

// The facts a multivariant playlist gives about one rendition. Zero or empty where it says nothing.
struct RenditionFacts {
  TrackKind kind = TrackKind::kMain;
  int32_t index = 0;  // the player's index of this rendition among its kind
  int32_t bitrate = 0;
  int32_t width = 0;
  int32_t height = 0;
  std::string codecs;
  std::string name;
  std::string language;
  std::string playlist_url;  // absolute, of its media playlist
};

// Everything but `index` and `playlist_url`: indices change when levels are removed, URLs between
// hosts. Redundant streams (RFC 8216 section 6.2.4) carry the same attributes and so share a
// signature, as they should. Two renditions of one channel with equal attributes but unlike
// playlists (alternate angles) are told apart by the path of the playlist relative to the
// multivariant playlist; ChannelRenditions adds it only where it is needed.
RenditionSignature make_signature(const RenditionFacts& facts);

// All renditions of the channel that is playing.
class ChannelRenditions {
 public:
  void clear();
  void add(RenditionFacts facts);

  // The signature of the player's rendition (kind, index); empty if it was never added.
  const RenditionSignature& signature(TrackKind kind, int32_t index) const;

  // Whether `url`, spelt relative to one rendition's playlist, names the same resource in every
  // rendition, so that a version-1 peer, which may key its cache by `url` alone, cannot confuse two
  // segments (protocol section 1). True for an absolute URL or path, and for any spelling when all
  // media playlists share one directory (host and query apart).
  bool url_is_unique(std::string_view url) const;

 private:
  std::map<std::pair<TrackKind, int32_t>, RenditionSignature> signatures_;
  std::string directory_;
  bool one_directory_ = true;
};

}  // namespace hlsmesh

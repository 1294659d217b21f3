#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

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
// signature, as they should.
//
// Facts that differ give signatures that differ. Printable ASCII without quotes, backslashes or
// spaces, so that it survives JSON unchanged, and at most 400 bytes: of a longer text field only a
// 64-bit hash is kept.
RenditionSignature make_signature(const RenditionFacts& facts);

// All renditions of the channel that is playing.
//
// Two renditions with equal facts but unlike playlists (alternate angles, one language in several
// audio groups) are told apart by what viewers share whatever host, path prefix or token they were
// given: the path of the playlist below the deepest directory that holds all playlists with these
// facts. Playlists of one path on unlike hosts are one rendition; playlists of one path on one host
// are told apart by the query parameters that they do not have in common. It is added only where it
// is needed, and therefore every rendition that the multivariant playlist lists must be added, not
// merely those in use: a viewer that knows one of two equal-looking tracks takes either for it.
class ChannelRenditions {
 public:
  void clear();
  // Replaces one added before under the same (kind, index). May change the signatures of others, so
  // add all before asking; in which order makes no difference.
  void add(RenditionFacts facts);

  // The signature of the player's rendition (kind, index); empty if it was never added. Valid until
  // the next call that is not const.
  const RenditionSignature& signature(TrackKind kind, int32_t index) const;
  // Of its media playlist; empty if it was never added. Valid as long.
  std::string_view playlist_url(TrackKind kind, int32_t index) const;

  // Whether `url`, spelt relative to one rendition's playlist, names the same resource in every
  // rendition, so that a version-1 peer, which may key its cache by `url` alone, cannot confuse two
  // segments (protocol section 1). True for an absolute URL or path, and for a relative path when
  // all media playlists share one directory (host and query apart). False when nothing was added,
  // and for an empty path or query alone, which names the playlist itself.
  bool url_is_unique(std::string_view url) const;

 private:
  struct Rendition {
    RenditionFacts facts;
    RenditionSignature base;               // of the facts alone
    mutable RenditionSignature signature;  // good while derived_
  };
  void derive() const;
  const Rendition* find(TrackKind kind, int32_t index) const;

  std::list<Rendition> renditions_;  // a few dozen at most
  // Signatures depend on one another, so they are made when first asked for and not once per add().
  mutable bool derived_ = true;
  RenditionSignature none_;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "media/segment.hpp"

namespace hlsmesh {

enum class TrackKind : int32_t { kMain = 0, kAudio = 1, kSubtitle = 2 };

// What the author wrote of one rendition, in the attributes of its tag.
struct RenditionFacts {
  TrackKind kind = TrackKind::kMain;
  // The player's index of it among its kind. Negative: the multivariant playlist lists it, and the
  // player does not have it, or not now.
  int32_t index = 0;
  int32_t bitrate = 0;  // compared within one playlist, and part of no signature: it is measured
  // CODECS, RESOLUTION, LANGUAGE, GROUP-ID and NAME, with a line feed after each; an empty line
  // where the playlist says nothing.
  std::string attributes;
  std::string stable_id;     // STABLE-VARIANT-ID, STABLE-RENDITION-ID
  std::string playlist_url;  // absolute, of its media playlist, without credentials
};

// All renditions of the channel that is playing.
//
// A signature is made of what the author wrote: the path of the media playlist below the directory
// of the multivariant one, or the stable id, and the attributes; docs/IDENTITY.md says why. Equal
// signatures mean equal renditions, and which others there are changes nothing in one, except for
// what a multivariant playlist lists once for each of several hosts (redundant streams, RFC 8216
// section 6.2.4; the pathways of content steering): those have the signature of the first, if each
// host has one.
//
// Printable ASCII without quotes, backslashes or spaces, so that it survives JSON unchanged, and at
// most 560 bytes: of a longer text only a digest is kept.
class ChannelRenditions {
 public:
  // `source`: the URL that the player was given, of the multivariant playlist or of a media
  // playlist alone, without credentials.
  void clear(std::string source);
  // Replaces one added before under the same (kind, index), if the index is not negative. Add all
  // before asking, and those that are merely listed in the order of the playlist.
  void add(RenditionFacts facts);

  // The signature of the player's rendition (kind, index); empty if it was never added. Valid until
  // the next call that is not const.
  const RenditionSignature& signature(TrackKind kind, int32_t index) const;
  // Of its media playlist; empty if it was never added. Valid as long.
  std::string_view playlist_url(TrackKind kind, int32_t index) const;
  // A digest of that URL without its host. Viewers who came to a rendition by unlike ways, through
  // the multivariant playlist or without it, have it in common.
  const std::string& place(TrackKind kind, int32_t index) const;

  // Whether `url`, spelt relative to one rendition's playlist, names the same resource in every
  // rendition, so that a version-1 peer, which may key its cache by `url` alone, cannot confuse two
  // segments (protocol section 2). True for an absolute URL or path, and for a relative path when
  // all media playlists share one directory (host and query apart). False when nothing was added,
  // and for an empty path or query alone, which names the playlist itself.
  bool url_is_unique(std::string_view url) const;

 private:
  struct Rendition {
    RenditionFacts facts;
    mutable RenditionSignature signature;  // this and `place` are made when first asked for
    mutable std::string place;
  };
  const Rendition* find(TrackKind kind, int32_t index) const;
  const RenditionFacts& first_copy(const RenditionFacts& facts) const;
  RenditionSignature make_signature(const RenditionFacts& facts) const;

  std::string source_;
  std::list<Rendition> renditions_;  // a few dozen at most
  std::string none_;
};

}  // namespace hlsmesh

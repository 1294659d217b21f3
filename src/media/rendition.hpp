#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "media/segment.hpp"

namespace hlsmesh {

enum class TrackKind : int32_t { kMain = 0, kAudio = 1, kSubtitle = 2 };
inline constexpr size_t kTrackKinds = 3;

// One rendition as the attributes of its tag describe it.
struct RenditionFacts {
  TrackKind kind = TrackKind::kMain;
  // The player's index among the renditions of this kind. Negative if the multivariant playlist
  // lists it, but the player does not have it, or not now.
  int32_t index = 0;
  int32_t bitrate = 0;  // compared within one playlist, and part of no signature: it is measured
  // CODECS, RESOLUTION, LANGUAGE, GROUP-ID and NAME, with a line feed after each. The line of a
  // missing attribute is empty.
  std::string attributes;
  std::string stable_id;     // STABLE-VARIANT-ID, STABLE-RENDITION-ID
  std::string playlist_url;  // absolute, of its media playlist, without credentials
};

// All renditions of the channel.
//
// A signature consists of what the author wrote: the path of the media playlist below the directory
// of the multivariant one, or the stable id, and the attributes; docs/IDENTITY.md says why. Equal
// signatures mean equal renditions. A signature does not depend on the other renditions, with one
// exception: if a multivariant playlist lists a rendition once for each of several hosts (redundant
// streams, RFC 8216 section 6.2.4; the pathways of content steering), all of them have the
// signature of the first, provided that each host has one.
//
// A signature is printable ASCII without quotes, backslashes or spaces, so that JSON keeps it
// unchanged, and has at most 560 bytes: a digest replaces a longer text.
class ChannelRenditions {
 public:
  // `source`: the URL that the player was given, without credentials. It is that of the
  // multivariant playlist, or of a media playlist alone.
  void clear(std::string source);
  // Replaces the rendition that was added with the same (kind, index), if the index is not
  // negative. All must be added before the first question, those with a negative index in the order
  // of the playlist.
  void add(RenditionFacts facts);

  // The signature of the player's rendition (kind, index); empty if it was never added. Valid until
  // the next call that is not const.
  const RenditionSignature& signature(TrackKind kind, int32_t index) const;
  // The URL of its media playlist; empty if it was never added. Valid until the next call that is
  // not const.
  std::string_view playlist_url(TrackKind kind, int32_t index) const;
  // A digest of that URL without its host. It is the same for viewers who found the rendition
  // through the multivariant playlist and for those who play the media playlist alone.
  const std::string& place(TrackKind kind, int32_t index) const;

  // Returns true if `url`, relative to one rendition's playlist, names the same resource in every
  // rendition. Then a version-1 peer, which may key its cache by `url` alone, cannot confuse two
  // segments (protocol section 2). True for an absolute URL or path, and for a relative path if all
  // media playlists share one directory (apart from host and query). False if nothing was added,
  // and for an empty path or a query alone, which names the playlist itself.
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

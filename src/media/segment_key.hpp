#pragma once

#include <string>
#include <string_view>

#include "media/segment.hpp"

namespace hlsmesh {

// The facts that distinguish a segment from all others of its rendition.
struct SegmentFacts {
  MediaSequence sn;
  // The URL as the playlist spells it, without credentials, which differ between viewers, and with
  // the query parameters sorted; or, if `named`, the site's own id.
  std::string_view url;
  std::string_view playlist_url;  // absolute, without credentials too
  ByteRange range;
  bool named = false;
  // EXT-X-PROGRAM-DATE-TIME in milliseconds since 1970, its own or computed from another segment's;
  // 0 if the playlist has none.
  double date_time = 0;
  bool live = false;  // its playlist was seen without EXT-X-ENDLIST
  bool part = false;  // a low-latency part of it (EXT-X-PART)
};

// Makes the identity of a segment; docs/IDENTITY.md says why it has these parts. Without a
// signature there is no identity, and the key's rendition is empty.
//
// The parts of the URL that count are the query and the path below the playlist's directory, or the
// whole path if it lies elsewhere. The host does not count, since viewers have different ones.
// Everything but the file name is replaced by digests, and so is a name longer than kMaxNameBytes:
// a viewer's URL must not reach other viewers, and a key must fit into a message.
SegmentKey make_key(const RenditionSignature& rendition, const SegmentFacts& facts);

// Returns true if it is the key of a low-latency part. A site's own id may end like one.
bool is_part(const SegmentKey& key);

// Returns true if who holds segment `newest` as its newest will hardly get that of the key any
// more. All parts of a segment have its number.
inline bool is_behind(const SegmentKey& key, MediaSequence newest) {
  return is_part(key) ? key.sn < newest : key.sn <= newest;
}

// The longest name that is kept as it is. Real file names have a third of this length.
inline constexpr size_t kMaxNameBytes = 120;

// Returns the `url` of a request in which the key names the segment: the file name or id, without
// query, host or directory. Never empty for a key that has a signature.
std::string_view plain_name(const SegmentKey& key);

// Returns the `rendition` of a REQUEST: that of the key, a space, and the place of the rendition.
std::string asking_name(const Segment& segment);

// The key of the segment that such a text means, as its author has it.
SegmentKey key_of(std::string_view asking, MediaSequence sn);

// Returns true if such a text means the segment, apart from its number: it has the same name, and
// the same rendition or one at the same place. A text without a place is compared as it is.
bool is_asked(const Segment& segment, std::string_view asking);

}  // namespace hlsmesh

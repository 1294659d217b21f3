#pragma once

#include <string>
#include <string_view>

#include "media/segment.hpp"

namespace hlsmesh {

// What tells a segment from all others of its rendition.
struct SegmentFacts {
  MediaSequence sn;
  // As its playlist spells it, without credentials, which differ between viewers, and with the
  // parameters of its query in an order that all viewers share; or, if `named`, the site's own id.
  std::string_view url;
  std::string_view playlist_url;  // absolute, without credentials too
  ByteRange range;
  bool named = false;
  // EXT-X-PROGRAM-DATE-TIME in milliseconds of the epoch, its own or reckoned from another
  // segment's; 0 where the playlist has none.
  double date_time = 0;
  bool live = false;  // its playlist was seen without EXT-X-ENDLIST
};

// The identity of a segment; docs/IDENTITY.md says why it is made of these parts. With an empty
// signature there is none, and the key's rendition is empty too.
//
// Of a URL the path below the playlist's directory counts, and the query; of one that lies
// elsewhere the whole path. Hosts do not: viewers have others. All but the file name goes in as
// digests, and a name longer than kMaxNameBytes too: what a viewer's URL says must not travel, and
// a key must fit into a message.
SegmentKey make_key(const RenditionSignature& rendition, const SegmentFacts& facts);

// Longest name that is kept as it is: real file names are a third of it.
inline constexpr size_t kMaxNameBytes = 120;

// What a request says in place of the segment's URL where the key does the naming: its file name or
// id, without query, host or directory. Never empty for a key that has a signature.
std::string_view plain_name(const SegmentKey& key);

// What a REQUEST says in its `rendition`: the key's, a space, and the place of the rendition.
std::string asking_name(const Segment& segment);

// Whether such a text means the segment, apart from its number: the same rendition, or one that
// lies at the same place, and the same name. A text without a place is compared as it is.
bool is_asked(const Segment& segment, std::string_view asking);

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh {

// The signature of a rendition (media/rendition.hpp). Equal text means equal renditions, whatever
// host, token or content-steering pathway a viewer has.
using RenditionSignature = std::string;

// Separates the signature, which never contains it, from the name of the segment. The name is part
// of the key because a number may be used again for other media.
inline constexpr char kNameMark = ' ';

// Bytes [start, end) of a file; all of it when `end` is 0.
struct ByteRange {
  int64_t start = 0;
  int64_t end = 0;

  bool whole() const { return end == 0; }
  // The size that a transfer of it must have; 0 if the range does not tell.
  size_t size() const { return static_cast<size_t>(end - start); }
  // "<start>-<end>"
  std::string to_string() const;
};

// The identity of a segment within a channel. It is neither the raw URL (hosts and tokens differ
// between viewers) nor `sn` alone (renditions share numbers). media/segment_key.hpp makes it.
struct SegmentKey {
  RenditionSignature rendition;
  MediaSequence sn;

  friend bool operator==(const SegmentKey& a, const SegmentKey& b) {
    return a.sn == b.sn && a.rendition == b.rendition;
  }
  friend bool operator<(const SegmentKey& a, const SegmentKey& b) {
    return a.sn != b.sn ? a.sn < b.sn : a.rendition < b.rendition;
  }
};

// The signature in a key.
inline std::string_view rendition_of(const SegmentKey& key) {
  return std::string_view(key.rendition).substr(0, key.rendition.find(kNameMark));
}

// Returns true if it is a segment of the rendition, or if the rendition is empty.
inline bool is_of(const SegmentKey& key, std::string_view rendition) {
  return rendition.empty() || rendition_of(key) == rendition;
}

// The place of a segment on the player's timeline, in seconds.
struct MediaSpan {
  double start = 0;
  double duration = 0;

  double end() const { return start + duration; }
};

// A segment as a playlist lists it.
struct Segment {
  SegmentKey key;
  // Relative, spelt as in the playlist, with `#<start>-<end>` after it for a byte range. A
  // version-1 peer knows the segment by it.
  std::string url;
  MediaSpan span;
  ByteRange range = {};
  std::string place = {};  // of its rendition, see ChannelRenditions; empty where there is none
  bool opaque = false;     // encrypted as a whole: its bytes do not show what they are of

  // Returns true if a body of `bytes` can be this segment.
  bool may_have(size_t size) const { return range.whole() || size == range.size(); }
};

}  // namespace hlsmesh

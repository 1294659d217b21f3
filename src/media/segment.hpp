#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh {

// A rendition's signature: what makes two viewers' renditions the same one whatever host, token or
// content-steering pathway they came from. Equal text means equal renditions; see
// media/rendition.hpp for how it is made.
using RenditionSignature = std::string;

// Between the signature, in which it never stands, and the name of the segment, which is there
// because a number may come again for other media.
inline constexpr char kNameMark = ' ';

// Bytes [start, end) of a file; all of it when `end` is 0.
struct ByteRange {
  int64_t start = 0;
  int64_t end = 0;

  bool whole() const { return end == 0; }
  // What a transfer of it must have; 0 where the range does not tell.
  size_t size() const { return static_cast<size_t>(end - start); }
  // "<start>-<end>"
  std::string to_string() const;
};

// What one cached or transferred thing is, within a channel. Never the raw URL (hosts and tokens
// differ between viewers), never `sn` alone (renditions share numbers). media/segment_key.hpp makes
// it.
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

// Whether it is a segment of the rendition; of any if that is empty.
inline bool is_of(const SegmentKey& key, std::string_view rendition) {
  return rendition.empty() || rendition_of(key) == rendition;
}

// Where a segment lies on the player's timeline, in seconds.
struct MediaSpan {
  double start = 0;
  double duration = 0;

  double end() const { return start + duration; }
};

// A segment as a playlist lists it.
struct Segment {
  SegmentKey key;
  // Relative, spelt as in the playlist, and for a byte range `#<start>-<end>` after it: what a
  // version-1 peer knows it by.
  std::string url;
  MediaSpan span;
  ByteRange range = {};
  std::string place = {};  // of its rendition, see ChannelRenditions; empty where there is none
  bool opaque = false;     // encrypted as a whole: its bytes do not show what they are of

  // Whether a body of so many bytes can be it.
  bool may_have(size_t size) const { return range.whole() || size == range.size(); }
};

}  // namespace hlsmesh

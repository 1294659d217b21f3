#pragma once

#include <cstdint>
#include <string>

#include "common/ids.hpp"

namespace hlsmesh {

// A rendition's signature: what makes two viewers' renditions the same one whatever host, token or
// content-steering pathway they came from. Equal text means equal renditions; see
// media/rendition.hpp for how it is made.
using RenditionSignature = std::string;

// Between the signature, in which it never stands, and the name of the segment: the one that the
// site gave it, or else the file name in its URL, because a number may come again for other media.
inline constexpr char kNameMark = ' ';

// What one cached or transferred thing is, within a channel. Never the raw URL (hosts and tokens
// differ between viewers), never `sn` alone (renditions share numbers).
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

// Where a segment lies on the player's timeline, in seconds.
struct MediaSpan {
  double start = 0;
  double duration = 0;

  double end() const { return start + duration; }
};

// A segment as a playlist lists it.
struct Segment {
  SegmentKey key;
  std::string url;  // relative, spelt as in the playlist: the wire's `url` (protocol section 1)
  MediaSpan span;
};

}  // namespace hlsmesh

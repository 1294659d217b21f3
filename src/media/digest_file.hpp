#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/sorted_map.hpp"
#include "media/sha256.hpp"

namespace hlsmesh {

// What the publisher says of a segment.
struct PublishedDigest {
  size_t size = 0;  // bytes
  Digest digest{};  // PieceDigests::digest()
};

// The digests of one media playlist's segments, as its publisher wrote them (docs/DIGESTS.md).
class DigestFile {
 public:
  // Segments that are read of a file: 22 hours of 4 seconds each. What follows is ignored, and so
  // are lines that say nothing.
  static constexpr size_t kMostSegments = 20'000;

  // What it held before is gone. Returns false, and it holds nothing, if `text` is no such file.
  bool read(std::string_view text);
  // nullptr: the file does not name the segment. `url` as in Segment. One that the file does not
  // name with its query is looked for without: it may hold a viewer's token.
  const PublishedDigest* find(std::string_view url) const;

 private:
  const PublishedDigest* find_exactly(const std::string& url) const;

  SortedMap<std::string, PublishedDigest> by_url_;
};

}  // namespace hlsmesh

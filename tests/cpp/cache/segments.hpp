#pragma once

#include <string>
#include <utility>

#include "cache/segment_cache.hpp"

namespace hlsmesh::test {

// Ten seconds each, one after the other from `sn` 0 on.
inline Segment segment(int64_t sn, std::string rendition = "low") {
  return Segment{SegmentKey{std::move(rendition), MediaSequence(sn)},
                 "seg" + std::to_string(sn) + ".ts", MediaSpan{static_cast<double>(sn) * 10, 10}};
}

inline SegmentKey key(int64_t sn, std::string rendition = "low") {
  return SegmentKey{std::move(rendition), MediaSequence(sn)};
}

inline void fill(const SegmentPtr& segment) { segment->commit(0, segment->size()); }

// Puts a complete segment in, which nobody holds afterwards. Returns true if the cache took it.
inline bool put(SegmentCache& cache, const Segment& what, size_t size) {
  const SegmentPtr filled = cache.begin(what, size);
  if (!filled) return false;
  fill(filled);
  return true;
}

}  // namespace hlsmesh::test

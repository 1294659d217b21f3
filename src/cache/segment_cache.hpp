#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "common/bytes.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// The bytes of one segment, whole or still arriving. Owns its memory, which never moves: a span
// into it is good for as long as a SegmentPtr is held.
class SegmentBuffer {
 public:
  // The unit in which arrival is tracked; the last piece of a segment may be shorter.
  static constexpr size_t kPieceBytes = 64 * 1024;

  // nullptr when the memory is not to be had: a peer's announced size must never end the process.
  static std::shared_ptr<SegmentBuffer> allocate(const Segment& segment, size_t size);
  ~SegmentBuffer();
  SegmentBuffer(const SegmentBuffer&) = delete;
  SegmentBuffer& operator=(const SegmentBuffer&) = delete;

  const Segment& segment() const;
  size_t size() const;

  // Room for `length` bytes at `offset`; empty if that is not inside the segment. Writing there
  // changes nothing until committed.
  MutableBytes room(size_t offset, size_t length);
  // Says that [offset, offset + length) now holds the segment's bytes. False, and nothing changes,
  // if that is not inside the segment.
  bool commit(size_t offset, size_t length);

  bool complete() const;
  size_t committed_bytes() const;
  size_t piece_count() const;
  bool has_piece(size_t index) const;

  // Only bytes that were committed may be read.
  ByteView bytes() const;

 private:
  // (helper's choice)
};
using SegmentPtr = std::shared_ptr<SegmentBuffer>;

struct CacheCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
};

// Segments by identity under a byte budget.
//
// Memory held by the cache (segments being filled included) never exceeds budget + one segment.
// What is evicted first: segments wholly behind the playhead, the farthest behind first; then the
// least recently used. Never a segment in flight, that is, one still being filled or one that
// somebody outside the cache holds a SegmentPtr to.
class SegmentCache {
 public:
  explicit SegmentCache(size_t budget_bytes);

  void set_budget(size_t budget_bytes);
  void set_playhead(double seconds);

  // Starts a segment of `size` bytes, making room for it first. nullptr if a complete one is
  // already there, if `size` is 0 or above the budget, if everything evictable is gone and the
  // budget is still overdrawn, or if memory is not to be had. An unfinished one under the same key
  // is replaced in the index (its holder keeps its own).
  SegmentPtr begin(const Segment& segment, size_t size);
  // Abandons an unfinished segment; no effect on a complete one or a stranger's.
  void abandon(const SegmentPtr& segment);

  // A complete segment, or nullptr. Counts a hit or a miss and marks it as used.
  SegmentPtr find(const SegmentKey& key);
  // The same without counting or marking.
  SegmentPtr peek(const SegmentKey& key) const;
  // The complete segments a version-1 request {url, sn} may mean: at most one, or nullptr when none
  // or several match.
  SegmentPtr find_by_wire_name(std::string_view url, MediaSequence sn);

  // Newest sn among complete segments, -1 when empty: the wire's `current`.
  MediaSequence newest() const;

  size_t bytes() const;
  size_t peak_bytes() const;
  size_t budget() const;
  size_t segment_count() const;
  CacheCounts counts() const;
};

}  // namespace hlsmesh

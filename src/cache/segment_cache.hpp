#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <string_view>

#include "common/bytes.hpp"
#include "common/shared.hpp"
#include "common/sorted_map.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// The bytes of one segment, whole or still arriving. Owns its memory, which has a place for all of
// them from the beginning, or grows with what arrives (SegmentCache::grow). Growing moves it; once
// it has its full size, a span into it is good for as long as a SegmentPtr is held.
class SegmentBuffer : public Counted {
 public:
  // The unit in which arrival is tracked; the last piece of a segment may be shorter.
  static constexpr size_t kPieceBytes = 64 * 1024;

  // `held`: bytes to have memory for at first. nullptr when `size` is 0 or the memory is not to be
  // had: a peer's announced size must never end the process.
  static Shared<SegmentBuffer> allocate(const Segment& segment, size_t size, size_t held);
  static Shared<SegmentBuffer> allocate(const Segment& segment, size_t size) {
    return allocate(segment, size, size);
  }
  ~SegmentBuffer();
  SegmentBuffer(const SegmentBuffer&) = delete;
  SegmentBuffer& operator=(const SegmentBuffer&) = delete;

  const Segment& segment() const { return segment_; }
  size_t size() const { return size_; }
  // Bytes, from the first on, that there is memory for.
  size_t held() const { return held_; }

  // Room for `length` bytes at `offset`; empty if there is no memory for that, or if the segment is
  // complete, whose bytes must not change under those who are being served. Writing there changes
  // nothing until committed.
  MutableBytes room(size_t offset, size_t length);
  // Says that [offset, offset + length) now holds the segment's bytes; in any order, and what was
  // committed before may be committed again. False, and nothing changes, if there is no memory for
  // that.
  bool commit(size_t offset, size_t length);

  bool complete() const { return committed_bytes_ == size_; }
  // Distinct bytes: what was committed twice counts once.
  size_t committed_bytes() const { return committed_bytes_; }
  size_t piece_count() const { return (size_ - 1) / kPieceBytes + 1; }
  // Whether every byte of the piece was committed; false for an index past the last piece.
  bool has_piece(size_t index) const;

  // Notes that somebody, by a number, was given the segment. Numbers that are 64 apart count as
  // one.
  void give(int32_t whom) { given_ |= bit_of(whom); }
  bool was_given(int32_t whom) const { return (given_ & bit_of(whom)) != 0; }

  // The whole segment. Only bytes that were committed may be read.
  ByteView bytes() const { return {data_, size_}; }

 private:
  friend class SegmentCache;

  // The memory that a cache answers for.
  struct Tally : Counted {
    size_t bytes = 0;
  };
  struct Interval {
    size_t begin;
    size_t end;  // exclusive
  };

  SegmentBuffer(const Segment& segment, size_t size) : segment_(segment), size_(size) {}
  bool contains(size_t offset, size_t length) const;
  static uint64_t bit_of(int32_t whom) { return uint64_t{1} << (whom & 63); }
  // False, and nothing changes, when the memory is not to be had.
  bool hold(size_t bytes);

  const Segment segment_;
  const size_t size_;
  uint8_t* data_ = nullptr;
  size_t held_ = 0;
  size_t committed_bytes_ = 0;
  uint64_t given_ = 0;             // bit_of() everybody it was given to
  std::list<Interval> committed_;  // sorted; neither overlapping nor touching
  // The total that a cache keeps of the memory it answers for, so that a segment which left the
  // index counts until its last holder lets go. Null outside a cache.
  Shared<Tally> tally_;
};
using SegmentPtr = Shared<SegmentBuffer>;

struct CacheCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
};

// Segments by identity under a byte budget.
//
// Memory held by the cache never exceeds budget + one segment, except after set_budget lowered the
// budget below what is in flight. Segments being filled count with the memory that they have got,
// and whatever left the index counts until its last holder lets go of it.
//
// What is evicted first: segments wholly behind the playhead, the farthest behind first; then the
// least recently used. Never a segment in flight, that is, one that somebody outside the cache
// holds a SegmentPtr to, to fill it or to read it. An unfinished one that nobody holds can never be
// finished, and goes before all others.
//
// Lookups are O(log n) in the number of segments; an eviction looks at all of them.
class SegmentCache {
 public:
  explicit SegmentCache(size_t budget_bytes);
  SegmentCache(const SegmentCache&) = delete;
  SegmentCache& operator=(const SegmentCache&) = delete;

  // Evicts at once down to the budget, as far as what is in flight allows.
  void set_budget(size_t budget_bytes);
  // Seconds on the timeline of Segment::span; until the first call nothing is behind. Evicts down
  // to the budget if what was in flight had overdrawn it.
  void set_playhead(double seconds);

  // Starts a segment of `size` bytes, of which it gets memory for the first `held` at once, making
  // room for those first, and marks it as used. nullptr if `size` is 0 or above the budget, if
  // everything evictable is gone and the budget is still overdrawn without the new one, or if
  // memory is not to be had. One under the same key, complete or not, is replaced in the index (its
  // holders keep their own); on nullptr it stays.
  SegmentPtr begin(const Segment& segment, size_t size, size_t held);
  SegmentPtr begin(const Segment& segment, size_t size) { return begin(segment, size, size); }
  // Gives a segment that begin() returned memory for its first `bytes`, and for more where that
  // spares moving it often: for `step` at least, and twice what it has. False, and nothing changes,
  // if everything evictable is gone and the budget is still overdrawn without the growth, or if
  // memory is not to be had. A segment of allocate() above the budget grows without it: no cache
  // answers for its memory.
  bool grow(const SegmentPtr& segment, size_t bytes, size_t step);
  // Takes an unfinished segment out of the index; no effect on a complete one or on one that is not
  // in the index (replaced, abandoned before, from elsewhere). nullptr is allowed.
  void abandon(const SegmentPtr& segment);

  // Takes out of the index what is of the rendition, or of any if it is empty, and before `end`;
  // holders keep theirs.
  void drop(std::string_view rendition, double end);
  // Takes a complete segment out of the index; no effect on an unfinished one.
  void drop(const SegmentKey& key);

  // A complete segment, or nullptr. Counts a hit or a miss and marks it as used.
  SegmentPtr find(const SegmentKey& key);
  // The same without counting or marking; valid until the cache changes.
  const SegmentPtr& peek(const SegmentKey& key) const;
  // A complete segment of number `sn` that `is_meant` accepts, or nullptr. Neither counts nor
  // marks.
  template <class Predicate>
  SegmentPtr peek(MediaSequence sn, Predicate is_meant) {
    // No signature sorts before the empty one.
    for (auto it = index_.lower_bound(SegmentKey{{}, sn}); it != index_.end() && it->first.sn == sn;
         ++it) {
      const SegmentPtr& segment = it->second.segment;
      if (segment->complete() && is_meant(segment->segment())) return segment;
    }
    return nullptr;
  }
  // The complete segment that a version-1 request {url, sn} means; nullptr when none or several
  // match, since such a peer could not tell which it got. Marks it as used, but counts neither hit
  // nor miss: those are about the player's loads.
  SegmentPtr find_by_wire_name(std::string_view url, MediaSequence sn);

  // Newest sn among complete segments whose key `counts` accepts, -1 when there is none.
  template <class Predicate>
  MediaSequence newest(Predicate counts) const {
    for (auto entry = index_.end(); entry != index_.begin();) {
      --entry;
      if (entry->second.segment->complete() && counts(entry->first)) return entry->first.sn;
    }
    return MediaSequence(-1);
  }
  MediaSequence newest() const {
    return newest([](const SegmentKey&) { return true; });
  }

  size_t bytes() const { return tally_->bytes; }
  // Of segments in the index that end after the playhead, unfinished ones with what they have got.
  size_t bytes_ahead() const;
  // The most that bytes() ever was.
  size_t peak_bytes() const { return peak_bytes_; }
  size_t budget() const { return budget_; }
  // Segments in the index, unfinished ones included.
  size_t segment_count() const { return index_.size(); }
  CacheCounts counts() const { return counts_; }

 private:
  struct Entry {
    SegmentPtr segment;
    uint64_t used = 0;  // uses_ at the last use: distinct, so that no order hangs on a tie
  };
  // Ordered by sn first (see SegmentKey), which newest() and find_by_wire_name() rely on.
  using Index = SortedMap<SegmentKey, Entry>;

  // Evicts until `incoming` more bytes fit the budget or nothing evictable is left.
  void make_room(size_t incoming);
  Index::iterator next_victim();

  size_t budget_;
  double playhead_ = -std::numeric_limits<double>::infinity();
  Index index_;
  const SegmentPtr none_;
  Shared<SegmentBuffer::Tally> tally_;
  size_t peak_bytes_ = 0;
  uint64_t uses_ = 0;
  CacheCounts counts_;
};

}  // namespace hlsmesh

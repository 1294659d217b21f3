#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <string_view>
#include <utility>

#include "cache/segment_memory.hpp"
#include "common/bytes.hpp"
#include "common/piece_set.hpp"
#include "common/shared.hpp"
#include "common/sorted_map.hpp"
#include "media/piece_digests.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// The bytes of one segment, complete or still arriving. It owns their memory, which has its full
// size from the beginning or grows as bytes arrive (SegmentCache::grow). Growing moves the bytes;
// once the memory has its full size, a span into it is valid for as long as a SegmentPtr is held.
class SegmentBuffer : public Counted {
 public:
  // The unit in which arrival is tracked; the last piece of a segment may be shorter.
  static constexpr size_t kPieceBytes = 16 * 1024;

  // `held`: the bytes of memory to begin with. Returns nullptr if `size` is 0 or there is no
  // memory: the size that a peer announces must never end the process.
  static Shared<SegmentBuffer> allocate(const Segment& segment, size_t size, size_t held);
  static Shared<SegmentBuffer> allocate(const Segment& segment, size_t size) {
    return allocate(segment, size, size);
  }
  ~SegmentBuffer();
  SegmentBuffer(const SegmentBuffer&) = delete;
  SegmentBuffer& operator=(const SegmentBuffer&) = delete;

  const Segment& segment() const { return segment_; }
  size_t size() const { return size_; }
  // Returns true if size() is only the most that the segment can have: end() will say its size.
  bool open() const { return open_; }
  // Its size as far as that is known: of an open one what expect() said, or 0.
  size_t expected() const { return open_ ? expected_ : size_; }
  // The number of bytes, from the first on, for which there is memory.
  size_t held() const { return memory_.held(); }

  // Returns the memory for `length` bytes at `offset`. Empty if there is none, or if the segment is
  // complete, since complete segments are being served. What is written there counts only after
  // commit().
  MutableBytes room(size_t offset, size_t length);
  // Marks [offset, offset + length) as holding the segment's bytes. Intervals may come in any
  // order, and again. Returns false, and changes nothing, if there is no memory for the
  // bookkeeping.
  bool commit(size_t offset, size_t length);

  // Says that the size it was begun with is only the most that it can have, and that it will
  // probably be `expected`; 0: nobody knows.
  void expect(size_t expected) {
    open_ = true;
    expected_ = expected;
  }
  // Says the size of an open segment. Returns false, and changes nothing, if a byte after it was
  // committed or it was begun with fewer.
  bool end(size_t size);

  bool complete() const { return committed_bytes_ == size_; }
  // The number of committed bytes; a byte that was committed twice counts once.
  size_t committed_bytes() const { return committed_bytes_; }
  size_t piece_count() const { return (size_ - 1) / kPieceBytes + 1; }
  // The pieces of which every byte was committed.
  PieceSet pieces() const;
  // Returns true if every byte of the piece was committed; false for an index past the last piece.
  bool has_piece(size_t index) const;

  // Notes that the receiver with this number was given the segment. Numbers that are 64 apart count
  // as one.
  void give(int32_t whom) { given_ |= bit_of(whom); }
  bool was_given(int32_t whom) const { return (given_ & bit_of(whom)) != 0; }

  // Peers have brought some of it.
  void note_peer() { of_peers_ = true; }
  bool is_of_peers() const { return of_peers_; }

  // The digests of its pieces, which make the publisher's digest of the segment; nullptr: not
  // known.
  const Shared<PieceDigests>& digests() const { return digests_; }
  void set_digests(Shared<PieceDigests> digests) { digests_ = std::move(digests); }

  // The whole segment. Only bytes that were written may be read.
  ByteView bytes() const { return {memory_.data(), size_}; }

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
  size_t size_;
  bool open_ = false;
  bool of_peers_ = false;
  size_t expected_ = 0;
  SegmentMemory memory_;
  size_t committed_bytes_ = 0;
  Shared<PieceDigests> digests_;
  uint64_t given_ = 0;             // bit_of() everybody it was given to
  std::list<Interval> committed_;  // sorted; neither overlapping nor touching
  // The cache's total of the memory it answers for: a segment that has left the index counts until
  // its last holder releases it. Null outside a cache.
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
// The memory of the cache never exceeds the budget + one segment, unless set_budget lowered the
// budget below what is in flight. A segment that is being filled counts with the memory that it
// has, and a segment that has left the index counts until its last holder releases it.
//
// Eviction takes segments wholly behind the playhead first, the farthest behind first; then the
// least recently used. It never takes a segment in flight, which is one to which somebody outside
// the cache holds a SegmentPtr, to fill or to read it. An unfinished segment that nobody holds can
// never be finished, and goes before all others.
//
// Lookups are O(log n) in the number of segments; an eviction looks at all of them.
class SegmentCache {
 public:
  explicit SegmentCache(size_t budget_bytes);
  SegmentCache(const SegmentCache&) = delete;
  SegmentCache& operator=(const SegmentCache&) = delete;

  // Evicts immediately down to the budget, as far as the segments in flight allow.
  void set_budget(size_t budget_bytes);
  // Seconds on the timeline of Segment::span. Before the first call no segment is behind the
  // playhead. Evicts down to the budget if segments in flight had exceeded it.
  void set_playhead(double seconds);

  // Starts a segment of `size` bytes and marks it as used. It gets memory for its first `held`
  // bytes, for which others are evicted. Returns nullptr if `size` is 0 or above the budget, if the
  // budget is still exceeded after everything evictable is gone, or if there is no memory. A
  // segment with the same key, complete or not, is replaced in the index (its holders keep it); on
  // nullptr it stays.
  SegmentPtr begin(const Segment& segment, size_t size, size_t held);
  SegmentPtr begin(const Segment& segment, size_t size) { return begin(segment, size, size); }
  // The same, but the index keeps what it has under that key until list().
  SegmentPtr begin_unlisted(const Segment& segment, size_t size, size_t held);
  // Puts a segment of begin_unlisted() into the index, and marks it as used. Not one of allocate()
  // above the budget, which no cache answers for.
  void list(const SegmentPtr& segment);
  // Gives a segment from begin() memory for its first `bytes`, and for more to avoid moving it
  // often: at least `step`, and twice what it has. Returns false, and changes nothing, if the
  // budget is still exceeded after everything evictable is gone, or if there is no memory. A
  // segment of allocate() above the budget grows without regard to the budget: no cache answers for
  // its memory.
  bool grow(const SegmentPtr& segment, size_t bytes, size_t step);
  // Removes an unfinished segment from the index. No effect on a complete segment, on one that is
  // not in the index (replaced, abandoned before, of another cache), and on nullptr.
  void abandon(const SegmentPtr& segment);
  // Removes a segment from the index, complete or not: its bytes are not what they should be. No
  // effect on one that is not in the index, and on nullptr.
  void discard(const SegmentPtr& segment);

  // Removes from the index the segments of the rendition, or of all renditions if it is empty, with
  // numbers below `end`. Holders keep them.
  void drop(std::string_view rendition, double end);
  // Removes a complete segment from the index. No effect on an unfinished one.
  void drop(const SegmentKey& key);

  // Returns a complete segment, or nullptr. Counts a hit or a miss, and marks the segment as used.
  SegmentPtr find(const SegmentKey& key);
  // As find(), but counts and marks nothing. The pointer is valid until the cache changes.
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
  // Returns the complete segment that a version-1 request {url, sn} means. Returns nullptr if none
  // or several match, since such a peer could not tell which one it got. Marks the segment as used,
  // but counts neither hit nor miss: those are about the player's loads.
  SegmentPtr find_by_wire_name(std::string_view url, MediaSequence sn);

  // Calls visit(segment) for each complete segment; it may not change the cache.
  template <class Visit>
  void for_each_complete(Visit visit) const {
    for (const auto& [key, entry] : index_) {
      if (entry.segment->complete()) visit(entry.segment);
    }
  }

  // Returns the highest sn among the complete segments whose key `counts` accepts, or -1 if there
  // is none.
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
  // The bytes of the segments in the index that end after the playhead; an unfinished one counts
  // with the memory that it has.
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

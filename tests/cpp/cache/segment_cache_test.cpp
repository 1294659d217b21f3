#include "cache/segment_cache.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <optional>

#include "cpp/cache/segments.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("A segment is found only once it is complete") {
  SegmentCache cache(1000);
  const SegmentPtr filling = cache.begin(segment(1), 100);
  REQUIRE(filling);
  CHECK(cache.bytes() == 100);
  CHECK(cache.segment_count() == 1);
  filling->commit(0, 99);
  CHECK_FALSE(cache.find(key(1)));
  CHECK_FALSE(cache.peek(key(1)));
  CHECK_FALSE(cache.find_by_wire_name("seg1.ts", MediaSequence(1)));
  CHECK(cache.newest() == MediaSequence(-1));
  filling->commit(99, 1);
  CHECK(cache.find(key(1)) == filling);
  CHECK(cache.peek(key(1)) == filling);
  CHECK(cache.find_by_wire_name("seg1.ts", MediaSequence(1)) == filling);
  CHECK(cache.newest() == MediaSequence(1));
}

TEST_CASE("Only find() counts hits and misses") {
  SegmentCache cache(1000);
  REQUIRE(put(cache, segment(1), 10));
  cache.find(key(1));
  cache.find(key(1));
  cache.find(key(2));
  cache.find(key(1, "high"));
  cache.peek(key(1));
  cache.peek(key(2));
  cache.find_by_wire_name("seg1.ts", MediaSequence(1));
  cache.find_by_wire_name("seg2.ts", MediaSequence(2));
  CHECK(cache.counts().hits == 2);
  CHECK(cache.counts().misses == 2);
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("begin() refuses what is empty or above the budget, and evicts nothing") {
  SegmentCache cache(100);
  REQUIRE(put(cache, segment(1), 60));
  REQUIRE(put(cache, segment(2), 40));
  CHECK_FALSE(cache.begin(segment(3), 0));
  CHECK_FALSE(cache.begin(segment(3), 101));
  CHECK_FALSE(cache.begin(segment(3), std::numeric_limits<size_t>::max()));
  CHECK(cache.peek(key(1)));
  CHECK(cache.peek(key(2)));
  CHECK(cache.counts().evictions == 0);
  CHECK(cache.bytes() == 100);
  CHECK(cache.begin(segment(3), 100));
  CHECK(cache.counts().evictions == 2);
}

TEST_CASE("begin() replaces a complete segment; whoever reads the old one keeps it") {
  SegmentCache cache(200);
  REQUIRE(put(cache, segment(1), 60));
  const SegmentPtr old = cache.peek(key(1));
  const SegmentPtr fresh = cache.begin(segment(1), 50);
  REQUIRE(fresh);
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(old->complete());
  CHECK(cache.bytes() == 110);
  fresh->commit(0, 50);
  CHECK(cache.peek(key(1)) == fresh);
  CHECK(cache.segment_count() == 1);
}

TEST_CASE("drop() takes out what is complete, and nothing else") {
  SegmentCache cache(200);
  REQUIRE(put(cache, segment(1), 60));
  const SegmentPtr unfinished = cache.begin(segment(2), 50);
  for (const int sn : {1, 2, 3}) cache.drop(key(sn));
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(cache.segment_count() == 1);
  unfinished->commit(0, 50);
  CHECK(cache.peek(key(2)) == unfinished);
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("A cache without budget takes nothing") {
  SegmentCache cache(0);
  CHECK_FALSE(cache.begin(segment(1), 1));
  CHECK(cache.bytes() == 0);
}

TEST_CASE("begin() answers nullptr when memory is not to be had, and goes on working") {
  // Half the address space: more than any machine gives.
  SegmentCache cache(std::numeric_limits<size_t>::max());
  REQUIRE(put(cache, segment(1), 10));
  CHECK_FALSE(cache.begin(segment(2), std::numeric_limits<size_t>::max() / 2));
  CHECK(cache.bytes() == 10);
  CHECK(cache.segment_count() == 1);
  CHECK(put(cache, segment(2), 10));
}

TEST_CASE("Behind the playhead the farthest goes first, used lately or not") {
  SegmentCache cache(400);
  for (const int64_t sn : {2, 0, 1, 3}) REQUIRE(put(cache, segment(sn), 100));
  cache.set_playhead(25);
  cache.find(key(0));
  REQUIRE(put(cache, segment(4), 100));
  CHECK_FALSE(cache.peek(key(0)));
  REQUIRE(put(cache, segment(5), 100));
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(cache.peek(key(2)));
  CHECK(cache.counts().evictions == 2);
}

TEST_CASE("A segment under the playhead is not behind it, one that ends there is") {
  SegmentCache cache(200);
  REQUIRE(put(cache, segment(2), 100));  // 20 s to 30 s, used less lately
  REQUIRE(put(cache, segment(1), 100));  // 10 s to 20 s
  cache.set_playhead(20);
  REQUIRE(put(cache, segment(3), 100));
  CHECK(cache.peek(key(2)));
  CHECK_FALSE(cache.peek(key(1)));
}

TEST_CASE("Ahead of the playhead the least recently used goes first") {
  SegmentCache cache(300);
  for (const int64_t sn : {1, 2, 3}) REQUIRE(put(cache, segment(sn), 100));
  cache.find(key(1));
  cache.find_by_wire_name("seg2.ts", MediaSequence(2));
  cache.peek(key(3));
  cache.find(key(9));
  REQUIRE(put(cache, segment(4), 100));
  CHECK_FALSE(cache.peek(key(3)));
  REQUIRE(put(cache, segment(5), 100));
  CHECK_FALSE(cache.peek(key(1)));
}

TEST_CASE("Equally far behind, the least recently used rendition goes first") {
  SegmentCache cache(200);
  REQUIRE(put(cache, segment(0, "low"), 100));
  REQUIRE(put(cache, segment(0, "high"), 100));
  cache.find(key(0, "low"));
  cache.set_playhead(100);
  REQUIRE(put(cache, segment(9), 100));
  CHECK(cache.peek(key(0, "low")));
  CHECK_FALSE(cache.peek(key(0, "high")));
}

TEST_CASE("Spans and playheads that are not numbers leave only the order of use") {
  const double odd = std::numeric_limits<double>::quiet_NaN();
  SegmentCache cache(300);
  Segment strange = segment(5);
  strange.span = MediaSpan{odd, 10};
  REQUIRE(put(cache, segment(1), 100));
  REQUIRE(put(cache, strange, 100));
  REQUIRE(put(cache, segment(0), 100));
  cache.set_playhead(odd);
  REQUIRE(put(cache, segment(6), 100));
  CHECK_FALSE(cache.peek(key(1)));
  cache.set_playhead(1000);
  REQUIRE(put(cache, segment(200), 200));
  CHECK(cache.peek(key(5)));
  CHECK_FALSE(cache.peek(key(0)));
}

TEST_CASE("A segment in flight is never evicted") {
  SegmentCache cache(300);
  const SegmentPtr filling = cache.begin(segment(0), 100);
  REQUIRE(put(cache, segment(1), 100));
  REQUIRE(put(cache, segment(2), 100));
  SegmentPtr sending = cache.find(key(1));
  cache.set_playhead(1000);
  REQUIRE(put(cache, segment(3), 100));
  CHECK(cache.peek(key(1)) == sending);
  CHECK_FALSE(cache.peek(key(2)));
  fill(filling);
  CHECK(cache.peek(key(0)) == filling);

  sending.reset();
  REQUIRE(put(cache, segment(4), 100));
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(cache.peek(key(0)) == filling);
}

TEST_CASE("With everything in flight one segment above the budget is taken and no second one") {
  SegmentCache cache(300);
  const SegmentPtr a = cache.begin(segment(1), 150);
  const SegmentPtr b = cache.begin(segment(2), 150);
  SegmentPtr c = cache.begin(segment(3), 200);
  REQUIRE(c);
  CHECK(cache.bytes() == 500);
  CHECK_FALSE(cache.begin(segment(4), 1));
  CHECK(cache.bytes() == 500);
  CHECK(cache.peak_bytes() == 500);
  cache.abandon(c);
  c.reset();
  CHECK(cache.bytes() == 300);
  CHECK(cache.begin(segment(4), 1));
  CHECK(cache.peak_bytes() == 500);
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("An overdraft ends with the next playhead once its holder let go") {
  SegmentCache cache(300);
  SegmentPtr a = cache.begin(segment(1), 300);
  SegmentPtr b = cache.begin(segment(2), 300);
  fill(a);
  fill(b);
  a.reset();
  CHECK(cache.bytes() == 600);
  cache.set_playhead(0);
  CHECK(cache.bytes() == 300);
  CHECK(cache.peek(key(2)) == b);
}

TEST_CASE("An unfinished segment is replaced in the index and counts until its holder lets go") {
  SegmentCache cache(300);
  SegmentPtr first = cache.begin(segment(1), 100);
  const SegmentPtr second = cache.begin(segment(1), 120);
  REQUIRE(second);
  CHECK(second != first);
  CHECK(cache.segment_count() == 1);
  CHECK(cache.bytes() == 220);
  fill(first);
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(first->room(0, 1).empty());
  cache.abandon(first);
  fill(second);
  CHECK(cache.find(key(1)) == second);
  CHECK(cache.bytes() == 220);
  first.reset();
  CHECK(cache.bytes() == 120);
  CHECK(cache.peak_bytes() == 220);
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("What was replaced or abandoned but is still held weighs on the budget") {
  SegmentCache cache(300);
  SegmentPtr replaced = cache.begin(segment(1), 200);
  const SegmentPtr current = cache.begin(segment(1), 200);
  REQUIRE(current);
  CHECK(cache.bytes() == 400);
  CHECK_FALSE(cache.begin(segment(2), 10));
  CHECK_FALSE(cache.begin(segment(1), 10));
  fill(current);
  CHECK(cache.peek(key(1)) == current);
  replaced.reset();
  CHECK(cache.begin(segment(2), 10));
}

TEST_CASE("A refused replacement leaves the unfinished segment in the index") {
  SegmentCache cache(300);
  const SegmentPtr a = cache.begin(segment(1), 200);
  const SegmentPtr b = cache.begin(segment(2), 200);
  CHECK_FALSE(cache.begin(segment(1), 50));
  fill(a);
  CHECK(cache.peek(key(1)) == a);
}

TEST_CASE("abandon() takes out an unfinished segment and nothing else") {
  SegmentCache cache(1000);
  SegmentPtr filling = cache.begin(segment(1), 100);
  cache.abandon(nullptr);
  cache.abandon(SegmentBuffer::allocate(segment(1), 100));
  CHECK(cache.segment_count() == 1);
  cache.abandon(filling);
  CHECK(cache.segment_count() == 0);
  CHECK(cache.bytes() == 100);
  cache.abandon(filling);
  filling.reset();
  CHECK(cache.bytes() == 0);

  REQUIRE(put(cache, segment(2), 100));
  cache.abandon(cache.peek(key(2)));
  CHECK(cache.peek(key(2)));
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("discard() takes out that segment, complete or not, and no other of its key") {
  SegmentCache cache(1000);
  cache.discard(nullptr);
  const SegmentPtr filling = cache.begin(segment(1), 100);
  cache.discard(filling);
  CHECK(cache.segment_count() == 0);
  REQUIRE(put(cache, segment(2), 100));
  const SegmentPtr first = cache.peek(key(2));
  REQUIRE(put(cache, segment(2), 100));
  cache.discard(first);
  CHECK(cache.peek(key(2)));
  cache.discard(cache.peek(key(2)));
  CHECK_FALSE(cache.peek(key(2)));
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE("A segment finished after it was abandoned stays out of the index") {
  SegmentCache cache(1000);
  const SegmentPtr filling = cache.begin(segment(1), 100);
  cache.abandon(filling);
  fill(filling);
  CHECK_FALSE(cache.peek(key(1)));
  CHECK(cache.newest() == MediaSequence(-1));
  const SegmentPtr again = cache.begin(segment(1), 100);
  REQUIRE(again);
  CHECK(again != filling);
}

TEST_CASE("An unfinished segment that nobody holds makes room before all others") {
  SegmentCache cache(300);
  REQUIRE(put(cache, segment(0), 100));
  REQUIRE(cache.begin(segment(5), 100));
  REQUIRE(put(cache, segment(6), 100));
  cache.set_playhead(20);
  REQUIRE(put(cache, segment(7), 100));
  CHECK(cache.peek(key(0)));
  CHECK(cache.segment_count() == 3);
  CHECK(cache.bytes() == 300);
}

TEST_CASE("set_budget shrinks at once as far as flights allow") {
  SegmentCache cache(400);
  for (const int64_t sn : {1, 2, 3, 4}) REQUIRE(put(cache, segment(sn), 100));
  SegmentPtr held = cache.find(key(1));
  cache.set_budget(250);
  CHECK(cache.budget() == 250);
  CHECK(cache.bytes() == 200);
  CHECK(cache.peek(key(4)));
  cache.set_budget(0);
  CHECK(cache.bytes() == 100);
  CHECK(cache.peek(key(1)) == held);
  held.reset();
  cache.set_budget(0);
  CHECK(cache.bytes() == 0);
  CHECK(cache.segment_count() == 0);
  CHECK(cache.counts().evictions == 4);
  CHECK(cache.peak_bytes() == 400);
  cache.set_budget(100);
  CHECK(put(cache, segment(1), 100));
}

TEST_CASE("A version-1 name is answered only when it means one segment") {
  SegmentCache cache(1000);
  REQUIRE(put(cache, segment(1, "low"), 10));
  CHECK(cache.find_by_wire_name("seg1.ts", MediaSequence(1)));
  CHECK_FALSE(cache.find_by_wire_name("seg1.ts", MediaSequence(2)));
  CHECK_FALSE(cache.find_by_wire_name("seg1.tsx", MediaSequence(1)));
  CHECK_FALSE(cache.find_by_wire_name("", MediaSequence(1)));
  Segment other = segment(1, "high");
  other.url = "high1.ts";
  REQUIRE(put(cache, other, 10));
  CHECK(cache.find_by_wire_name("seg1.ts", MediaSequence(1)));
  CHECK(cache.find_by_wire_name("high1.ts", MediaSequence(1))->segment().key == key(1, "high"));
  const SegmentPtr filling = cache.begin(segment(1, "mid"), 10);
  CHECK(cache.find_by_wire_name("seg1.ts", MediaSequence(1))->segment().key == key(1, "low"));
  fill(filling);
  CHECK_FALSE(cache.find_by_wire_name("seg1.ts", MediaSequence(1)));
}

TEST_CASE("newest() is the highest sn among complete segments of any rendition") {
  SegmentCache cache(1000);
  CHECK(cache.newest() == MediaSequence(-1));
  REQUIRE(put(cache, segment(int64_t{1} << 40, "low"), 10));
  REQUIRE(put(cache, segment(3, "high"), 10));
  const SegmentPtr filling = cache.begin(segment((int64_t{1} << 40) + 1), 10);
  CHECK(cache.newest() == MediaSequence(int64_t{1} << 40));
  fill(filling);
  CHECK(cache.newest() == MediaSequence((int64_t{1} << 40) + 1));
}

TEST_CASE("Segments outlive the cache they came from") {
  std::optional<SegmentCache> cache(std::in_place, 1000);
  const SegmentPtr filling = cache->begin(segment(1), 100);
  cache.reset();
  filling->room(0, 1)[0] = 7;
  CHECK(filling->commit(0, 100));
  CHECK(filling->bytes()[0] == 7);
}

TEST_CASE("D4: a segment above the budget grows with what arrives, and evicts nothing") {
  SegmentCache cache(1000);
  REQUIRE(put(cache, segment(1), 900));
  const SegmentPtr large = SegmentBuffer::allocate(segment(2), 50'000, 0);
  REQUIRE(large);
  CHECK(large->held() == 0);
  REQUIRE(cache.grow(large, 10, 400));
  CHECK(large->held() == 400);
  REQUIRE(cache.grow(large, 500, 400));
  CHECK(large->held() == 800);
  REQUIRE(cache.grow(large, 50'000, 400));
  CHECK(large->room(0, 50'000).size() == 50'000);
  CHECK(cache.bytes() == 900);
  CHECK(cache.counts().evictions == 0);
}

TEST_CASE(
    "A segment that is not listed counts with its memory, and takes the place of another later") {
  SegmentCache cache(1000);
  REQUIRE(put(cache, segment(1), 300));
  const SegmentPtr unlisted = cache.begin_unlisted(segment(1), 600, 400);
  REQUIRE(unlisted);
  CHECK(cache.bytes() == 700);
  CHECK(cache.peek(key(1))->size() == 300);
  cache.abandon(unlisted);
  CHECK(cache.peek(key(1))->size() == 300);
  REQUIRE(cache.grow(unlisted, 600, 0));
  fill(unlisted);
  cache.list(unlisted);
  CHECK(cache.peek(key(1)) == unlisted);
  CHECK(cache.bytes() == 600);
  CHECK(cache.segment_count() == 1);
}

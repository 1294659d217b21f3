#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <vector>

#include "cache/segment_cache.hpp"
#include "common/random.hpp"
#include "cpp/cache/segments.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// AddressSanitizer ends the process where malloc would say no, which is what is tested here.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
#endif
#endif

namespace {
constexpr size_t kPiece = SegmentBuffer::kPieceBytes;
constexpr size_t kMaxSize = std::numeric_limits<size_t>::max();
constexpr size_t kPacket = 60 * 1024;  // of the protocol's time
}  // namespace

TEST_CASE("A buffer knows its segment and starts empty") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(7), 3 * kPiece + 1);
  REQUIRE(buffer);
  CHECK(buffer->segment().key == key(7));
  CHECK(buffer->segment().url == "seg7.ts");
  CHECK(buffer->size() == 3 * kPiece + 1);
  CHECK(buffer->bytes().size() == 3 * kPiece + 1);
  CHECK(buffer->piece_count() == 4);
  CHECK(buffer->committed_bytes() == 0);
  CHECK_FALSE(buffer->complete());
  CHECK_FALSE(buffer->has_piece(0));
}

TEST_CASE("A size that cannot be had gives nullptr") {
  CHECK_FALSE(SegmentBuffer::allocate(segment(1), 0));
  CHECK_FALSE(SegmentBuffer::allocate(segment(1), kMaxSize));
  CHECK_FALSE(SegmentBuffer::allocate(segment(1), kMaxSize / 2));
  CHECK_FALSE(SegmentBuffer::allocate(segment(1), kMaxSize / 2 + 1));
  CHECK_FALSE(SegmentBuffer::allocate(segment(1), kMaxSize - 15));
}

TEST_CASE("Room outside the segment is refused, without overflow") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 100);
  CHECK(buffer->room(0, 100).size() == 100);
  CHECK(buffer->room(99, 1).size() == 1);
  CHECK(buffer->room(100, 0).empty());
  CHECK(buffer->room(0, 101).empty());
  CHECK(buffer->room(100, 1).empty());
  CHECK(buffer->room(101, 0).empty());
  CHECK(buffer->room(1, kMaxSize).empty());
  CHECK(buffer->room(kMaxSize, 1).empty());
  CHECK(buffer->room(kMaxSize, kMaxSize).empty());
}

TEST_CASE("A commit outside the segment changes nothing") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 100);
  CHECK(buffer->commit(0, 10));
  CHECK_FALSE(buffer->commit(0, 101));
  CHECK_FALSE(buffer->commit(10, 91));
  CHECK_FALSE(buffer->commit(101, 0));
  CHECK_FALSE(buffer->commit(1, kMaxSize));
  CHECK_FALSE(buffer->commit(kMaxSize, 2));
  CHECK(buffer->commit(100, 0));
  CHECK(buffer->committed_bytes() == 10);
}

TEST_CASE("Writing counts only once committed, and a span stays where it is") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 4);
  const MutableBytes room = buffer->room(1, 2);
  room[0] = 0xaa;
  room[1] = 0xbb;
  CHECK(buffer->committed_bytes() == 0);
  const ByteView before = buffer->bytes();
  REQUIRE(buffer->commit(1, 2));
  CHECK(buffer->bytes().data() == before.data());
  CHECK(before[1] == 0xaa);
  CHECK(before[2] == 0xbb);
  CHECK(room.data() == before.data() + 1);
}

TEST_CASE("Packets in order complete the segment with the bytes that were sent") {
  const size_t size = 5 * kPacket + 9016;
  std::vector<uint8_t> sent(size);
  Random random(5);
  for (uint8_t& byte : sent) byte = static_cast<uint8_t>(random.next());
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(3), size);
  for (size_t at = 0; at < size; at += kPacket) {
    CHECK_FALSE(buffer->complete());
    const size_t length = std::min(kPacket, size - at);
    const MutableBytes room = buffer->room(at, length);
    REQUIRE(room.size() == length);
    std::memcpy(room.data(), sent.data() + at, length);
    REQUIRE(buffer->commit(at, length));
    CHECK(buffer->has_piece(0) == (at + length >= kPiece));
  }
  CHECK(buffer->complete());
  CHECK(std::equal(sent.begin(), sent.end(), buffer->bytes().begin()));
}

TEST_CASE("The bytes of a complete segment cannot be written any more") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 100);
  REQUIRE(buffer->commit(0, 99));
  CHECK(buffer->room(0, 100).size() == 100);
  REQUIRE(buffer->commit(99, 1));
  CHECK(buffer->room(0, 1).empty());
  CHECK(buffer->commit(0, 100));
  CHECK(buffer->complete());
}

TEST_CASE("Only whole pieces are had, and the last one may be short") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 2 * kPiece + 10);
  CHECK(buffer->piece_count() == 3);
  CHECK(buffer->commit(2 * kPiece, 9));
  CHECK_FALSE(buffer->has_piece(2));
  CHECK(buffer->commit(2 * kPiece + 9, 1));
  CHECK(buffer->has_piece(2));
  CHECK(buffer->commit(1, kPiece));
  CHECK_FALSE(buffer->has_piece(0));
  CHECK_FALSE(buffer->has_piece(1));
  CHECK(buffer->commit(0, 1));
  CHECK(buffer->has_piece(0));
  CHECK_FALSE(buffer->has_piece(3));
  CHECK_FALSE(buffer->has_piece(kMaxSize));
  CHECK(SegmentBuffer::allocate(segment(1), kPiece)->piece_count() == 1);
  CHECK(SegmentBuffer::allocate(segment(1), kPiece + 1)->piece_count() == 2);
  CHECK(SegmentBuffer::allocate(segment(1), 1)->piece_count() == 1);
}

TEST_CASE("Overlapping and repeated commits count each byte once") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 100);
  buffer->commit(10, 10);
  buffer->commit(30, 10);
  buffer->commit(50, 10);
  CHECK(buffer->committed_bytes() == 30);
  buffer->commit(12, 3);
  CHECK(buffer->committed_bytes() == 30);
  buffer->commit(15, 40);
  CHECK(buffer->committed_bytes() == 50);
  buffer->commit(0, 10);
  CHECK(buffer->committed_bytes() == 60);
  buffer->commit(0, 100);
  CHECK(buffer->complete());
}

TEST_CASE("Commits that touch before a later one make a whole piece, from either side") {
  const size_t half = kPiece / 2;
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 4 * kPiece);
  buffer->commit(3 * kPiece, kPiece);
  buffer->commit(0, half);
  buffer->commit(half, half);
  CHECK(buffer->has_piece(0));
  buffer->commit(kPiece + half, half);
  buffer->commit(kPiece, half);
  CHECK(buffer->has_piece(1));
  CHECK(buffer->committed_bytes() == 3 * kPiece);
  buffer->commit(2 * kPiece, kPiece);
  CHECK(buffer->has_piece(2));
  CHECK(buffer->complete());
}

TEST_CASE("Random commits agree with a byte map") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  Random random(seed);
  const size_t size = 3 * kPiece + 77;
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), size);
  std::vector<bool> map(size);
  // Coarse edges so that intervals often touch exactly.
  const size_t grain = kPiece / 8;
  for (int step = 0; step < 120; ++step) {
    size_t offset = random.below(32) * grain;
    if (random.below(4) == 0) offset += random.below(99);
    size_t length = random.below(4) * grain;
    if (random.below(4) == 0) length += random.below(99);
    const bool inside = offset + length <= size;
    REQUIRE(buffer->commit(offset, length) == inside);
    if (inside) {
      std::fill_n(map.begin() + static_cast<std::ptrdiff_t>(offset), length, true);
    }
    const auto count = static_cast<size_t>(std::count(map.begin(), map.end(), true));
    REQUIRE(buffer->committed_bytes() == count);
    REQUIRE(buffer->complete() == (count == size));
    for (size_t piece = 0; piece < buffer->piece_count(); ++piece) {
      const auto begin = map.begin() + static_cast<std::ptrdiff_t>(piece * kPiece);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kPiece, size - piece * kPiece));
      REQUIRE(buffer->has_piece(piece) == std::all_of(begin, end, [](bool b) { return b; }));
    }
  }
}

TEST_CASE("An open segment has the size that its end says") {
  const SegmentPtr buffer = SegmentBuffer::allocate(segment(1), 1'000, 600);
  buffer->expect(500);
  CHECK(buffer->open());
  CHECK(buffer->expected() == 500);
  CHECK(buffer->commit(0, 600));
  CHECK_FALSE(buffer->complete());
  CHECK_FALSE(buffer->end(0));
  CHECK_FALSE(buffer->end(599));
  CHECK_FALSE(buffer->end(1'001));
  CHECK(buffer->open());
  SECTION("which may be what has come") {
    CHECK(buffer->end(600));
    CHECK(buffer->complete());
  }
  SECTION("or more") {
    CHECK(buffer->end(700));
    CHECK_FALSE(buffer->complete());
  }
  CHECK_FALSE(buffer->open());
  CHECK(buffer->expected() == buffer->size());
}

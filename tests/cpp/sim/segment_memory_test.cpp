#include "cache/segment_memory.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "sim/body_words.hpp"
#include "sim/segment_memory.hpp"

namespace hlsmesh::sim {
namespace {

constexpr uint32_t kTag = 7;
constexpr size_t kSize = 1000;

void write(SegmentMemory& memory, size_t offset, const Piece& piece) {
  write_segment(memory.space(offset, piece.bytes.size()), piece);
}

Piece part(const SharedBody& body, size_t offset, size_t length) {
  return {&body, offset, body.bytes().subspan(offset, length)};
}

}  // namespace

TEST_CASE("a segment of one shared body, in whatever order it comes, is that body") {
  const SharedBody body(kTag, kSize);
  CHECK(is_body(kTag, 0, body.bytes()));
  SegmentMemory memory;
  REQUIRE(memory.hold(600));
  write(memory, 300, part(body, 300, 300));
  CHECK(memory.data() == body.bytes().data());
  REQUIRE(memory.hold(kSize));
  write(memory, 0, part(body, 0, 300));
  write(memory, 600, part(body, 600, 400));
  CHECK(memory.held() == kSize);
  CHECK(memory.data() == body.bytes().data());
}

TEST_CASE("a segment with a byte of another source has memory of its own from then on") {
  const SharedBody body(kTag, kSize);
  const SharedBody other(kTag + 1, kSize);
  const std::vector<uint8_t> own(100, 9);
  SegmentMemory memory;
  REQUIRE(memory.hold(500));
  write(memory, 0, part(body, 0, 200));
  SECTION("of nobody") { write(memory, 200, {nullptr, 0, own}); }
  SECTION("of another body") { write(memory, 200, part(other, 200, 100)); }
  SECTION("of the same body, at another place") { write(memory, 200, part(body, 300, 100)); }
  CHECK(memory.data() != body.bytes().data());
  CHECK(is_body(kTag, 0, {memory.data(), 200}));
  CHECK_FALSE(is_body(kTag, 200, {memory.data() + 200, 100}));
  // What comes after it is copied, and growing moves all of it.
  write(memory, 300, part(body, 300, 200));
  REQUIRE(memory.hold(kSize));
  write(memory, 500, part(body, 500, 500));
  CHECK(is_body(kTag, 0, {memory.data(), 200}));
  CHECK(is_body(kTag, 300, {memory.data() + 300, 700}));
  CHECK(is_body(kTag, 0, body.bytes()));
  CHECK(is_body(kTag + 1, 0, other.bytes()));
}

}  // namespace hlsmesh::sim

// What came in of each segment, and what the player said of it.

#include "client/download/receipts.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("receipts: a segment counts as given once a load was answered with it") {
  SegmentCache cache(1024 * 1024);
  Receipts receipts;
  const Segment segment = part_segment(5);
  CHECK_FALSE(receipts.given(segment.key));
  receipts.add(cache, segment, Receipt());
  CHECK_FALSE(receipts.given(segment.key));
  CHECK(receipts.find(segment.key)->span.start == segment.span.start);
  Receipt answered;
  answered.load = LoadId(3);
  receipts.add(cache, segment, std::move(answered));
  CHECK(receipts.given(segment.key));
}

TEST_CASE("receipts: what the player refused stays refused until it takes another copy") {
  SegmentCache cache(1024 * 1024);
  Receipts receipts;
  const Segment segment = part_segment(5);
  receipts.add(cache, segment, Receipt());
  CHECK_FALSE(receipts.refused(segment.key));
  receipts.find(segment.key)->refused = LoadId(3);
  receipts.add(cache, segment, Receipt());
  CHECK(receipts.refused(segment.key));
  receipts.find(segment.key)->refused = LoadId();
  CHECK_FALSE(receipts.refused(segment.key));
}

TEST_CASE("receipts: the oldest go, but never those of segments in the cache") {
  SegmentCache cache(1024 * 1024);
  Receipts receipts;
  fill_with(cache.begin(part_segment(0), 2), part_body(2));
  const auto count = static_cast<int64_t>(Receipts::kOthers);
  for (int64_t sn = 0; sn <= count; ++sn) receipts.add(cache, part_segment(sn), Receipt());
  CHECK(receipts.find(part_segment(1).key) != nullptr);
  receipts.add(cache, part_segment(count + 1), Receipt());
  CHECK(receipts.find(part_segment(0).key) != nullptr);
  CHECK(receipts.find(part_segment(1).key) == nullptr);
  CHECK(receipts.find(part_segment(2).key) != nullptr);
  receipts.clear();
  CHECK(receipts.find(part_segment(0).key) == nullptr);
}

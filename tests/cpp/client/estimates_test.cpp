#include "client/download/estimates.hpp"

#include <catch2/catch.hpp>

using namespace hlsmesh;

TEST_CASE("estimates: the CDN's expected time follows bad news faster than good") {
  CdnTime time;
  const TimeMs now{};
  CHECK(time.expected(now) == DurationMs(1'000));
  time.measured(now, 3'000, 0, 0);
  CHECK(time.expected(now) == DurationMs(2'400));
  time.measured(now, 400, 0, 0);
  CHECK(time.expected(now) == DurationMs(1'800));
  for (int i = 0; i < 50; ++i) time.measured(now, 0, 0, 0);
  CHECK(time.expected(now) >= DurationMs(100));
  CHECK(time.expected(now) <= DurationMs(101));
}

TEST_CASE("estimates: a larger segment takes the CDN longer, by the rate of its bodies") {
  CdnTime time;
  const TimeMs now{};
  CHECK(time.line_bytes_per_ms() == 0);
  for (int i = 0; i < 50; ++i) time.measured(now, 300, 200, 200'000);
  CHECK(time.line_bytes_per_ms() == Approx(1'000));
  CHECK(time.expected(now) == time.expected(now, 200'000));
  CHECK(to_ms(time.expected(now, 1'200'000)) == Approx(1'300).margin(2));
  CHECK(to_ms(time.expected(now, 100'000)) == Approx(200).margin(2));
  CHECK(time.expected(now, 1) == DurationMs(100));
}

TEST_CASE("estimates: one slow answer says little of the line, and a cached one not too much") {
  CdnTime time;
  const TimeMs now{};
  for (int i = 0; i < 50; ++i) time.measured(now, 300, 200, 200'000);
  time.measured(now, 8'000, 7'900, 200'000);
  CHECK(time.line_bytes_per_ms() >= 800);
  CHECK(time.expected(now) > DurationMs(5'000));
  time.measured(now, 2, 1, 200'000);
  CHECK(time.line_bytes_per_ms() <= 4'000);
}

TEST_CASE("estimates: one slow fetch is forgotten while peers give everything, a slow CDN is not") {
  CdnTime time;
  const auto at = [](int ms) { return TimeMs(DurationMs(ms)); };
  for (int i = 0; i < 50; ++i) time.measured(at(0), 400, 300, 200'000);
  time.measured(at(0), 8'000, 7'900, 200'000);
  CHECK(time.expected(at(1'000)) > DurationMs(5'000));
  CHECK(time.expected(at(30'000)) < DurationMs(1'800));
  CHECK(time.expected(at(600'000)) < DurationMs(1'300));
  for (int i = 0; i < 50; ++i) time.measured(at(600'000), 3'000, 2'900, 200'000);
  CHECK(time.expected(at(900'000)) > DurationMs(2'900));
}

TEST_CASE("estimates: segment sizes are learnt by rendition") {
  SegmentSizes sizes;
  Segment segment;
  segment.key.rendition = "a";
  segment.span = {0, 4};
  CHECK(sizes.expected(segment) == 0);
  sizes.measured(segment, 400'000);
  segment.span = {4, 2};
  CHECK(sizes.expected(segment) == 200'000);
  segment.key.rendition = "b";
  CHECK(sizes.expected(segment) == 0);
}

TEST_CASE("estimates: a size many times the usual is not plausible, a few MB always are") {
  SegmentSizes sizes;
  Segment segment;
  segment.key.rendition = "a";
  segment.span = {0, 4};
  CHECK(sizes.plausible(segment, 64'000'000));
  sizes.measured(segment, 1'000'000);
  CHECK(sizes.plausible(segment, 8 * 1024 * 1024));
  CHECK(sizes.plausible(segment, 16'000'000));
  CHECK_FALSE(sizes.plausible(segment, 17'000'000));
  CHECK(sizes.most_bytes_per_ms() == 250);
}

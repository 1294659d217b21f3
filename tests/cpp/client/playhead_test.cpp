#include "client/player/playhead.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace hlsmesh;

TEST_CASE("playhead: slack is the media time before the stall") {
  Playhead playhead;
  const TimeMs t0{DurationMs(5'000)};
  CHECK(playhead.slack(t0, {20, 4}) == DurationMs(0));
  playhead.report(t0, {10, 22, 1});
  CHECK(playhead.slack(t0, {22, 4}) == DurationMs(12'000));
  CHECK(playhead.slack(t0, {30, 4}) == DurationMs(12'000));
  CHECK(playhead.slack(t0, {14, 4}) == DurationMs(4'000));
  CHECK(playhead.slack(t0, {6, 4}) == DurationMs(0));
  CHECK(playhead.slack(t0 + DurationMs(2'000), {22, 4}) == DurationMs(10'000));
  CHECK(playhead.slack(t0 + DurationMs(60'000), {22, 4}) == DurationMs(0));
}

TEST_CASE("playhead: a paused player's slack stands still, a fast one's shrinks") {
  Playhead playhead;
  const TimeMs t0{DurationMs(5'000)};
  playhead.report(t0, {10, 22, 0});
  CHECK(playhead.slack(t0 + DurationMs(60'000), {22, 4}) == DurationMs(12'000));
  playhead.report(t0, {10, 22, 2});
  CHECK(playhead.slack(t0, {22, 4}) == DurationMs(6'000));
  playhead.report(t0, {10, 22, 0.5});
  CHECK(playhead.slack(t0, {22, 4}) == DurationMs(12'000));
}

TEST_CASE("playhead: figures that are no numbers mean no slack") {
  Playhead playhead;
  const TimeMs t0{};
  playhead.report(t0, {0, std::numeric_limits<double>::quiet_NaN(), 1});
  CHECK(playhead.slack(t0, {0, 4}) == DurationMs(0));
  playhead.report(t0, {0, 10, std::numeric_limits<double>::infinity()});
  CHECK(playhead.slack(t0, {8, 4}) == DurationMs(0));
}

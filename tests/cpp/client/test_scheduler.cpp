#include <catch2/catch.hpp>

#include "client/estimates.hpp"
#include "client/playhead.hpp"
#include "client/scheduler.hpp"

using namespace hlsmesh;

namespace {

Need need(int64_t slack_ms, int64_t cdn_ms = 1'000) {
  Need made;
  made.slack = DurationMs(slack_ms);
  made.cdn_time = DurationMs(cdn_ms);
  return made;
}

Candidate idle(int32_t peer) {
  Candidate made;
  made.peer = PeerHandle(peer);
  return made;
}

Candidate busy(int32_t peer) {
  Candidate made = idle(peer);
  made.busy = true;
  return made;
}

constexpr DurationMs kNone{0};

}  // namespace

TEST_CASE("scheduler: no slack means the CDN, however many parents there are") {
  const Decision decision = decide(need(0), {idle(1), idle(2)}, DurationMs(3'000));
  CHECK(decision.kind == Decision::Kind::kCdn);
}

TEST_CASE("scheduler: an idle parent is asked, and given up in time for a CDN fetch") {
  const Decision decision = decide(need(4'000), {idle(7)}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kAsk);
  CHECK(decision.peer == PeerHandle(7));
  // 4,000 − 1.5 × 1,000 − 500
  CHECK(decision.within == DurationMs(2'000));
}

TEST_CASE("scheduler: no transfer gets more than the P2P load timeout") {
  const Decision decision = decide(need(60'000), {idle(7)}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kAsk);
  CHECK(decision.within == kLongestAsk);
}

TEST_CASE("scheduler: less time than a parent needs goes to the CDN at once") {
  CHECK(decide(need(2'399), {idle(1)}, kNone).kind == Decision::Kind::kCdn);
  CHECK(decide(need(2'400), {idle(1)}, kNone).kind == Decision::Kind::kAsk);
}

TEST_CASE("scheduler: a slow CDN leaves less time to a parent") {
  CHECK(decide(need(4'000, 500), {idle(1)}, kNone).within == DurationMs(2'750));
  CHECK(decide(need(4'000, 2'400), {idle(1)}, kNone).kind == Decision::Kind::kCdn);
}

TEST_CASE("scheduler: the parent that should finish first is asked") {
  Need wanted = need(20'000);
  wanted.expected_bytes = 1'000'000;
  Candidate slow = idle(1);
  slow.bytes_per_ms = 500;  // 2 s
  Candidate fast = idle(2);
  fast.bytes_per_ms = 2'000;  // 0.5 s
  fast.round_trip = DurationMs(100);
  CHECK(decide(wanted, {slow, fast}, kNone).peer == PeerHandle(2));
  CHECK(decide(wanted, {fast, slow}, kNone).peer == PeerHandle(2));
  slow.bytes_per_ms = 100;  // 10 s: it would be given up before its end
  CHECK(decide(wanted, {slow}, kNone).kind == Decision::Kind::kCdn);
}

TEST_CASE("scheduler: among equal parents the first is asked") {
  CHECK(decide(need(20'000), {idle(3), idle(4)}, kNone).peer == PeerHandle(3));
}

TEST_CASE("scheduler: busy parents are waited for as long as one could still be asked") {
  const Decision decision = decide(need(4'000), {busy(1)}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kWait);
  CHECK(decision.within == DurationMs(2'000) - kLeastAsk);
  CHECK(decide(need(60'000), {busy(1)}, kNone).within == kLongestWait);
  Need patient = need(60'000);
  patient.waited = kLongestWait;
  CHECK(decide(patient, {busy(1)}, kNone).kind == Decision::Kind::kCdn);
  CHECK(decide(patient, {idle(1)}, kNone).kind == Decision::Kind::kAsk);
}

TEST_CASE("scheduler: a parent that is not ready yet is waited for until it is") {
  Candidate soon = idle(1);
  soon.ready_in = DurationMs(250);
  const Decision decision = decide(need(10'000), {soon}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kWait);
  CHECK(decision.within == DurationMs(250));
}

TEST_CASE("scheduler: prospects are worth waiting for only while they last and slack allows") {
  CHECK(decide(need(10'000), {}, DurationMs(700)).within == DurationMs(700));
  CHECK(decide(need(3'000), {}, DurationMs(3'000)).within == DurationMs(600));
  CHECK(decide(need(10'000), {}, kNone).kind == Decision::Kind::kCdn);
}

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

TEST_CASE("estimates: the CDN's expected time follows bad news faster than good") {
  CdnTime time;
  CHECK(time.expected() == DurationMs(1'000));
  time.measured(DurationMs(3'000));
  CHECK(time.expected() == DurationMs(2'400));
  time.measured(DurationMs(400));
  CHECK(time.expected() == DurationMs(1'800));
  for (int i = 0; i < 50; ++i) time.measured(DurationMs(0));
  CHECK(time.expected() >= DurationMs(100));
  CHECK(time.expected() <= DurationMs(101));
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

#include "client/download/scheduler.hpp"

#include <catch2/catch.hpp>

#include "client/download/estimates.hpp"
#include "client/player/playhead.hpp"

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

TEST_CASE("scheduler: an idle parent is asked, and has the load's patience to answer") {
  const Decision decision = decide(need(20'000), {idle(7)}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kAsk);
  CHECK(decision.peer == PeerHandle(7));
  CHECK(decision.within == patience(need(20'000), false));
}

TEST_CASE("scheduler: a load without patience goes to the CDN at once") {
  Need hasty = need(20'000);
  hasty.waited = patience(hasty, false) - kLeastAsk;
  hasty.slack -= hasty.waited;
  CHECK(decide(hasty, {idle(1)}, kNone).kind == Decision::Kind::kAsk);
  hasty.waited += DurationMs(1);
  hasty.slack -= DurationMs(1);
  CHECK(decide(hasty, {idle(1)}, kNone).kind == Decision::Kind::kCdn);
}

TEST_CASE("scheduler: the parent that should finish first is asked") {
  Need wanted = need(29'000);
  wanted.expected_bytes = 1'000'000;
  Candidate slow = idle(1);
  slow.bytes_per_ms = 500;  // 2 s
  Candidate fast = idle(2);
  fast.bytes_per_ms = 2'000;  // 0.5 s
  fast.round_trip = DurationMs(100);
  CHECK(decide(wanted, {slow, fast}, kNone).peer == PeerHandle(2));
  CHECK(decide(wanted, {fast, slow}, kNone).peer == PeerHandle(2));
  slow.bytes_per_ms = 80;  // 12.5 s: it would be given up before its end
  CHECK(decide(wanted, {slow}, kNone).kind == Decision::Kind::kCdn);
}

TEST_CASE("scheduler: among equal parents the first is asked") {
  CHECK(decide(need(20'000), {idle(3), idle(4)}, kNone).peer == PeerHandle(3));
}

TEST_CASE("scheduler: busy parents are waited for as long as one could still be asked") {
  const Need wanted = need(28'000);
  const Decision decision = decide(wanted, {busy(1)}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kWait);
  CHECK(decision.within == patience(wanted, false) - kLeastAsk);
  Candidate long_busy = busy(1);
  long_busy.free_in = DurationMs(60'000);
  CHECK(decide(wanted, {long_busy}, kNone).kind == Decision::Kind::kCdn);
  long_busy.free_in = DurationMs(1'000);
  CHECK(decide(wanted, {long_busy}, kNone).kind == Decision::Kind::kWait);
  CHECK(decide(wanted, {long_busy, idle(2)}, kNone).peer == PeerHandle(2));
}

TEST_CASE("scheduler: a parent that is not ready yet is waited for until it is") {
  Candidate soon = idle(1);
  soon.ready_in = DurationMs(250);
  const Decision decision = decide(need(20'000), {soon}, kNone);
  REQUIRE(decision.kind == Decision::Kind::kWait);
  CHECK(decision.within == DurationMs(250));
}

TEST_CASE("scheduler: prospects are worth waiting for only while they last and patience allows") {
  const Need wanted = need(20'000);
  CHECK(decide(wanted, {}, DurationMs(700)).within == DurationMs(700));
  CHECK(decide(wanted, {}, DurationMs(30'000)).within == patience(wanted, false) - kLeastAsk);
  CHECK(decide(wanted, {}, kNone).kind == Decision::Kind::kCdn);
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

TEST_CASE("one slow fetch is forgotten while peers give everything, a slow CDN is not") {
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

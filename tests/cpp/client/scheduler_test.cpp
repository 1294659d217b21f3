#include "client/download/scheduler.hpp"

#include <catch2/catch.hpp>

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

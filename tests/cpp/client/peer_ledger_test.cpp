// What each peer may have of us, has had and has done to us.

#include "client/upload/peer_ledger.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace hlsmesh;

TEST_CASE("C9: pauses grow with each wrong, differ by its kind, and are forgotten") {
  PeerLedger ledger;
  TimeMs now(DurationMs(1'000'000));
  const PeerId id{"p"};
  const auto pause = [&](PeerEnd end, bool open, DurationMs lasted) {
    ledger.on_end(now, id, end, open, lasted);
    DurationMs waited{};
    while (!ledger.may_meet(now + waited, id, false)) waited += DurationMs(1'000);
    now += waited;
    return waited.count() / 1'000;
  };
  CHECK(pause(PeerEnd::kFailed, true, DurationMs(60'000)) == 0);
  CHECK(pause(PeerEnd::kClosedByPeer, true, DurationMs(10)) == 0);
  CHECK(pause(PeerEnd::kDisconnectedByTracker, true, DurationMs(10)) == 0);
  CHECK(pause(PeerEnd::kMisbehaved, true, DurationMs(60'000)) == 60);
  CHECK(pause(PeerEnd::kMisbehaved, true, DurationMs(60'000)) == 120);
  CHECK(pause(PeerEnd::kTimedOut, true, DurationMs(60'000)) == 120);
  for (int i = 0; i < 20; ++i) pause(PeerEnd::kMisbehaved, true, DurationMs(1'000));
  CHECK(pause(PeerEnd::kMisbehaved, true, DurationMs(1'000)) == 900);
  now += PeerLedger::kForgotten;
  CHECK(pause(PeerEnd::kMisbehaved, true, DurationMs(1'000)) == 60);
  CHECK_FALSE(ledger.may_meet(now - DurationMs(1), id, true));
  now += DurationMs(60'000) + PeerLedger::kForgotten;
  // It had nothing for us, but may be glad of us.
  ledger.on_end(now, id, PeerEnd::kUseless, true, DurationMs(60'000));
  CHECK_FALSE(ledger.may_meet(now, id, false));
  CHECK(ledger.may_meet(now, id, true));
  now += DurationMs(120'000) + PeerLedger::kForgotten;
  // A connection that breaks once is nobody's fault.
  CHECK(pause(PeerEnd::kFailed, true, DurationMs(1'000)) == 0);
  CHECK(pause(PeerEnd::kFailed, true, DurationMs(1'000)) == 4);
}

TEST_CASE("C9: strangers without end do not fill the memory") {
  PeerLedger ledger;
  const TimeMs now(DurationMs(1'000'000));
  for (int i = 0; i < 1'000; ++i) {
    ledger.on_end(now, PeerId{std::to_string(i)}, PeerEnd::kRefused, false, {});
  }
  CHECK_FALSE(ledger.may_meet(now + DurationMs(1'000), PeerId{"999"}, false));
  CHECK(ledger.may_meet(now + DurationMs(1'000), PeerId{"0"}, false));
}

TEST_CASE("peer ledger: an id keeps its number, and a child may offer three times at once") {
  PeerLedger ledger;
  const TimeMs now(DurationMs(1'000'000));
  const int32_t number = ledger.number_of(PeerId{"a"});
  CHECK(ledger.number_of(PeerId{"b"}) != number);
  CHECK(ledger.number_of(PeerId{"a"}) == number);
  for (int i = 0; i < 3; ++i) CHECK(ledger.admit_offer(now, PeerId{"a"}));
  CHECK_FALSE(ledger.admit_offer(now, PeerId{"a"}));
  CHECK(ledger.admit_offer(now, PeerId{"b"}));
  CHECK(ledger.admit_offer(now + DurationMs(10'000), PeerId{"a"}));
}

TEST_CASE(
    "peer ledger: only when one with no more than its share is refused, those with more are") {
  PeerLedger ledger;
  const TimeMs now(DurationMs(1'000'000));
  const int32_t greedy = ledger.number_of(PeerId{"greedy"});
  const int32_t modest = ledger.number_of(PeerId{"modest"});
  CHECK(ledger.asks(now, greedy));
  CHECK(ledger.asks(now, modest));
  ledger.on_sent(now, greedy, 900);
  ledger.on_sent(now, modest, 300);
  CHECK(ledger.has_more(now, greedy));
  CHECK_FALSE(ledger.has_more(now, modest));
  CHECK_FALSE(ledger.hogs(now, greedy));
  CHECK(ledger.asks(now, greedy));
  ledger.on_refused(now, greedy, DurationMs(5'000));
  CHECK(ledger.asks(now, greedy));
  ledger.on_refused(now, modest, DurationMs(5'000));
  CHECK_FALSE(ledger.asks(now + DurationMs(4'999), greedy));
  CHECK(ledger.asks(now + DurationMs(4'999), modest));
  CHECK(ledger.asks(now + DurationMs(5'000), greedy));
  ledger.on_spared(greedy, 600);
  CHECK_FALSE(ledger.has_more(now, greedy));
}

TEST_CASE("peer ledger: a child that was alone with its bytes has them halved every 10 s") {
  PeerLedger ledger;
  TimeMs now(DurationMs(1'000'000));
  const int32_t before = ledger.number_of(PeerId{"before"});
  const int32_t after = ledger.number_of(PeerId{"after"});
  ledger.asks(now, before);
  ledger.on_sent(now, before, 800);
  now += DurationMs(10'000);
  ledger.asks(now, before);
  ledger.asks(now, after);
  ledger.on_sent(now, after, 400);
  CHECK_FALSE(ledger.has_more(now, before));
}

TEST_CASE("peer ledger: what a child has had it may have again once a minute") {
  PeerLedger ledger;
  const TimeMs now(DurationMs(1'000'000));
  const int32_t child = ledger.number_of(PeerId{"a"});
  CHECK(ledger.may_repeat(now, child, false));
  CHECK(ledger.may_repeat(now, child, true));
  CHECK_FALSE(ledger.may_repeat(now, child, true));
  CHECK_FALSE(ledger.may_repeat(now + DurationMs(59'999), child, false));
  CHECK(ledger.may_repeat(now + DurationMs(60'000), child, false));
  CHECK_FALSE(ledger.may_repeat(now, child + 1, false));
}

TEST_CASE("peer ledger: what one peer may signal is bounded in messages and in bytes") {
  SignalAllowance many;
  for (int i = 0; i < 128; ++i) CHECK(many.take(1));
  CHECK_FALSE(many.take(1));
  SignalAllowance large;
  CHECK(large.take(64 * 1024));
  CHECK_FALSE(large.take(1));
  CHECK(large.take(0));
}

#include "client/timers.hpp"

#include <catch2/catch.hpp>

#include "pair.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("timers: the earliest counts, and of two at once the first that was named") {
  Timer timer;
  CHECK(timer.due == kNever);
  CHECK(timer.why == Wake::kNothing);
  timer.also(kNever, Wake::kLine);
  CHECK(timer.why == Wake::kNothing);
  timer.also(TimeMs(DurationMs(20)), Wake::kLoad);
  timer.also(TimeMs(DurationMs(20)), Wake::kLine);
  CHECK(timer.why == Wake::kLoad);
  timer.also(TimeMs(DurationMs(10)), Wake::kAnswer);
  CHECK(timer.due == TimeMs(DurationMs(10)));
  CHECK(timer.why == Wake::kAnswer);
}

TEST_CASE("timers: an engine says what it wants to be woken for") {
  Harness h;
  CHECK(h.engine.next_wake() == Wake::kNothing);
  h.start();
  CHECK(h.engine.next_wake() == Wake::kTracker);
  h.socket_open();
  CHECK(h.engine.next_wake() == Wake::kTracker);
  tracker_wire::Accept accept;
  accept.peer_id = PeerId{"me"};
  h.tracker_says(accept);
  CHECK(h.engine.next_wake() == Wake::kReport);
  h.tracker_says(tracker_wire::Connect{PeerId{"p1"}});
  CHECK(h.engine.next_wake() == Wake::kConnection);

  Pair pair;
  CHECK(pair.child.engine.next_wake() == Wake::kKeepAlive);
  pair.parent.load(7, 5, true);
  pair.child.load(1, 5);
  CHECK(pair.child.engine.next_wake() == Wake::kLoad);
  pair.settle();
  CHECK(pair.parent.engine.next_wake() == Wake::kChild);
}

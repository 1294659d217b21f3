// Two engines that talk to each other.

#include "pair.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kBytes = 300'000;  // five packets

}  // namespace

TEST_CASE("pair: what the parent has reaches the child's player whole, and both count the same") {
  Pair pair;
  pair.parent.cache_segment(5, kBytes);
  pair.settle();
  pair.child.load(1, 5);
  pair.settle();
  const auto done = pair.child.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].data == Harness::body(5, kBytes));
  CHECK_FALSE(pair.child.went_to_cdn(1));
  CHECK(pair.child.engine.stats().p2p_bytes == kBytes);
  CHECK(pair.parent.engine.stats().upload_bytes == kBytes);
}

TEST_CASE("pair: a segment that the parent lacks comes from the CDN, once the parent has said so") {
  Pair pair;
  pair.parent.cache_segment(3, kBytes);
  pair.settle();
  pair.child.load(1, 5);
  pair.settle();
  CHECK(pair.child.went_to_cdn(1));
  CHECK(pair.child.engine.stats().fallbacks == 1);
}

TEST_CASE("pair: a parent that is getting the segment itself holds the request until it is there") {
  Pair pair;
  pair.parent.load(7, 5, true);
  pair.child.load(1, 5);
  pair.advance(600);
  CHECK(pair.child.all(CommandKind::kLoadDone).empty());
  CHECK_FALSE(pair.child.went_to_cdn(1));
  pair.parent.fetch_done(7, Harness::body(5, kBytes));
  pair.settle();
  CHECK(pair.child.all(CommandKind::kLoadDone).size() == 1);
}

TEST_CASE("pair: a connection that breaks within a transfer costs the child a fetch, and no more") {
  Pair pair;
  pair.parent.load(7, 5, true);
  pair.child.load(1, 5);
  pair.settle();
  pair.cut();
  pair.advance(1'000);  // the tracker may name another parent until then
  CHECK(pair.child.went_to_cdn(1));
  CHECK(pair.child.engine.peers().empty());
  CHECK(pair.parent.engine.peers().empty());
  pair.child.fetch_done(1, Harness::body(5, kBytes));
  CHECK(pair.child.engine.cache().segment_count() == 1);
}

TEST_CASE("pair: a source that begins anew is told, and nothing of the one before is served") {
  Pair pair;
  pair.parent.cache_segment(5, kBytes);
  pair.settle();
  pair.parent.engine.on_presentation(pair.parent.now);
  pair.parent.drain();
  pair.settle();
  pair.child.load(1, 5);
  pair.settle();
  CHECK(pair.child.went_to_cdn(1));
  CHECK(pair.parent.engine.stats().upload_bytes == 0);
}

TEST_CASE("pair: a child that is stopped says so, and its parent has a place free") {
  Pair pair;
  pair.child.engine.stop(pair.child.now);
  pair.child.drain();
  pair.settle();
  CHECK(pair.child.engine.peers().empty());
  CHECK(pair.parent.engine.peers().empty());
  const auto closed = pair.parent.events(EventCode::kPeerClosed);
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].aux == static_cast<double>(PeerEnd::kClosedByPeer));
}

TEST_CASE("pair: with nothing to do for an hour, both wake for KEEPALIVE and reports, and stay") {
  Pair pair;
  pair.advance(3'600'000);
  CHECK(pair.child.engine.peers().size() == 1);
  CHECK(pair.parent.engine.peers().size() == 1);
  for (const Harness* h : {&pair.parent, &pair.child}) {
    const Wake why = h->engine.next_wake();
    CHECK((why == Wake::kKeepAlive || why == Wake::kReport));
    // A KEEPALIVE and its ACK each 10 s.
    CHECK(h->all(CommandKind::kChannelSendText).size() <= 2 * 361 + 2);
  }
}

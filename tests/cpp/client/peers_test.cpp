// How connections live and end, without engine and player.

#include "client/peers/peers.hpp"

#include <catch2/catch.hpp>

#include "connected.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("peers: a channel that opens is told to page and tracker, and a KEEPALIVE goes out") {
  Connected c;
  PeerSession& parent = c.dial("p1");
  CHECK(c.peers.hope() > kStart);
  c.peers.on_open(kStart, parent.handle, 0);
  const Connected::Out out = c.take();
  REQUIRE(out.event(EventCode::kPeerOpened) != nullptr);
  CHECK(out.event(EventCode::kPeerOpened)->text == "p1");
  REQUIRE(out.told<tracker_wire::DcOpened>() != nullptr);
  CHECK(out.told<tracker_wire::DcOpened>()->dc_id == "me-p1");
  CHECK(out.commands.back().message().event == peer::Event::kKeepAlive);
  CHECK(c.downloads.parent(parent.handle) == &*parent.parent);
  CHECK(c.peers.audit() == nullptr);
  // A child is the other side's to report.
  PeerSession& child = c.answer("c1");
  c.take();
  c.peers.on_open(kStart, child.handle, 0);
  CHECK(c.take().told<tracker_wire::DcOpened>() == nullptr);
  CHECK(c.downloads.parent(child.handle) == nullptr);
}

TEST_CASE("peers: one that does not open within 10 s is given up, and the tracker told") {
  Connected c;
  PeerSession& parent = c.dial("p1");
  c.take();
  c.peers.on_timeout(after(9'999));
  CHECK(c.take().commands.empty());
  c.peers.on_timeout(after(10'000));
  const Connected::Out out = c.take();
  CHECK(out.has(CommandKind::kPeerClose));
  REQUIRE(out.told<tracker_wire::DcFailed>() != nullptr);
  CHECK(out.told<tracker_wire::DcFailed>()->reason == tracker_wire::EndReason::kSilent);
  CHECK(parent.ended);
  c.peers.sweep();
  CHECK(c.peers.table().find(PeerId{"p1"}) == nullptr);
}

TEST_CASE("peers: an end is told once; what is open says CLOSE, and a liar hears ERROR") {
  Connected c;
  PeerSession& parent = c.open(c.dial("p1"));
  PeerSession& liar = c.open(c.dial("p2"));
  c.peers.end(kStart, parent, PeerEnd::kClosedByUs);
  Connected::Out out = c.take();
  CHECK(out.commands.front().message().event == peer::Event::kClose);
  CHECK(out.told<tracker_wire::DcClosed>() != nullptr);
  CHECK(c.downloads.parents().size() == 1);
  c.peers.end(kStart, parent, PeerEnd::kClosedByUs);
  CHECK(c.take().commands.empty());
  c.peers.misbehaved(kStart, liar, FallbackReason::kProtocol, "what it did");
  out = c.take();
  CHECK(out.commands.front().text == "what it did");
  CHECK(out.commands[1].message().event == peer::Event::kError);
  CHECK(out.told<tracker_wire::DcClosed>()->reason == tracker_wire::EndReason::kMisbehaved);
  CHECK(c.stats.malformed == 1);
  CHECK_FALSE(c.peers.ledger().may_meet(kStart, PeerId{"p2"}, true));
}

TEST_CASE("peers: of parents that miss segments the one that missed most is the worst") {
  Connected c;
  PeerSession& better = c.open(c.dial("p1"));
  PeerSession& worse = c.open(c.dial("p2"));
  for (int i = 0; i < 2; ++i) better.parent->usefulness.missed(kStart);
  for (int i = 0; i < 3; ++i) worse.parent->usefulness.missed(kStart);
  CHECK(c.peers.worst_parent(2) == &worse);
  CHECK(c.peers.worst_parent(4) == nullptr);
  worse.neighbor.we_lead = true;
  CHECK(c.peers.worst_parent(2) == &better);
}

TEST_CASE("peers: a useless parent is given back, the next one after a pause that grows") {
  Connected c;
  const auto make_useless = [&](const char* id) {
    PeerSession& parent = c.open(c.dial(id));
    for (int i = 0; i < 5; ++i) parent.parent->usefulness.missed(after(i * 4'000));
  };
  make_useless("p1");
  make_useless("p2");
  make_useless("p3");
  const auto left = [&](int64_t ms) {
    c.peers.give_back_parent(after(ms));
    c.peers.sweep();
    return c.peers.table().count(true, true);
  };
  CHECK(left(16'000) == 2);
  CHECK(left(20'999) == 2);
  CHECK(left(21'000) == 1);
  CHECK(left(30'999) == 1);
  CHECK(left(31'000) == 0);
}

TEST_CASE("peers: while parents are too slow for what they hold, the slowest is given back") {
  Connected c;
  PeerSession& quick = c.open(c.dial("p1"));
  PeerSession& slow = c.open(c.dial("p2"));
  PeerSession& fresh = c.open(c.dial("p3"));  // has sent nothing yet
  quick.neighbor.asks.on_piece(DurationMs(30));
  slow.neighbor.asks.on_piece(DurationMs(300));
  for (int i = 0; i < 4; ++i) c.mesh.shortage().late();
  SECTION("and no more are") {
    c.peers.give_back_parent(after(20'000));
    CHECK(slow.ended);
    CHECK(c.take().told<tracker_wire::DcClosed>()->reason == tracker_wire::EndReason::kUseless);
    c.peers.give_back_parent(after(40'000));
    CHECK_FALSE(quick.ended);
  }
  SECTION("but not the only one") {
    c.peers.end(kStart, quick, PeerEnd::kClosedByUs);
    c.peers.end(kStart, fresh, PeerEnd::kClosedByUs);
    c.peers.sweep();
    c.peers.give_back_parent(after(20'000));
    CHECK_FALSE(slow.ended);
  }
  SECTION("unless it has us fetch first") {
    slow.neighbor.we_lead = true;
    c.peers.give_back_parent(after(20'000));
    CHECK(quick.ended);
    CHECK_FALSE(slow.ended);
  }
}

TEST_CASE("peers: with nothing left to give, children are ended, and parents kept") {
  Connected c;
  c.open(c.dial("p1"));
  c.open(c.answer("c1"));
  c.peers.serve(kStart);
  CHECK(c.peers.table().count(false, true) == 1);
  EngineLimits limits;
  limits.upload_bytes = 0;
  c.peers.set_upload_limits(limits);
  CHECK_FALSE(c.peers.serves());
  c.peers.serve(kStart);
  CHECK(c.peers.table().count(false, true) == 0);
  CHECK(c.peers.table().count(true, true) == 1);
}

TEST_CASE(
    "peers: the page hears once that a viewer is alone, a minute after the tracker's accept") {
  Connected c;
  c.peers.on_accepted(kStart);
  CHECK(c.peers.hope() == after(1'000));
  c.peers.on_timeout(after(59'999));
  CHECK(c.take().event(EventCode::kAlone) == nullptr);
  c.peers.on_timeout(after(60'000));
  CHECK(c.take().event(EventCode::kAlone) != nullptr);
  c.peers.on_accepted(after(61'000));
  c.peers.on_timeout(after(200'000));
  CHECK(c.take().event(EventCode::kAlone) == nullptr);
}

TEST_CASE("peers: what the driver reports of a connection that is gone changes nothing") {
  Connected c;
  const PeerHandle gone = c.dial("p1").handle;
  c.peers.on_closed(kStart, gone);
  c.peers.sweep();
  c.take();
  c.peers.on_closed(kStart, gone);
  c.peers.on_open(kStart, gone, 0);
  c.peers.on_writable(kStart, gone, 0);
  c.peers.on_signal(gone, "{}");
  c.peers.on_text(kStart, gone, R"({"event":"KEEPALIVE"})");
  CHECK(c.peers.room(gone, 100, {}).empty());
  CHECK(c.take().commands.empty());
}

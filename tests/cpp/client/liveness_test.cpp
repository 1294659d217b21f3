#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("keepalive: sent the moment a channel opens, with level and newest sn, then every 10 s") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.clear();
  const int32_t peer = h.open_parent("p1", false);
  auto sent = h.sent<peer::KeepAlive>(peer);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].hlsmesh == peer::kExtension);
  CHECK_FALSE(sent[0].current);
  h.peer_says(peer, peer::KeepAliveAck{std::nullopt, std::nullopt});
  h.cache_segment(9, 1'000);
  h.clear();
  h.advance(9'999);
  CHECK(h.sent<peer::KeepAlive>(peer).empty());
  h.advance(1);
  sent = h.sent<peer::KeepAlive>(peer);
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].current == MediaSequence(9));
}

TEST_CASE("keepalive: answered at once, to parent and child alike") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.cache_segment(9, 1'000);
  for (const int32_t peer : {h.open_parent("p1", false), h.open_child("c1")}) {
    h.clear();
    h.peer_says_text(peer, R"({"event":"KEEPALIVE"})");
    const auto acks = h.sent<peer::KeepAliveAck>(peer);
    REQUIRE(acks.size() == 1);
    CHECK(acks[0].current == MediaSequence(9));
    CHECK(acks[0].hlsmesh == peer::kExtension);
  }
}

TEST_CASE("keepalive: a peer that never speaks it lives") {
  Harness h;
  h.join();
  const int32_t peer = h.open_parent("p1", false);
  h.clear();
  h.advance(300'000);
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  CHECK(h.sent<peer::KeepAlive>(peer).size() == 30);
  CHECK(h.engine.peers().front().version1);
}

TEST_CASE("keepalive: one that spoke it and falls silent is dead after three misses") {
  Harness h;
  h.join();
  const int32_t peer = h.open_parent("p1", true);
  h.peer_says(peer, peer::KeepAliveAck{});
  h.clear();
  h.advance(15'999);
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
  CHECK(h.sent<peer::KeepAlive>(peer).size() == 3);
  h.advance(1);
  CHECK(h.has(CommandKind::kPeerClose));
  CHECK(h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kTimedOut));
  CHECK(h.told_tracker<tracker_wire::DcClosed>().size() == 1);
}

TEST_CASE("keepalive: any word in between is a sign of life") {
  Harness h;
  h.join();
  const int32_t peer = h.open_parent("p1", true);
  h.peer_says(peer, peer::KeepAliveAck{});
  h.clear();
  for (int i = 0; i < 100; ++i) {
    h.advance(1'000);
    h.peer_says_text(peer, R"({"event":"SOMETHING"})");
  }
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
}

TEST_CASE("keepalive: a child whose channel we fill is not taken for dead") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t child = h.open_child("c1");
  h.peer_says(child, peer::KeepAlive{});
  h.cache_segment(9, 4'000'000);
  h.peer_says(child, peer::Request{"seg9.ts", MediaSequence(9), std::nullopt});
  h.clear();
  h.advance(25'000);
  CHECK_FALSE(h.has(CommandKind::kPeerClose));
}

TEST_CASE("keepalive: measures the round trip") {
  Harness h;
  h.join();
  const int32_t peer = h.open_parent("p1", false);
  CHECK(h.engine.peers().front().rtt_ms < 0);
  h.advance(35);
  h.peer_says(peer, peer::KeepAliveAck{});
  CHECK(h.engine.peers().front().rtt_ms == 35);
}

TEST_CASE("peers: the page is told of each, with its id and part") {
  Harness h;
  h.join();
  const int32_t parent = h.open_parent("p1", true);
  const int32_t child = h.open_child("c1");
  const auto opened = h.events(EventCode::kPeerOpened);
  REQUIRE(opened.size() == 2);
  CHECK(opened[0].text == "p1");
  CHECK(opened[1].text == "c1");
  const auto peers = h.engine.peers();
  REQUIRE(peers.size() == 2);
  CHECK(peers.front().handle == PeerHandle(parent));
  CHECK(peers.front().id == "p1");
  CHECK(peers.front().is_parent);
  CHECK(peers.front().open);
  CHECK_FALSE(peers.front().version1);
  CHECK(peers.back().handle == PeerHandle(child));
  CHECK_FALSE(peers.back().is_parent);
  CHECK(h.engine.stats().parents == 1);
  CHECK(h.engine.stats().children == 1);
}

TEST_CASE("peers: handles are never used again, and late events for one that is gone are ignored") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t first = h.open_parent("p1", true);
  h.peer_closed(first);
  const int32_t second = h.open_parent("p1", true);
  CHECK(second > first);
  h.clear();
  h.peer_says(first, peer::KeepAlive{});
  h.peer_says_text(first, "garbage");
  h.peer_sends(first, "bytes");
  h.writable(first, 0);
  h.peer_closed(first);
  h.engine.on_channel_open(h.now, PeerHandle(first), 0);
  h.engine.on_peer_signal(h.now, PeerHandle(first), "{}");
  h.drain();
  CHECK(h.log.empty());
  CHECK(h.engine.stats().malformed == 0);
}

// How connections begin, by what the tracker says.

#include "client/peers/dialling.hpp"

#include <catch2/catch.hpp>

#include "connected.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct DiallingRoom : Connected {
  Dialling dialling{commands, tracker, peers, config.limits};

  Out connect(const std::string& id, int64_t ms = 0) {
    tracker_wire::TrackerFields message;
    message.action = tracker_wire::TrackerAction::kConnect;
    return say(message, id, ms);
  }
  Out signal(const std::string& id, std::string_view data, int64_t ms = 0) {
    tracker_wire::TrackerFields message;
    message.action = tracker_wire::TrackerAction::kSignal;
    message.data = tracker_wire::SignalData(data);
    return say(message, id, ms);
  }
  Out offer(const std::string& id, int64_t ms = 0) {
    return signal(id, R"({"type":"offer","sdp":"v=0"})", ms);
  }
  Out disconnect(const std::string& id) {
    tracker_wire::TrackerFields message;
    message.action = tracker_wire::TrackerAction::kDisconnect;
    return say(message, id, 0);
  }

 private:
  Out say(tracker_wire::TrackerFields& message, const std::string& id, int64_t ms) {
    message.peer_id = PeerId{id};
    dialling.on_message(after(ms), message);
    peers.sweep();
    return take();
  }
};

bool refused(const Connected::Out& out) {
  const auto* signal = out.told<tracker_wire::SignalTo>();
  return signal != nullptr && signal->data.text() == tracker_wire::kRefusal;
}

}  // namespace

TEST_CASE("dialling: whom the tracker names is dialled, once, and never ourselves") {
  DiallingRoom r;
  const Connected::Out out = r.connect("p1");
  REQUIRE(out.has(CommandKind::kPeerDial));
  const PeerSession* const session = r.peers.table().find(PeerId{"p1"});
  REQUIRE(session != nullptr);
  CHECK(session->is_parent());
  CHECK_FALSE(r.connect("p1").has(CommandKind::kPeerDial));
  CHECK_FALSE(r.connect("me").has(CommandKind::kPeerDial));
  CHECK(r.peers.hope() == after(4'000));
}

TEST_CASE("dialling: a `connect` that is not followed is answered at once") {
  DiallingRoom r;
  SECTION("there are parents enough") {
    for (const char* id : {"a", "b", "c", "d"}) CHECK(r.connect(id).has(CommandKind::kPeerDial));
    const Connected::Out out = r.connect("e");
    CHECK_FALSE(out.has(CommandKind::kPeerDial));
    REQUIRE(out.told<tracker_wire::DcFailed>() != nullptr);
    CHECK(out.told<tracker_wire::DcFailed>()->dc_id == "me-e");
    CHECK(out.told<tracker_wire::DcFailed>()->reason == tracker_wire::EndReason::kNone);
  }
  SECTION("it did us wrong") {
    r.peers.ledger().on_end(kStart, PeerId{"liar"}, PeerEnd::kMisbehaved, true, DurationMs(100));
    const Connected::Out out = r.connect("liar");
    CHECK_FALSE(out.has(CommandKind::kPeerDial));
    REQUIRE(out.told<tracker_wire::DcFailed>() != nullptr);
    CHECK(out.told<tracker_wire::DcFailed>()->reason == tracker_wire::EndReason::kRefused);
  }
  SECTION("the browser makes no connection for now") {
    r.dialling.on_connection_refused(kStart);
    CHECK(r.connect("p1", 29'999).told<tracker_wire::DcFailed>() != nullptr);
    CHECK(refused(r.offer("c1", 29'999)));
    CHECK(r.connect("p1", 30'000).has(CommandKind::kPeerDial));
  }
}

TEST_CASE("dialling: a parent that has missed segments in a row makes room for another") {
  DiallingRoom r;
  for (const char* id : {"a", "b", "c", "d"}) r.open(r.dial(id));
  PeerSession& worst = *r.peers.table().find(PeerId{"c"});
  worst.parent->usefulness.missed(kStart);
  CHECK_FALSE(r.connect("e").has(CommandKind::kPeerDial));
  worst.parent->usefulness.missed(kStart);
  const Connected::Out out = r.connect("e");
  CHECK(out.has(CommandKind::kPeerDial));
  REQUIRE(out.told<tracker_wire::DcClosed>() != nullptr);
  CHECK(out.told<tracker_wire::DcClosed>()->dc_id == "me-c");
  CHECK(out.told<tracker_wire::DcClosed>()->reason == tracker_wire::EndReason::kUseless);
}

TEST_CASE("dialling: an offer is answered by a connection and handed to it, or refused") {
  DiallingRoom r;
  const Connected::Out out = r.offer("c1");
  CHECK(out.has(CommandKind::kPeerAnswer));
  CHECK(out.has(CommandKind::kPeerSignal));
  CHECK_FALSE(r.peers.table().find(PeerId{"c1"})->is_parent());
  for (int i = 2; i <= r.config.limits.max_children; ++i) {
    CHECK(r.offer("c" + std::to_string(i)).has(CommandKind::kPeerAnswer));
  }
  const Connected::Out full = r.offer("late");
  CHECK_FALSE(full.has(CommandKind::kPeerAnswer));
  CHECK(refused(full));
  r.peers.allow_upload(kStart, false);
  r.peers.sweep();
  r.take();
  CHECK(refused(r.offer("last")));
}

TEST_CASE("dialling: a child that offers anew has lost the connection that we hold") {
  DiallingRoom r;
  r.offer("c1");
  const PeerHandle before = r.peers.table().find(PeerId{"c1"})->handle;
  const Connected::Out out = r.offer("c1");
  CHECK(out.has(CommandKind::kPeerClose));
  CHECK(out.has(CommandKind::kPeerAnswer));
  CHECK(out.told<tracker_wire::DcClosed>() == nullptr);
  CHECK(r.peers.table().find(PeerId{"c1"})->handle != before);
  r.offer("c1");
  // Its third offer was the last of the burst: the connection that it has stays.
  const PeerHandle stays = r.peers.table().find(PeerId{"c1"})->handle;
  CHECK(r.offer("c1").commands.empty());
  CHECK(r.peers.table().find(PeerId{"c1"})->handle == stays);
}

TEST_CASE("dialling: who makes us dial or answer without end is slowed down to one a second") {
  DiallingRoom r;
  r.config.limits.max_parents = r.config.limits.max_children = 1'000;
  int dialled = 0;
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    dialled += r.connect("p" + std::to_string(i)).has(CommandKind::kPeerDial) ? 1 : 0;
    answered += r.offer("c" + std::to_string(i)).has(CommandKind::kPeerAnswer) ? 1 : 0;
  }
  CHECK(dialled == 32);
  CHECK(answered == 32);
  CHECK(r.connect("later", 1'000).has(CommandKind::kPeerDial));
}

TEST_CASE("dialling: a refusal ends a dial, and nothing that is open") {
  DiallingRoom r;
  r.connect("p1");
  const Connected::Out out = r.signal("p1", tracker_wire::kRefusal);
  CHECK(out.has(CommandKind::kPeerClose));
  CHECK(r.peers.table().find(PeerId{"p1"}) == nullptr);
  r.open(r.dial("p2"));
  CHECK(r.signal("p2", tracker_wire::kRefusal).commands.empty());
  CHECK(r.signal("stranger", tracker_wire::kRefusal).commands.empty());
}

TEST_CASE("dialling: candidates reach their connection, within what a peer may signal") {
  DiallingRoom r;
  constexpr const char* kCandidate = R"({"candidate":"candidate:1 1 udp 1 10.0.0.1 9 typ host"})";
  r.connect("p1");
  CHECK(r.signal("p1", kCandidate).has(CommandKind::kPeerSignal));
  CHECK(r.signal("stranger", kCandidate).commands.empty());
  for (int i = 0; i < 127; ++i) r.signal("p1", kCandidate);
  const Connected::Out out = r.signal("p1", kCandidate);
  CHECK(out.event(EventCode::kPeerMisbehaved) != nullptr);
  CHECK(r.peers.table().find(PeerId{"p1"}) == nullptr);
}

TEST_CASE("dialling: the tracker ends a connection that it names, and hears no report of it") {
  DiallingRoom r;
  r.open(r.dial("p1"));
  const Connected::Out out = r.disconnect("p1");
  CHECK(out.has(CommandKind::kPeerClose));
  CHECK(out.told<tracker_wire::DcClosed>() == nullptr);
  REQUIRE(out.event(EventCode::kPeerClosed) != nullptr);
  CHECK(out.event(EventCode::kPeerClosed)->aux ==
        static_cast<double>(PeerEnd::kDisconnectedByTracker));
  CHECK(r.disconnect("stranger").commands.empty());
}

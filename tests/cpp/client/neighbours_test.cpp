// Who is let in, who is given back, and who is left alone.

#include <catch2/catch.hpp>
#include <utility>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr const char* kOffer = R"({"type":"offer","sdp":"v=0"})";

tracker_wire::SignalFrom signal_from(const std::string& id, std::string_view data) {
  return tracker_wire::SignalFrom{PeerId{id}, tracker_wire::SignalData(data)};
}

// Joined at a tracker of hlsmesh.
struct NeighbourRoom {
  Harness h;
  // What peers say of themselves, and of us.
  int32_t extension = 1;
  bool lead = false;

  explicit NeighbourRoom(EngineConfig config = Harness::default_config()) : h(std::move(config)) {
    h.add_renditions(true);
    h.start();
    h.socket_open();
    tracker_wire::Accept accept;
    accept.peer_id = PeerId{"me"};
    accept.hlsmesh = 1;
    accept.live = false;
    h.tracker_says(accept);
    h.playhead(0, 20);
  }
  // Offers of `id` that were answered with a connection.
  bool offer(const std::string& id) {
    h.clear();
    h.tracker_says(signal_from(id, kOffer));
    return h.has(CommandKind::kPeerAnswer);
  }
  bool refused(const std::string& id) const {
    for (const auto& signal : h.told_tracker<tracker_wire::SignalTo>()) {
      if (signal.to_peer_id.text == id && signal.data.text() == tracker_wire::kRefusal) return true;
    }
    return false;
  }
  bool connect(const std::string& id) {
    h.clear();
    h.tracker_says(tracker_wire::Connect{PeerId{id}});
    return h.has(CommandKind::kPeerDial);
  }
  // Peers answer each KEEPALIVE that they got.
  void answer(std::optional<MediaSequence> current) {
    for (const PeerInfo& info : h.engine.peers()) {
      const int32_t peer = info.handle.value();
      if (h.sent<peer::KeepAlive>(peer).empty()) continue;
      h.peer_says(peer, peer::KeepAliveAck{current, extension, lead});
    }
  }
  // Segments that the player wants one after the other, 4 s apart, from `sn` on.
  void play(int64_t sn, int count, std::optional<MediaSequence> current = MediaSequence(0)) {
    for (int i = 0; i < count; ++i, ++sn) {
      const auto id = static_cast<int32_t>(sn) + 1;
      h.playhead(static_cast<double>(sn - 5) * 4, static_cast<double>(sn) * 4);
      h.load(id, sn);
      for (const auto& [peer, request] : asked()) {
        h.peer_says(peer, peer::Lack{request.url, request.sn, std::nullopt, request.rendition});
      }
      bool fetched = false;
      for (int step = 0; step < 4; ++step) {
        h.advance(1'000);
        answer(current);
        if (h.went_to_cdn(id) && !std::exchange(fetched, true)) {
          h.fetch_done(id, Harness::body(sn, 1'000));
        }
        h.clear();
      }
    }
  }
  // The requests that await an answer.
  std::vector<std::pair<int32_t, peer::Request>> asked() const {
    std::vector<std::pair<int32_t, peer::Request>> found;
    for (const PeerInfo& info : h.engine.peers()) {
      for (const auto& request : h.sent<peer::Request>(info.handle.value())) {
        found.emplace_back(info.handle.value(), request);
      }
    }
    return found;
  }
};

}  // namespace

TEST_CASE("C3: `enter` says what one can serve, and again when that changes") {
  EngineConfig config = Harness::default_config();
  config.limits.max_children = 3;
  NeighbourRoom r(config);
  auto enter = r.h.told_tracker<tracker_wire::Enter>().at(0);
  CHECK(enter.slots == 3);
  CHECK_FALSE(enter.up_bw);
  CHECK_FALSE(enter.idle);
  r.h.clear();

  SECTION("upload is switched off and on") {
    r.h.engine.set_upload(r.h.now, false);
    r.h.advance(0);
    REQUIRE(r.h.has(CommandKind::kRenewToken));
    r.h.socket_open();
    CHECK(r.h.told_tracker<tracker_wire::Enter>().at(0).up_bw == 0);
    r.h.clear();
    r.h.engine.set_upload(r.h.now, true);
    r.h.advance(10'000);
    REQUIRE(r.h.has(CommandKind::kRenewToken));
    r.h.socket_open();
    CHECK_FALSE(r.h.told_tracker<tracker_wire::Enter>().at(0).up_bw);
  }
  SECTION("the rate is limited") {
    config.limits.upload_bytes_per_second = 500'000;
    r.h.engine.set_limits(r.h.now, config.limits);
    r.h.advance(0);
    r.h.socket_open();
    CHECK(r.h.told_tracker<tracker_wire::Enter>().at(0).up_bw == 4'000);
  }
  SECTION("what may be uploaded in all is used up") {
    config.limits.upload_bytes = 1'000;
    r.h.engine.set_limits(r.h.now, config.limits);
    r.h.cache_segment(3, 2'000);
    const int32_t child = r.h.open_child("c1");
    r.h.clear();
    r.h.peer_says(child, peer::Request{"seg3.ts", MediaSequence(3), std::nullopt});
    r.h.advance(0);
    REQUIRE(r.h.has(CommandKind::kRenewToken));
    r.h.socket_open();
    CHECK(r.h.told_tracker<tracker_wire::Enter>().at(0).up_bw == 0);
  }
  SECTION("changed and changed back at once, it is not told") {
    r.h.engine.set_upload(r.h.now, false);
    r.h.engine.set_upload(r.h.now, true);
    r.h.advance(60'000);
    CHECK(r.h.told_tracker<tracker_wire::Enter>().size() == 0);
  }
}

TEST_CASE("C3: an offer that is not taken is answered at once, and no connection is made") {
  EngineConfig config = Harness::default_config();
  SECTION("nobody is served") {
    config.upload = false;
    NeighbourRoom r(config);
    CHECK_FALSE(r.offer("c1"));
    CHECK(r.refused("c1"));
  }
  SECTION("as many are served as may be") {
    config.limits.max_children = 1;
    NeighbourRoom r(config);
    CHECK(r.offer("c1"));
    CHECK_FALSE(r.refused("c1"));
    CHECK_FALSE(r.offer("c2"));
    CHECK(r.refused("c2"));
  }
  SECTION("a flood of offers is not answered by a flood") {
    config.upload = false;
    NeighbourRoom r(config);
    r.h.clear();
    for (int i = 0; i < 200; ++i) r.h.tracker_says(signal_from("c" + std::to_string(i), kOffer));
    CHECK(r.h.told_tracker<tracker_wire::SignalTo>().size() <= 40);
  }
}

TEST_CASE("C3: a dial that is refused ends at once, and the tracker hears why") {
  NeighbourRoom r;
  REQUIRE(r.connect("p1"));
  const int32_t peer = r.h.all(CommandKind::kPeerDial).at(0).peer;
  r.h.clear();
  r.h.tracker_says(signal_from("p1", tracker_wire::kRefusal));
  REQUIRE(r.h.all(CommandKind::kPeerClose).size() == 1);
  CHECK(r.h.all(CommandKind::kPeerClose)[0].peer == peer);
  CHECK(r.h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kRefused));
  const auto failed = r.h.told_tracker<tracker_wire::DcFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].dc_id == "me-p1");
  CHECK(failed[0].reason == tracker_wire::EndReason::kRefused);
}

TEST_CASE("C3: a refusal means nothing from a stranger, a child, or a parent that is open") {
  NeighbourRoom r;
  const int32_t parent = r.h.open_parent("p1", true);
  const int32_t child = r.h.open_child("c1");
  r.h.clear();
  for (const char* id : {"p1", "c1", "nobody"}) {
    r.h.tracker_says(signal_from(id, tracker_wire::kRefusal));
  }
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  CHECK_FALSE(r.h.has(CommandKind::kPeerSignal));
  CHECK(r.h.engine.stats().parents == 1);
  CHECK(r.h.engine.stats().children == 1);
  CHECK(parent != child);
}

TEST_CASE("C3: a `connect` that is not followed is answered at once") {
  EngineConfig config = Harness::default_config();
  config.limits.max_parents = 1;
  NeighbourRoom r(config);
  REQUIRE(r.connect("p1"));
  CHECK_FALSE(r.connect("p2"));
  const auto failed = r.h.told_tracker<tracker_wire::DcFailed>();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].dc_id == "me-p2");
}

TEST_CASE("C2: a parent that gives nothing is given back, and one that was not needed is kept") {
  NeighbourRoom r;
  const int32_t parent = r.h.open_parent("p1", true);
  const bool says_current = GENERATE(false, true);
  CAPTURE(says_current);
  // It paused long ago.
  if (says_current) r.h.peer_says(parent, peer::KeepAlive{MediaSequence(0), 1});
  r.h.clear();
  SECTION("a player that plays on") {
    int segments = 0;
    const auto current = says_current ? std::optional(MediaSequence(0)) : std::nullopt;
    while (r.h.engine.stats().parents == 1 && segments < 20) r.play(100 + segments++, 1, current);
    CHECK(r.h.engine.stats().parents == 0);
    CHECK(segments >= 4);
    CHECK(segments <= 8);
    // Not dialled again at once.
    CHECK_FALSE(r.connect("p1"));
    CHECK(r.connect("p2"));
  }
  SECTION("a player that is paused, or has all it wants") {
    for (int i = 0; i < 60; ++i) {
      r.h.playhead(0, 60, i % 2);
      r.h.advance(5'000);
      r.h.peer_says(parent, peer::KeepAliveAck{MediaSequence(0), 1});
    }
    CHECK(r.h.engine.stats().parents == 1);
  }
  SECTION("without a tracker there is no other to be had") {
    r.h.socket_closed();
    r.play(100, 4);
    CHECK(r.h.engine.stats().parents == 1);
  }
}

TEST_CASE("C2: a parent that has us fetch first is kept, though it gives nothing") {
  NeighbourRoom r;
  r.extension = 2;
  r.lead = GENERATE(false, true);
  const int32_t parent = r.h.open_parent("p1", false);
  r.h.peer_says(parent, peer::KeepAlive{MediaSequence(0), r.extension, r.lead});
  r.play(100, 20);
  CHECK(r.h.engine.stats().parents == (r.lead ? 1 : 0));
}

TEST_CASE("C2: the tracker hears that a parent was useless, and a better one takes its place") {
  EngineConfig config = Harness::default_config();
  config.limits.max_parents = 1;
  NeighbourRoom r(config);
  const int32_t parent = r.h.open_parent("p1", true);
  r.h.peer_says(parent, peer::KeepAlive{MediaSequence(0), 1});
  r.play(100, 3);
  REQUIRE(r.h.engine.stats().parents == 1);
  CHECK(r.connect("p2"));
  const auto closed = r.h.told_tracker<tracker_wire::DcClosed>();
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].dc_id == "me-p1");
  CHECK(closed[0].reason == tracker_wire::EndReason::kUseless);
  CHECK(r.h.events(EventCode::kPeerClosed).at(0).aux == static_cast<double>(PeerEnd::kUseless));
}

TEST_CASE("C2: parents are given back ever more slowly while none gives anything") {
  NeighbourRoom r;
  int given_back = 0;
  for (int i = 0; i < 90; ++i) {
    if (r.h.engine.stats().parents == 0) {
      ++given_back;
      const int32_t parent = r.h.open_parent("p" + std::to_string(i), true);
      r.h.peer_says(parent, peer::KeepAlive{MediaSequence(0), 1});
    }
    r.play(1'000 + i, 1);
  }
  // Six minutes.
  CHECK(given_back >= 4);
  CHECK(given_back <= 9);
}

TEST_CASE("C2: the tracker hears when the player is paused, and when it plays on") {
  NeighbourRoom r;
  r.h.playhead(0, 60, 0);
  r.h.clear();
  r.h.advance(9'000);
  CHECK(r.h.told_tracker<tracker_wire::Statistics>().empty());
  r.h.advance(1'000);
  auto told = r.h.told_tracker<tracker_wire::Statistics>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].idle == true);
  r.h.clear();
  r.h.advance(30'000);
  told = r.h.told_tracker<tracker_wire::Statistics>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].idle == true);
  r.h.clear();

  SECTION("a load is a sign of life") {
    r.h.load(1, 5);
    told = r.h.told_tracker<tracker_wire::Statistics>();
  }
  SECTION("so is playing") {
    r.h.playhead(0, 60, 1);
    told = r.h.told_tracker<tracker_wire::Statistics>();
  }
  SECTION("a tracker that comes back hears it at once") {
    r.h.socket_closed();
    r.h.advance(2'000);
    r.h.socket_open();
    CHECK(r.h.told_tracker<tracker_wire::Enter>().at(0).idle == true);
    return;
  }
  REQUIRE(told.size() == 1);
  CHECK(told[0].idle == false);
}

TEST_CASE("C8: children that ask for nothing for a minute make room, one at a time") {
  NeighbourRoom r;
  std::vector<int32_t> children;
  for (int i = 0; i < 8; ++i) children.push_back(r.h.open_child("c" + std::to_string(i)));
  const auto answer_all = [&] {
    for (const int32_t child : children) r.h.peer_says(child, peer::KeepAliveAck{std::nullopt, 1});
  };
  for (int i = 0; i < 5; ++i) {
    r.h.advance(10'000);
    answer_all();
  }
  CHECK_FALSE(r.offer("c9"));
  r.h.peer_says(children[0], peer::Request{"seg3.ts", MediaSequence(3), std::nullopt});
  r.h.advance(9'999);
  answer_all();
  CHECK(r.h.engine.stats().children == 8);
  r.h.advance(1);
  CHECK(r.h.engine.stats().children == 7);
  CHECK(r.offer("c9"));
  // The one that asked is still there, the eight others go as they are wanted.
  for (int i = 10; i < 16; ++i) {
    r.h.advance(0);
    CHECK(r.offer("c" + std::to_string(i)));
  }
  CHECK(r.h.engine.stats().children >= 1);
  r.h.peer_says(children[0], peer::KeepAlive{});
  CHECK(r.h.sent<peer::KeepAliveAck>(children[0]).size() == 1);
}

TEST_CASE("C8: mute children keep their places while nobody else could want them") {
  NeighbourRoom r;
  for (int i = 0; i < 7; ++i) r.h.open_child("c" + std::to_string(i));
  for (int i = 0; i < 30; ++i) {
    r.h.advance(10'000);
    for (const PeerInfo& info : r.h.engine.peers()) {
      r.h.peer_says(info.handle.value(), peer::KeepAliveAck{std::nullopt, 1});
    }
  }
  CHECK(r.h.engine.stats().children == 7);
}

TEST_CASE("C9: a peer that failed, lied or starved us is not dialled again and again") {
  NeighbourRoom r;
  r.h.playhead(0, 20);
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(how);
  int dials = 0;
  for (int i = 0; i < 20; ++i) {
    if (r.connect("p1")) {
      ++dials;
      const int32_t peer = r.h.all(CommandKind::kPeerDial).at(0).peer;
      if (how == 0) r.h.peer_closed(peer);
      if (how == 1) r.h.advance(10'000);
      if (how >= 2) r.h.engine.on_channel_open(r.h.now, PeerHandle(peer), 0);
      if (how == 2) r.h.peer_says_text(peer, "garbage");
      if (how == 3) r.h.peer_closed(peer);
    } else {
      // Said at once, for the tracker to name another.
      const auto failed = r.h.told_tracker<tracker_wire::DcFailed>();
      REQUIRE(failed.size() == 1);
      CHECK(failed[0].dc_id == "me-p1");
      CHECK(failed[0].reason == tracker_wire::EndReason::kRefused);
    }
    r.h.advance(1'000);
  }
  CHECK(dials >= 1);
  CHECK(dials <= 4);
  // Others are not meant.
  CHECK(r.connect("p2"));
}

TEST_CASE("C9: nor is its offer taken") {
  NeighbourRoom r;
  const int32_t child = r.h.open_child("c1");
  r.h.peer_says_text(child, "garbage");
  CHECK_FALSE(r.offer("c1"));
  CHECK(r.refused("c1"));
  CHECK(r.offer("c2"));
  r.h.advance(60'000);
  CHECK(r.offer("c1"));
}

// Viewers that were drawn to play without peers, for comparison with those who have some, or to try
// peers while they play from the CDN.

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;
namespace wire = tracker_wire;

namespace {

EngineConfig drawn(Group group) {
  EngineConfig config = Harness::default_config();
  config.group = group;
  return config;
}

}  // namespace

TEST_CASE("control: it enters as one that plays without peers, and needs nobody") {
  Harness h(drawn(Group::kControl));
  h.join();
  const auto entered = h.told_tracker<wire::Enter>();
  REQUIRE(entered.size() == 1);
  CHECK(entered[0].control == true);
  CHECK(entered[0].idle == true);
  CHECK(entered[0].slots == 0);
  CHECK(entered[0].up_bw == 0);
  CHECK(!entered[0].wants);
}

TEST_CASE("control: who was drawn to have peers says so, and who was not drawn says nothing") {
  for (const Group group : {Group::kPeers, Group::kNone}) {
    Harness h(drawn(group));
    h.join();
    const auto entered = h.told_tracker<wire::Enter>();
    REQUIRE(entered.size() == 1);
    CHECK(entered[0].control == (group == Group::kPeers ? std::optional(false) : std::nullopt));
    CHECK(!entered[0].idle);
    CHECK(entered[0].slots > 0);
  }
}

TEST_CASE("control: whoever a tracker names is not dialled, and offers are refused") {
  Harness h(drawn(Group::kControl));
  h.join();
  EngineLimits limits;
  limits.max_parents = 8;
  h.engine.set_limits(h.now, limits);
  h.engine.set_upload(h.now, true);
  h.clear();
  h.tracker_says(wire::Connect{PeerId{"p"}});
  h.tracker_says(wire::SignalFrom{PeerId{"c"}, wire::SignalData(R"({"type":"offer","sdp":"x"})")});
  CHECK(!h.has(CommandKind::kPeerDial));
  CHECK(!h.has(CommandKind::kPeerAnswer));
  CHECK(h.told_tracker<wire::DcFailed>().size() == 1);
  const auto refusals = h.told_tracker<wire::SignalTo>();
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].data.text() == wire::kRefusal);
  // Nobody is missed either.
  h.advance(120'000);
  CHECK(h.events(EventCode::kAlone).empty());
  CHECK(h.told_tracker<wire::Enter>().empty());
}

TEST_CASE("control: its loads go to the CDN at once, and nothing is asked for ahead of them") {
  Harness h(drawn(Group::kControl));
  h.add_renditions(true);
  h.start();
  h.load(1, 1);  // where others hope for a parent
  CHECK(h.went_to_cdn(1));
  h.socket_open();
  h.tracker_says(wire::Accept{true, PeerId{"me"}, wire::kExtension, std::nullopt});
  h.playhead(0, 1);
  h.load(2, 2);
  CHECK(h.went_to_cdn(2));
  CHECK(!h.has(CommandKind::kListSegments));
  CHECK(h.engine.audit().empty());
}

TEST_CASE("control: it reports what it sees, and once more when it leaves") {
  Harness h(drawn(Group::kControl));
  h.start();
  h.socket_open();
  h.tracker_says(wire::Accept{true, PeerId{"me"}, wire::kExtension, std::nullopt});
  h.playhead(0, 10);
  h.engine.on_playback(h.now, {0.5, 0, 0});
  h.clear();
  h.advance(12'000);
  h.engine.on_playback(h.now, {0.5, 1, 2});
  h.engine.stop(h.now);
  h.drain();
  const auto reports = h.told_tracker<wire::Statistics>();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].played == 12);
  CHECK(reports[0].stalled == 2);
  CHECK(reports[0].stalls == 1);
  CHECK(reports[0].first_frame == 0.5);
  CHECK(h.told_tracker<wire::Leave>().size() == 1);
}

TEST_CASE("control: switched off it leaves the tracker, and comes back without peers") {
  Harness h(drawn(Group::kControl));
  h.join();
  h.clear();
  h.engine.set_p2p(h.now, false);
  h.drain();
  CHECK(h.told_tracker<wire::Leave>().size() == 1);
  h.engine.set_p2p(h.now, true);
  h.drain();
  h.load(1, 1);
  CHECK(h.has(CommandKind::kSocketOpen));
  CHECK(h.went_to_cdn(1));
}

TEST_CASE("shadow: it enters as others do, is fed, and reports what became of its loads") {
  Harness h(drawn(Group::kShadow));
  h.add_renditions(true);
  h.start();
  h.socket_open();
  h.tracker_says(wire::Accept{true, PeerId{"me"}, wire::kExtension, std::nullopt});
  const auto entered = h.told_tracker<wire::Enter>();
  REQUIRE(entered.size() == 1);
  CHECK(!entered[0].control);
  CHECK(!entered[0].idle);
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 20);
  const std::string body = Harness::body(1, 100'000);
  h.load(1, 1);
  const auto requests = h.sent<peer::Request>(parent);
  REQUIRE(requests.size() == 1);
  h.peer_serves(parent, requests[0], body);
  REQUIRE(h.has(CommandKind::kLoadDone));
  // The driver has compared it: it is wrong, and whoever gave it goes.
  CHECK(h.engine.on_verdict(h.now, LoadId(1), -1));
  h.drain();
  CHECK(h.events(EventCode::kPeerMisbehaved).size() == 1);
  h.load(2, 2);
  h.advance(10'000);  // in which another parent may come
  CHECK(h.went_to_cdn(2));
  h.fetch_done(2, Harness::body(2, 50'000));
  h.clear();
  h.advance(31'000);
  const auto reports = h.told_tracker<wire::Statistics>();
  REQUIRE(!reports.empty());
  CHECK(reports[0].loads == 2);
  CHECK(reports[0].missed == 1);
  CHECK(reports[0].wrong == 1);
  CHECK(reports[0].p2p_kb == 97);
  CHECK(reports[0].cdn_kb == 48);
  h.clear();
  h.advance(31'000);
  const auto later = h.told_tracker<wire::Statistics>();
  REQUIRE(!later.empty());
  CHECK(later[0].loads == 0);
  CHECK(later[0].wrong == 0);
}

TEST_CASE("shadow: nobody else says what became of its loads") {
  Harness h;
  h.start();
  h.socket_open();
  h.tracker_says(wire::Accept{true, PeerId{"me"}, wire::kExtension, std::nullopt});
  h.load(1, 1);
  h.advance(31'000);
  const auto reports = h.told_tracker<wire::Statistics>();
  REQUIRE(!reports.empty());
  CHECK(!reports[0].loads);
  CHECK(!reports[0].missed);
  CHECK(!reports[0].wrong);
}

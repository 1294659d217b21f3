#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

// The peer dials everybody it is told of, and every dial succeeds.
void dial_all(Harness& h, int32_t peer, seconds for_as_long) {
  for (int i = 0; i < 2 * for_as_long.count(); ++i) {
    for (const std::string& id : h.box[peer].connects()) {
      h.say(peer, wire::DcOpened{h.id(peer) + "-" + id});
    }
    h.advance(DurationMs{500});
  }
}

// Eight peers with most of their slots free, so that they can be further parents.
void settle_eight(Harness& h) {
  wire::Enter enter;
  enter.wants = 1;
  for (int i = 0; i < 8; ++i) dial_all(h, h.join("c", enter), seconds(10));
}

}  // namespace

TEST_CASE("a peer is given as many parents as it asks for, up to the tracker's limit") {
  const auto [wants, expected] =
      GENERATE(table<int32_t, size_t>({{1, 1}, {2, 2}, {3, 3}, {5, 5}, {6, 5}, {100, 5}}));
  TrackerConfig config;
  config.max_parents = 5;
  Harness h(config);
  settle_eight(h);
  wire::Enter enter;
  enter.wants = wants;
  const int32_t peer = h.join("c", enter);
  dial_all(h, peer, seconds(20));
  INFO("wants " << wants);
  CHECK(h.box[peer].connects().size() == expected);
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("further parents of one place come together, a second after the first") {
  Harness h;
  settle_eight(h);
  const int32_t peer = h.join("c");
  CHECK(h.box[peer].connects().size() == 1);
  h.advance(DurationMs{999});
  CHECK(h.box[peer].connects().size() == 1);
  h.advance(DurationMs{1});
  CHECK(h.box[peer].connects().size() == 3);
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("further parents from elsewhere come one by one") {
  Harness h;
  wire::Enter enter;
  enter.channel = "c";
  enter.wants = 1;
  const auto join_from = [&](const std::string& address, const std::string& isp) {
    const int32_t conn = h.open(address, isp, "North");
    h.say(conn, enter);
    return conn;
  };
  for (int i = 1; i <= 8; ++i) {
    dial_all(h, join_from("192.0.2." + std::to_string(i), "AS64500"), seconds(10));
  }
  enter.wants = std::nullopt;
  const int32_t peer = join_from("198.51.100.1", "AS64501");
  for (size_t expected = 1; expected <= 3; ++expected) {
    CHECK(h.box[peer].connects().size() == expected);
    h.advance(seconds(1));
  }
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("further parents come one by one to a peer whose connections fail") {
  Harness h;
  settle_eight(h);
  const int32_t peer = h.join("c");
  h.say(peer, wire::DcFailed{h.id(peer) + "-" + h.box[peer].connects()[0]});
  for (size_t expected = 1; expected <= 4; ++expected) {
    CHECK(h.box[peer].connects().size() == expected);
    h.advance(seconds(1));
  }
  CHECK(h.box[peer].connects().size() == 4);
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("a peer that wants fewer parents lets some go, and one that wants more gets them") {
  Harness h;
  settle_eight(h);
  const int32_t peer = h.join("c");
  dial_all(h, peer, seconds(20));
  REQUIRE(h.box[peer].connects().size() == 3);
  wire::Enter enter;
  enter.channel = "c";
  enter.wants = 1;
  h.say(peer, enter);
  CHECK(h.box[peer].all<wire::Disconnect>().size() == 2);
  dial_all(h, peer, seconds(20));
  CHECK(h.box[peer].connects().size() == 3);
  enter.wants = 4;
  h.say(peer, enter);
  dial_all(h, peer, seconds(20));
  CHECK(h.box[peer].connects().size() == 6);
  CHECK(h.box[peer].all<wire::Disconnect>().size() == 2);
  CHECK(h.tracker.audit().empty());
}

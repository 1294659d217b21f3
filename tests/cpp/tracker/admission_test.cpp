#include <limits>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

using Question = std::pair<int32_t, std::string>;

TrackerConfig asking() {
  TrackerConfig config;
  config.authorize = true;
  return config;
}

wire::Enter enter_with(const std::string& channel, const std::string& token) {
  wire::Enter enter;
  enter.channel = channel;
  enter.token = token;
  return enter;
}

}  // namespace

TEST_CASE("an enter waits until it is authorized") {
  Harness h(asking());
  const int32_t conn = h.join("c", enter_with("c", "secret"));
  REQUIRE(h.box[conn].questions.size() == 1);
  const Question question = h.box[conn].questions[0];
  CHECK(question.second == "c\nsecret");
  CHECK(h.box[conn].messages.empty());
  CHECK(h.tracker.stats().peers == 0);
  h.authorize(conn, true);
  CHECK(h.box[conn].all<wire::Accept>().size() == 1);
  CHECK(h.tracker.stats().peers == 1);
  // Once is enough.
  h.authorize(conn, true);
  CHECK(h.box[conn].all<wire::Accept>().size() == 1);
}

TEST_CASE("who is refused hears why and is closed") {
  Harness h(asking());
  const int32_t conn = h.join("c", enter_with("c", "stolen"));
  const int32_t silent = h.join("c");
  CHECK(h.box[silent].questions.at(0).second == "c\n");
  h.authorize(conn, false, std::nullopt, "signature does not match");
  h.authorize(silent, false);
  CHECK(h.box[conn].all<wire::Reject>().at(0).reason == "signature does not match");
  CHECK(h.box[conn].close_code == 1008);
  CHECK(h.box[conn].close_reason == "signature does not match");
  CHECK_FALSE(h.box[silent].all<wire::Reject>().at(0).reason.empty());
  CHECK(h.tracker.stats().unauthorized == 2);
  CHECK(h.tracker.stats().rejected == 2);
  CHECK(h.tracker.stats().connections == 0);
}

TEST_CASE("a long reason is cut between characters, for the message and for the close frame") {
  Harness h(asking());
  const int32_t conn = h.join("c");
  std::string reason;
  while (reason.size() < 300) reason += "\xC3\xA9";  // é
  h.authorize(conn, false, std::nullopt, reason);
  CHECK(h.box[conn].all<wire::Reject>().at(0).reason == reason.substr(0, 256));
  CHECK(h.box[conn].close_reason == reason.substr(0, 122));
}

TEST_CASE("of two enters that wait, the newer counts") {
  Harness h(asking());
  const int32_t conn = h.join("a", enter_with("a", "1"));
  h.say(conn, enter_with("b", "2"));
  REQUIRE(h.box[conn].questions.size() == 2);
  const int32_t stale = h.box[conn].questions[0].first;
  h.tracker.on_authorized(h.now, ConnId(conn), stale, true, std::nullopt, "");
  h.drain();
  CHECK(h.box[conn].messages.empty());
  h.authorize(conn, true);
  CHECK(h.box[conn].all<wire::Accept>().size() == 1);
  CHECK(h.tracker.channels(0, 10).find(R"("id":"b")") != std::string::npos);
  CHECK(h.tracker.channels(0, 10).find(R"("id":"a")") == std::string::npos);
}

TEST_CASE("a peer stays where it is while its next enter waits, and leave takes that back") {
  Harness h(asking());
  const int32_t conn = h.join("a");
  h.authorize(conn, true);
  h.say(conn, enter_with("b", ""));
  CHECK(h.tracker.stats().peers == 1);
  h.say(conn, wire::Leave{});
  h.authorize(conn, true);
  CHECK(h.tracker.stats().peers == 0);
}

TEST_CASE("an enter that nobody judges in time closes the socket") {
  Harness h(asking());
  const int32_t conn = h.join("c");
  h.advance(seconds(10));
  CHECK(h.box[conn].close_code == 1008);
}

TEST_CASE("when a token runs out, the peer is told and closed") {
  Harness h(asking());
  const int32_t conn = h.join("c");
  h.authorize(conn, true, seconds(60));
  h.advance(DurationMs{59'999});
  CHECK_FALSE(h.box[conn].close_code);
  h.advance(DurationMs{1});
  CHECK(h.box[conn].all<wire::Reject>().at(0).reason == "token expired");
  CHECK(h.box[conn].close_code == 1008);
  CHECK(h.tracker.stats().expired == 1);
  CHECK(h.tracker.stats().peers == 0);
}

TEST_CASE("a fresh token prolongs a peer's stay and changes no link") {
  Harness h(asking());
  const int32_t parent = h.join("c");
  h.authorize(parent, true);
  const int32_t child = h.join("c");
  h.authorize(child, true, seconds(60));
  h.opened(child, parent);
  h.advance(seconds(50));
  h.say(child, enter_with("c", "fresh"));
  h.authorize(child, true, seconds(60));
  h.advance(seconds(59));
  CHECK_FALSE(h.box[child].close_code);
  CHECK(h.box[child].connects().size() == 1);
  CHECK(h.tracker.stats().links == 1);
  // One without an end takes the end away.
  h.say(child, enter_with("c", "eternal"));
  h.authorize(child, true);
  h.advance(seconds(600));
  CHECK_FALSE(h.box[child].close_code);
}

TEST_CASE("who left does not run out") {
  Harness h(asking());
  const int32_t conn = h.join("c");
  h.authorize(conn, true, seconds(60));
  h.say(conn, wire::Leave{});
  h.advance(seconds(120));
  CHECK_FALSE(h.box[conn].close_code);
}

TEST_CASE("a channel that could be mistaken for a channel and a token is refused") {
  Harness h(asking());
  const int32_t conn = h.join("c\nd", enter_with("", "t"));
  CHECK(h.box[conn].questions.empty());
  CHECK(h.box[conn].all<wire::Reject>().size() == 1);
  CHECK(h.box[conn].close_code == 1008);
}

TEST_CASE("without authorization nobody is asked, and tokens are ignored") {
  Harness h;
  const int32_t conn = h.join("c", enter_with("c", "whatever"));
  CHECK(h.box[conn].questions.empty());
  CHECK(h.box[conn].all<wire::Accept>().size() == 1);
}

TEST_CASE("frames without text count as messages do") {
  TrackerConfig config;
  config.messages_per_second = 10;
  for (const bool binary : {true, false}) {
    Harness h(config);
    const int32_t flood = h.join();
    const auto send = [&] {
      if (binary) {
        h.tracker.on_binary(h.now, ConnId(flood));
      } else {
        h.tracker.on_pong(h.now, ConnId(flood));
      }
      h.drain();
    };
    for (int i = 0; i < 49; ++i) send();
    CHECK_FALSE(h.box[flood].close_code);
    send();
    CHECK(h.box[flood].close_code == 1008);
    CHECK(h.tracker.stats().limited_messages == 1);
  }
}

TEST_CASE("a connection that floods is closed, and nobody else is disturbed") {
  TrackerConfig config;
  config.messages_per_second = 10;
  Harness h(config);
  const int32_t parent = h.join();
  const int32_t flood = h.join();
  const int32_t child = h.join();
  // A burst of five seconds' worth is forgiven: 49, and the enter.
  for (int i = 0; i < 49; ++i) h.say(flood, wire::Statistics{});
  CHECK_FALSE(h.box[flood].close_code);
  h.say(flood, wire::Statistics{});
  CHECK(h.box[flood].close_code == 1008);
  CHECK(h.box[flood].close_reason == "too many messages");
  CHECK(h.tracker.stats().limited_messages == 1);
  CHECK(h.tracker.stats().rate_limited == 1);
  CHECK_FALSE(h.box[parent].close_code);
  CHECK(h.box[child].connects().at(0) == h.id(parent));
  // A peer may go on for ever at the allowed rate.
  for (int i = 0; i < 600; ++i) {
    h.say(child, wire::Statistics{});
    h.advance(DurationMs{100});
  }
  CHECK_FALSE(h.box[child].close_code);
}

TEST_CASE("a connection may change its channel only so often") {
  TrackerConfig config;
  config.channel_switches = 2;
  Harness h(config);
  const int32_t conn = h.join("a");
  h.say(conn, enter_with("b", ""));
  h.say(conn, enter_with("b", ""));
  h.say(conn, wire::Leave{});
  h.say(conn, enter_with("b", ""));
  h.say(conn, enter_with("c", ""));
  CHECK_FALSE(h.box[conn].close_code);
  h.say(conn, enter_with("a", ""));
  CHECK(h.box[conn].all<wire::Reject>().at(0).reason == "too many channels");
  CHECK(h.box[conn].close_code == 1013);
  CHECK(h.tracker.stats().limited_switches == 1);
}

TEST_CASE("a full tracker takes nobody in") {
  TrackerConfig config;
  config.max_connections = 2;
  Harness h(config);
  const int32_t first = h.open("192.0.2.1");
  h.open("192.0.2.2");
  const int32_t refused = h.open("192.0.2.3");
  CHECK(h.box[refused].close_code == 1013);
  CHECK(h.box[refused].close_reason == "the tracker is full");
  CHECK(h.tracker.stats().limited_total == 1);
  h.hang_up(first);
  CHECK_FALSE(h.box[h.open("192.0.2.3")].close_code);
}

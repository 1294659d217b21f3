#include "client/tracker/reports.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

using namespace hlsmesh;

namespace {

// A session that was accepted at `now` by a tracker of level 1.
struct Joined {
  CommandQueue commands;
  Random random{1};
  TrackerSession tracker{commands, random};
  EngineStats stats;
  Reports reports{tracker, stats, false};
  TimeMs now{DurationMs(1'000)};

  explicit Joined(const Facts& facts = {}) {
    tracker.start(now);
    tracker_wire::Enter enter;
    reports.fill(enter, facts, false);
    tracker.on_open(now, enter);
    tracker_wire::TrackerFields accept;
    accept.peer_id = PeerId{"me"};
    accept.hlsmesh = 1;
    tracker.on_accept(now, accept);
    reports.on_accepted(now);
    while (commands.pop() != nullptr) {
    }
  }

  std::vector<tracker_wire::Statistics> told() {
    std::vector<tracker_wire::Statistics> found;
    while (const Command* command = commands.pop()) {
      const auto parsed = tracker_wire::parse_from_peer(command->text);
      const auto* message = std::get_if<tracker_wire::PeerMessage>(&parsed);
      if (message == nullptr) continue;
      if (const auto* report = std::get_if<tracker_wire::Statistics>(message)) {
        found.push_back(*report);
      }
    }
    return found;
  }
};

}  // namespace

TEST_CASE("reports: every 30 s, in whole KB, and what is left over comes with the next") {
  Joined j;
  j.stats.cdn_bytes = 1'500;
  CHECK(j.reports.next_due({}, kNever) == j.now + DurationMs(30'000));
  j.reports.on_timeout(j.now + DurationMs(29'999), false);
  CHECK(j.told().empty());
  j.reports.on_timeout(j.now + DurationMs(30'000), false);
  auto told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].cdn_kb == 1);
  j.stats.cdn_bytes = 2'048;
  j.reports.on_timeout(j.now + DurationMs(60'000), false);
  told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].cdn_kb == 1);
}

TEST_CASE("reports: the level is the mean since the last report, and stays while nothing comes") {
  Joined j;
  j.stats.level_segments = 4;
  j.stats.levels = 6;
  j.reports.on_timeout(j.now + DurationMs(30'000), false);
  j.reports.on_timeout(j.now + DurationMs(60'000), false);
  j.stats.level_segments = 5;
  j.stats.levels = 6;
  j.reports.on_timeout(j.now + DurationMs(90'000), false);
  const auto told = j.told();
  REQUIRE(told.size() == 3);
  CHECK(told[0].level == 1.5);
  CHECK(told[1].level == 1.5);
  CHECK(told[2].level == 0);
}

TEST_CASE("reports: who becomes idle says so at once, and once") {
  Joined j;
  j.reports.tell_idle(j.now, false);
  CHECK(j.told().empty());
  j.reports.tell_idle(j.now, true);
  j.reports.tell_idle(j.now, true);
  const auto told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].idle == true);
  j.reports.tell_idle(j.now, false);
  CHECK(j.told().size() == 1);
}

TEST_CASE("reports: changed facts lead to another `enter`, no more often than every 10 s") {
  const Facts before{-1, 8, 4};
  const Facts after{-1, 2, 4};
  Joined j(before);
  CHECK(j.reports.next_due(before, kNever) == j.now + DurationMs(30'000));
  j.reports.tell_changes(j.now, after, false);
  CHECK(j.tracker.next_due() == j.now);  // a fresh token is asked for, and with it goes `enter`
  tracker_wire::Enter enter;
  j.reports.fill(enter, after, false);
  CHECK(enter.slots == 2);
  CHECK(j.reports.next_due(before, kNever) == j.now + DurationMs(10'000));
}

TEST_CASE("reports: nothing is due when the session is over") {
  Joined j;
  j.reports.on_ended();
  CHECK(j.reports.next_due({}, kNever) == kNever);
}

TEST_CASE("reports: nothing is said of playback that nobody measures, not even at the end") {
  Joined j;
  j.reports.on_playing(j.now, true);
  j.reports.on_timeout(j.now + DurationMs(30'000), false);
  auto told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(!told[0].played);
  CHECK(!told[0].stalled);
  CHECK(!told[0].first_frame);
  j.reports.on_leaving(j.now + DurationMs(31'000), false);
  CHECK(j.told().empty());
}

TEST_CASE("reports: what the player did since the last report, from the first figures on") {
  Joined j;
  j.reports.on_playing(j.now, true);
  j.reports.on_playback({0.8, 3, 7});  // before there was an engine
  j.reports.on_playing(j.now + DurationMs(10'000), false);
  j.reports.on_playing(j.now + DurationMs(25'000), true);
  j.reports.on_playback({0.8, 5, 8.25});
  j.reports.on_timeout(j.now + DurationMs(30'000), false);
  auto told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].played == 15);
  CHECK(told[0].stalls == 2);
  CHECK(told[0].stalled == 1.25);
  CHECK(told[0].first_frame == 0.8);
  // Another source has another first frame.
  j.reports.on_playback({1.5, 5, 8.25});
  j.reports.on_leaving(j.now + DurationMs(34'000), false);
  told = j.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].played == 4);
  CHECK(told[0].stalls == 0);
  CHECK(told[0].stalled == 0);
  CHECK(!told[0].first_frame);
}

TEST_CASE("reports: a first frame that comes later is told when it is known") {
  Joined j;
  j.reports.on_playback({-1, 0, 0});
  j.reports.on_timeout(j.now + DurationMs(30'000), false);
  j.reports.on_playback({2.5, 0, 0});
  j.reports.on_timeout(j.now + DurationMs(60'000), false);
  const auto told = j.told();
  REQUIRE(told.size() == 2);
  CHECK(!told[0].first_frame);
  CHECK(told[1].first_frame == 2.5);
}

// The choice of parents after connections have ended.

#include <set>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

using Ids = std::vector<std::string>;

wire::Enter entering(std::optional<bool> live = {}) {
  wire::Enter enter;
  enter.hlsmesh = 1;
  enter.live = live;
  return enter;
}

wire::Statistics report(std::optional<bool> idle, double level = -1) {
  wire::Statistics statistics;
  statistics.level = level;
  statistics.idle = idle;
  return statistics;
}

TrackerConfig one_parent() {
  TrackerConfig config;
  config.parents_wanted = 1;
  return config;
}

}  // namespace

TEST_CASE("C3: nobody is given more children than it takes") {
  const auto [slots, up_bw, expected] = GENERATE(table<int32_t, int32_t, size_t>(
      {{0, -1, 0}, {1, -1, 1}, {4, -1, 4}, {20, -1, 6}, {1, 9'000, 1}, {8, 3'000, 2}, {8, 0, 0}}));
  CAPTURE(slots, up_bw);
  Harness h;
  wire::Enter enter = entering();
  enter.slots = slots;
  if (up_bw >= 0) enter.up_bw = up_bw;
  const int32_t parent = h.join("c", enter);
  wire::Enter leech = entering();
  leech.up_bw = 0;
  size_t children = 0;
  for (int i = 0; i < 10; ++i) {
    if (h.box[h.join("c", leech)].connects() == Ids{h.id(parent)}) ++children;
  }
  CHECK(children == expected);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C3: who takes fewer from now on keeps no more, and who takes more gets them") {
  Harness h(one_parent());
  wire::Enter enter = entering();
  enter.slots = 4;
  const int32_t parent = h.join("c", enter);
  wire::Enter leech = entering();
  leech.slots = 0;
  for (int i = 0; i < 4; ++i) h.opened(h.join("c", leech), parent);
  REQUIRE(h.tracker.stats().links == 4);
  enter.channel = "c";
  enter.slots = 1;
  h.say(parent, enter);
  h.advance(seconds(4));
  CHECK(h.tracker.stats().links == 1);
  enter.slots = 3;
  h.advance(seconds(60));
  h.say(parent, enter);
  h.advance(seconds(10));
  CHECK(h.tracker.stats().links == 3);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C3: a refusal costs the child no time, and the pair is not introduced again soon") {
  Harness h(one_parent());
  const int32_t full = h.join("c", entering());
  const int32_t child = h.join("c", entering());
  const int32_t other = h.join("c", entering());
  REQUIRE(h.box[child].connects() == Ids{h.id(full)});
  size_t told = 1;
  for (const int64_t pause : {5, 10, 20, 40}) {
    CAPTURE(pause);
    h.say(child, wire::DcFailed{h.dc_id(child, full), wire::EndReason::kRefused});
    // Whoever else there is comes below it or above it meanwhile.
    h.hang_up(other);
    h.advance(seconds(pause - 1));
    CHECK(h.box[child].connects().size() == told);
    h.advance(seconds(2));
    CHECK(h.box[child].connects().size() == ++told);
  }
}

TEST_CASE("C9: a pair that parted for a reason is kept apart for longer, each time") {
  const auto [reason, first] =
      GENERATE(table<wire::EndReason, int64_t>({{wire::EndReason::kNone, 5},
                                                {wire::EndReason::kSilent, 60},
                                                {wire::EndReason::kMisbehaved, 300}}));
  const bool parent_says = GENERATE(false, true);
  CAPTURE(first, parent_says);
  Harness h(one_parent());
  const int32_t parent = h.join("c", entering());
  const int32_t child = h.join("c", entering());
  int64_t pause = first;
  for (size_t told = 1; told < 5; ++told) {
    CAPTURE(told);
    REQUIRE(h.box[child].connects().size() == told);
    h.opened(child, parent);
    h.say(parent_says ? parent : child, wire::DcClosed{h.dc_id(child, parent), reason});
    h.advance(seconds(pause - 1));
    CHECK(h.box[child].connects().size() == told);
    h.advance(seconds(2));
    CHECK(h.box[child].connects().size() == told + 1);
    pause = std::min<int64_t>(pause * 2, 900);
  }
  // It is forgotten when all went well for long.
  h.opened(child, parent);
  h.advance(minutes(40));
  h.say(child, wire::DcClosed{h.dc_id(child, parent), reason});
  const size_t told = h.box[child].connects().size();
  h.advance(seconds(first + 1));
  CHECK(h.box[child].connects().size() == told + 1);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C9: a useless parent may become the child of its child") {
  Harness h(one_parent());
  const int32_t parent = h.join("c", entering());
  const int32_t child = h.join("c", entering());
  h.opened(child, parent);
  h.say(child, wire::DcClosed{h.dc_id(child, parent), wire::EndReason::kUseless});
  h.advance(seconds(2));
  CHECK(h.box[child].connects().size() == 1);
  CHECK(h.box[parent].connects() == Ids{h.id(child)});
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C9: another parent is named at once, whatever was wrong with the first") {
  Harness h(one_parent());
  const int32_t bad = h.join("c", entering());
  const int32_t good = h.join("c", entering());
  const int32_t child = h.join("c", entering());
  REQUIRE(h.box[child].connects() == Ids{h.id(bad)});
  h.opened(child, bad);
  h.advance(seconds(2));
  h.say(child, wire::DcClosed{h.dc_id(child, bad), wire::EndReason::kMisbehaved});
  CHECK(h.box[child].connects() == Ids{h.id(bad), h.id(good)});
}

TEST_CASE("C2: who is paused is no parent in a live channel, and the last resort in VOD") {
  const bool live = GENERATE(true, false);
  CAPTURE(live);
  Harness h(one_parent());
  std::vector<int32_t> paused;
  for (int i = 0; i < 3; ++i) paused.push_back(h.join("c", entering(live)));
  for (const int32_t conn : paused) h.say(conn, report(true));
  SECTION("when somebody plays") {
    const int32_t playing = h.join("c", entering(live));
    const int32_t newcomer = h.join("c", entering(live));
    CHECK(h.box[newcomer].connects() == Ids{h.id(playing)});
  }
  SECTION("when nobody does") {
    const int32_t newcomer = h.join("c", entering(live));
    CHECK(h.box[newcomer].connects().size() == (live ? 0 : 1));
    h.say(paused[0], report(false));
    CHECK(h.box[newcomer].connects().size() == 1);
  }
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C2: a child of one that pauses is given another, and lets go of the first then") {
  Harness h(one_parent());
  const int32_t first = h.join("c", entering(true));
  const int32_t child = h.join("c", entering(true));
  const int32_t second = h.join("c", entering(true));
  h.opened(second, first);
  h.opened(child, first);
  h.advance(seconds(30));
  h.say(first, report(true));
  h.advance(seconds(2));
  // The one that came earlier feeds the other, and stays alone.
  CHECK(h.box[second].connects() == Ids{h.id(first), h.id(child)});
  CHECK(h.box[child].connects() == Ids{h.id(first)});
  CHECK(h.box[second].all<wire::Disconnect>().empty());
  h.opened(second, child);
  REQUIRE(h.box[second].all<wire::Disconnect>().size() == 1);
  CHECK(h.box[second].all<wire::Disconnect>()[0].peer_id.text == h.id(first));
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C2: a newcomer whose parent pauses at once is fed by an older child, not its parent") {
  Harness h(one_parent());
  const int32_t first = h.join("c", entering(true));
  const int32_t child = h.join("c", entering(true));
  h.opened(child, first);
  h.advance(seconds(30));
  const int32_t newcomer = h.join("c", entering(true));
  REQUIRE(h.box[newcomer].connects() == Ids{h.id(first)});
  // It may hear of another only in a while; the older one, at once.
  h.say(first, report(true));
  h.advance(seconds(2));
  CHECK(h.box[newcomer].connects() == Ids{h.id(first), h.id(child)});
  CHECK(h.box[child].connects() == Ids{h.id(first)});
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C2: who is paused is given no parents, and gets them when it plays on") {
  Harness h(one_parent());
  const int32_t parent = h.join("c", entering(true));
  const int32_t child = h.join("c", entering(true));
  h.opened(child, parent);
  h.say(child, report(true));
  h.say(child, wire::DcClosed{h.dc_id(child, parent)});
  h.advance(seconds(120));
  CHECK(h.box[child].connects().size() == 1);
  h.say(child, report(false));
  CHECK(h.box[child].connects() == Ids{h.id(parent), h.id(parent)});
}

TEST_CASE("C2: children that are paused make room for one that plays") {
  Harness h(one_parent());
  wire::Enter enter = entering(true);
  enter.slots = 2;
  const int32_t parent = h.join("c", enter);
  wire::Enter leech = entering(true);
  leech.slots = 0;
  const int32_t first = h.join("c", leech);
  const int32_t second = h.join("c", leech);
  h.opened(first, parent);
  h.opened(second, parent);
  const int32_t third = h.join("c", leech);
  CHECK(h.box[third].connects().empty());
  h.say(second, report(true));
  h.advance(seconds(2));
  CHECK(h.box[third].connects() == Ids{h.id(parent)});
  REQUIRE(h.box[second].all<wire::Disconnect>().size() == 1);
  // The parent as well, before the offer of the next one comes.
  REQUIRE(h.box[parent].all<wire::Disconnect>().size() == 1);
  CHECK(h.box[parent].all<wire::Disconnect>()[0].peer_id.text == h.id(second));
  CHECK(h.box[first].all<wire::Disconnect>().empty());
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C2: one that flips between paused and playing moves its children once in ten seconds") {
  Harness h(one_parent());
  std::vector<int32_t> parents;
  for (int i = 0; i < 4; ++i) parents.push_back(h.join("c", entering(true)));
  const int32_t child = h.join("c", entering(true));
  h.advance(seconds(30));
  const size_t before = h.box[child].connects().size();
  for (int i = 0; i < 40; ++i) {
    for (const int32_t conn : parents) h.say(conn, report(i % 2 == 0));
    h.advance(DurationMs{500});
  }
  CHECK(h.box[child].connects().size() <= before + 4);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("C2: a viewer of another level is named only when there is none of the child's") {
  Harness h(one_parent());
  std::vector<int32_t> low;
  for (int i = 0; i < 4; ++i) low.push_back(h.join("c", entering(true)));
  const int32_t high = h.join("c", entering(true));
  const int32_t child = h.join("c", entering(true));
  h.advance(seconds(6));
  for (const int32_t conn : low) h.say(conn, report({}, 0));
  h.say(high, report({}, 3));
  h.say(child, report({}, 3));
  const Ids first = h.box[child].connects();
  REQUIRE(first.size() == 1);
  h.say(child, wire::DcClosed{h.id(child) + "-" + first[0], wire::EndReason::kUseless});
  h.advance(seconds(2));
  REQUIRE(h.box[child].connects().size() == 2);
  CHECK(h.box[child].connects()[1] == h.id(high));
  h.say(child, wire::DcClosed{h.dc_id(child, high)});
  h.advance(seconds(2));
  CHECK(h.box[child].connects().size() == 3);
}

TEST_CASE("why introductions failed is counted by the words of those who dialled") {
  Harness h;
  const int32_t parent = h.join();
  const int32_t child = h.join();
  const std::pair<wire::EndReason, uint64_t TrackerStats::*> reasons[] = {
      {wire::EndReason::kPermission, &TrackerStats::failed_permission},
      {wire::EndReason::kUdp, &TrackerStats::failed_udp},
      {wire::EndReason::kNat, &TrackerStats::failed_nat},
      {wire::EndReason::kPolicy, &TrackerStats::failed_policy},
      {wire::EndReason::kSilent, &TrackerStats::failed_silent},
      {wire::EndReason::kRefused, &TrackerStats::failed_refused},
  };
  for (const auto& [reason, count] : reasons) {
    const size_t before = h.box[child].connects().size();
    if (before == 0) h.advance(seconds(2));
    while (h.box[child].connects().size() == before && before > 0) h.advance(seconds(1));
    CHECK(h.tracker.stats().*count == 0);
    h.say(child, wire::DcFailed{h.dc_id(child, parent), reason});
    CHECK(h.tracker.stats().*count == 1);
  }
}

#include <set>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {
using Ids = std::vector<std::string>;
}

TEST_CASE("the first peer of a channel is accepted and told to connect to nobody") {
  Harness h;
  const int32_t first = h.join();
  REQUIRE(h.box[first].messages.size() == 1);
  const auto accept = h.box[first].all<wire::Accept>();
  REQUIRE(accept.size() == 1);
  CHECK(accept[0].live);
  CHECK(accept[0].peer_id.text.size() == 32);
  CHECK_FALSE(accept[0].peer_id.numeric);
  h.advance(seconds(120));
  CHECK(h.box[first].connects().empty());
}

TEST_CASE("a newcomer is told to connect, after its accept, and its parent is told nothing") {
  Harness h;
  const int32_t parent = h.join();
  const int32_t child = h.join();
  REQUIRE(h.box[child].messages.size() == 2);
  CHECK(std::holds_alternative<wire::Accept>(h.box[child].messages[0]));
  REQUIRE(std::holds_alternative<wire::Connect>(h.box[child].messages[1]));
  CHECK(h.box[child].connects() == Ids{h.id(parent)});
  CHECK(h.box[parent].messages.size() == 1);
  CHECK(h.tracker.stats().connects == 1);
}

TEST_CASE("peers of different channels are not introduced") {
  Harness h;
  h.join("https://cdn.example/a.m3u8");
  const int32_t other = h.join("https://cdn.example/b.m3u8");
  CHECK(h.box[other].connects().empty());
  CHECK(h.tracker.stats().channels == 2);
}

TEST_CASE("parents are filled class by class, half of each one's slots first, the oldest first") {
  TrackerConfig config;
  config.default_children = 3;
  Harness h(config);
  std::vector<int32_t> peers;
  for (int i = 0; i < 14; ++i) peers.push_back(h.join());
  const std::vector<size_t> expected = {0, 0, 0, 1, 1, 2, 2, 3, 3, 1, 2, 3, 4};
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO("peer " << i + 1);
    CHECK(h.box[peers[i + 1]].connects().at(0) == h.id(peers[expected[i]]));
  }
}

TEST_CASE("upBW sets how many children a peer is given") {
  TrackerConfig config;
  config.child_kbps = 1000;
  config.max_children = 4;
  const auto [up_bw, expected] = GENERATE(table<int32_t, size_t>(
      {{0, 0}, {1, 1}, {999, 1}, {1000, 1}, {2999, 2}, {4000, 4}, {2'000'000'000, 4}}));
  Harness h(config);
  wire::Enter enter;
  enter.up_bw = up_bw;
  const int32_t parent = h.join("c", enter);
  wire::Enter leech;
  leech.up_bw = 0;
  size_t children = 0;
  for (int i = 0; i < 8; ++i) {
    const int32_t child = h.join("c", leech);
    if (h.box[child].connects() == Ids{h.id(parent)}) ++children;
  }
  INFO("upBW " << up_bw);
  CHECK(children == expected);
}

TEST_CASE("a peer of unknown upload is given as many children as its device may have") {
  const auto [device, expected] =
      GENERATE(table<wire::Device, size_t>({{wire::Device::kPc, 6}, {wire::Device::kMobile, 2}}));
  Harness h;
  wire::Enter enter;
  enter.device = device;
  h.join("c", enter);
  wire::Enter leech;
  leech.up_bw = 0;
  size_t children = 0;
  for (int i = 0; i < 8; ++i) children += h.box[h.join("c", leech)].connects().size();
  CHECK(children == expected);
}

TEST_CASE(
    "a peer that kept its parents while the tracker was away is left alone until it loses one") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter enter;
  enter.parents = 1;
  const int32_t first = h.join("https://cdn.example/a.m3u8", enter);
  const int32_t kept = h.join("https://cdn.example/a.m3u8", enter);
  h.advance(seconds(60));
  CHECK(h.box[kept].connects().empty());
  h.say(kept, wire::DcClosed{"11111111-22222222"});
  CHECK(h.box[kept].connects() == Ids{h.id(first)});
}

TEST_CASE("the root of a tree that the tracker lost sight of is not told to dial its own child") {
  Harness h;
  wire::Enter with_parent;
  with_parent.parents = 1;
  const int32_t child = h.join("c", with_parent);
  wire::Enter with_child;
  with_child.children = 1;
  const int32_t root = h.join("c", with_child);
  h.advance(seconds(60));
  CHECK(h.box[root].connects().empty());
  // Its child is gone: now nobody can be below it.
  h.say(root, wire::DcClosed{"11111111-22222222"});
  CHECK(h.box[root].connects() == Ids{h.id(child)});
}

TEST_CASE("a peer that came with its channel, and its id, is fed anew when what it kept is lost") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter enter;
  enter.parents = 1;
  const int32_t first = h.join("c", enter);
  enter.parents.reset();
  enter.children = 1;
  const int32_t kept = h.join("c", enter);
  const std::string self = h.id(kept);
  h.advance(seconds(40));
  CHECK(h.box[kept].connects().empty());
  // What it never had as a child is no kept child.
  h.say(kept, wire::DcClosed{self + "-parent"});
  h.advance(seconds(2));
  CHECK(h.box[kept].connects().empty());
  h.say(kept, wire::DcClosed{"child-" + self});
  h.advance(seconds(2));
  CHECK(h.box[kept].connects() == Ids{h.id(first)});

  enter.children.reset();
  enter.parents = 1;
  const int32_t fed = h.join("c", enter);
  h.advance(seconds(2));
  CHECK(h.box[fed].connects().empty());
  h.say(fed, wire::DcClosed{h.id(fed) + "-parent"});
  h.advance(seconds(2));
  CHECK(h.box[fed].connects().size() == 1);
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("a peer that kept a child does not lose it with a child that it was given here") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter enter;
  enter.children = 1;
  const int32_t kept = h.join("c", enter);
  const int32_t child = h.join("c");
  REQUIRE(h.box[child].connects() == Ids{h.id(kept)});
  h.opened(child, kept);
  wire::Enter with_parent;
  with_parent.parents = 1;
  const int32_t other = h.join("c", with_parent);
  const std::string pair = h.id(child) + "-" + h.id(kept);
  // Both sides report its end, and the child then leaves.
  h.say(child, wire::DcClosed{pair});
  h.say(kept, wire::DcClosed{pair});
  h.tracker.on_closed(h.now, ConnId(child));
  h.drain();
  h.advance(seconds(40));
  CHECK(h.box[kept].connects().empty());
  h.say(kept, wire::DcClosed{"kept-" + h.id(kept)});
  h.advance(seconds(2));
  CHECK(h.box[kept].connects() == Ids{h.id(other)});
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("a newcomer is introduced to a peer that kept its parents") {
  Harness h;
  wire::Enter enter;
  enter.parents = 1;
  const int32_t kept = h.join("c", enter);
  const int32_t newcomer = h.join("c");
  CHECK(h.box[newcomer].connects() == Ids{h.id(kept)});
}

TEST_CASE("a lost connection brings a fresh parent, and not the one that was lost") {
  Harness h;
  const int32_t a = h.join();
  const int32_t b = h.join();
  const int32_t child = h.join();
  REQUIRE(h.box[child].connects() == Ids{h.id(a)});
  h.advance(seconds(2));
  SECTION("dc_failed before it opened") { h.say(child, wire::DcFailed{h.dc_id(child, a)}); }
  SECTION("dc_closed after it opened") {
    h.opened(child, a);
    h.say(child, wire::DcClosed{h.dc_id(child, a)});
  }
  SECTION("dc_closed from the parent") {
    h.opened(child, a);
    h.say(a, wire::DcClosed{h.dc_id(child, a)});
  }
  SECTION("leave of the parent") { h.say(a, wire::Leave{}); }
  SECTION("the parent's socket closed") { h.hang_up(a); }
  CHECK(h.box[child].connects() == Ids{h.id(a), h.id(b)});
}

TEST_CASE("one broken connection that everyone reports brings one connect") {
  Harness h;
  const int32_t a = h.join();
  const int32_t b = h.join();
  const int32_t child = h.join();
  h.opened(child, a);
  h.advance(seconds(5));
  const std::string dc_id = h.dc_id(child, a);
  h.say(a, wire::DcClosed{dc_id});
  h.say(child, wire::DcFailed{dc_id});
  h.say(child, wire::DcClosed{dc_id});
  h.hang_up(a);
  h.say(child, wire::DcClosed{dc_id});
  h.opened(child, b);
  h.advance(seconds(60));
  CHECK(h.box[child].connects().size() == 2);
}

TEST_CASE(
    "a dc_id of strangers brings a parent to a peer that has none, and no second to one that has") {
  Harness h;
  const int32_t a = h.join();
  const int32_t child = h.join();
  h.opened(child, a);
  h.advance(seconds(2));
  for (const char* strange : {"", "-", "x", "1-2", "a-b-c"}) h.say(child, wire::DcClosed{strange});
  CHECK(h.box[child].connects().size() == 1);
  CHECK_FALSE(h.box[child].close_code);
}

TEST_CASE("the only parent there is comes back after its hold-down") {
  Harness h;
  const int32_t a = h.join();
  const int32_t child = h.join();
  h.opened(child, a);
  h.advance(seconds(10));
  h.say(child, wire::DcClosed{h.dc_id(child, a)});
  CHECK(h.box[child].connects().size() == 1);
  h.advance(DurationMs{4'999});
  CHECK(h.box[child].connects().size() == 1);
  h.advance(DurationMs{1});
  CHECK(h.box[child].connects() == Ids{h.id(a), h.id(a)});
}

TEST_CASE("a peer whose every connection fails at once hears connect ever more seldom") {
  Harness h;
  std::vector<int32_t> parents;
  for (int i = 0; i < 20; ++i) parents.push_back(h.join());
  const int32_t child = h.join();
  size_t heard = 0;
  std::vector<size_t> per_minute;
  for (int minute = 0; minute < 4; ++minute) {
    const size_t before = heard;
    for (int tick = 0; tick < 600; ++tick) {
      const Ids connects = h.box[child].connects();
      if (connects.size() > heard) {
        REQUIRE(connects.size() == heard + 1);
        heard = connects.size();
        h.say(child, wire::DcFailed{h.id(child) + "-" + connects.back()});
      }
      h.advance(DurationMs{100});
    }
    per_minute.push_back(heard - before);
  }
  CHECK(per_minute.front() >= 4);
  CHECK(per_minute.front() <= 8);
  CHECK(per_minute.back() <= 2);
  CHECK(per_minute.back() >= 1);
}

TEST_CASE("no peer hears connect twice within a second") {
  Harness h;
  for (int i = 0; i < 80; ++i) h.join();
  const int32_t child = h.join();
  for (int i = 0; i < 50; ++i) {
    const std::string dc_id = h.id(child) + "-" + h.box[child].connects().back();
    h.say(child, wire::DcOpened{dc_id});
    h.say(child, wire::DcClosed{dc_id});
    h.advance(DurationMs{100});
  }
  CHECK(h.box[child].connects().size() >= 5);
  CHECK(h.box[child].connects().size() <= 6);
}

TEST_CASE("an introduction that never opens is given up after 15 s and frees the slot") {
  TrackerConfig config;
  config.default_children = 1;
  Harness h(config);
  wire::Enter leech;
  leech.up_bw = 0;
  const int32_t a = h.join("c");
  const int32_t mute = h.join("c", leech);
  REQUIRE(h.box[mute].connects() == Ids{h.id(a)});
  const int32_t waiting = h.join("c", leech);
  h.advance(DurationMs{14'999});
  CHECK(h.box[waiting].connects().empty());
  h.advance(DurationMs{1});
  // mute is held down for a; the slot is for the next.
  CHECK(h.box[waiting].connects() == Ids{h.id(a)});
}

TEST_CASE("an orphan that finds nobody free gets the first slot that comes free") {
  TrackerConfig config;
  config.default_children = 1;
  Harness h(config);
  wire::Enter leech;
  leech.up_bw = 0;
  const int32_t a = h.join("c");
  const int32_t b = h.join("c", leech);
  const int32_t orphan = h.join("c", leech);
  REQUIRE(h.box[b].connects() == Ids{h.id(a)});
  h.opened(b, a);
  h.advance(seconds(30));
  CHECK(h.box[orphan].connects().empty());
  h.hang_up(b);
  CHECK(h.box[orphan].connects() == Ids{h.id(a)});
}

TEST_CASE("an orphan is fed by a peer that entered after it, where nobody before it can") {
  Harness h;
  wire::Enter leech;
  leech.up_bw = 0;
  const int32_t first = h.join("c", leech);
  h.advance(seconds(10));
  const int32_t second = h.join("c");
  h.advance(seconds(2));
  CHECK(h.box[first].connects() == Ids{h.id(second)});
  CHECK(h.box[second].connects().empty());
}

TEST_CASE("of two that were parted, the one that was the parent is so again") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  const int32_t a = h.join();
  const int32_t b = h.join();
  h.opened(b, a);
  h.say(b, wire::DcClosed{h.dc_id(b, a)});
  h.advance(seconds(20));
  CHECK(h.box[b].connects() == Ids{h.id(a), h.id(a)});
  CHECK(h.box[a].connects().empty());
}

TEST_CASE("a peer that leaves can enter another channel on the same socket") {
  Harness h;
  const int32_t a = h.join("a");
  const int32_t b = h.join("b");
  const std::string id = h.id(a);
  h.say(a, wire::Leave{});
  CHECK(h.tracker.stats().peers == 1);
  h.advance(seconds(60));
  wire::Enter enter;
  enter.channel = "b";
  h.say(a, enter);
  CHECK(h.id(a) == id);
  CHECK(h.box[a].connects() == Ids{h.id(b)});
  CHECK(h.tracker.stats().channels == 1);
}

TEST_CASE("enter for another channel while in one is leave and enter") {
  Harness h;
  const int32_t a = h.join("a");
  const int32_t child = h.join("a");
  const int32_t third = h.join("a");
  const int32_t b = h.join("b");
  h.advance(seconds(2));
  wire::Enter enter;
  enter.channel = "b";
  h.say(a, enter);
  CHECK(h.box[a].connects() == Ids{h.id(b)});
  CHECK(h.box[third].connects().back() == h.id(child));
  CHECK(h.tracker.stats().peers == 4);
}

TEST_CASE("enter for the same channel is accepted again and changes no link") {
  Harness h;
  const int32_t a = h.join("a");
  const int32_t child = h.join("a");
  wire::Enter enter;
  enter.channel = "a";
  h.say(child, enter);
  h.say(a, enter);
  CHECK(h.box[child].all<wire::Accept>().size() == 2);
  CHECK(h.box[child].connects().size() == 1);
  CHECK(h.box[a].connects().empty());
  CHECK(h.tracker.stats().peers == 2);
  h.say(child, wire::SignalTo{{h.id(a), false}, wire::SignalData("{}")});
  CHECK(h.box[a].all<wire::SignalFrom>().size() == 1);
}

TEST_CASE("accept says what most peers say the channel is") {
  Harness h;
  wire::Enter vod;
  vod.live = false;
  wire::Enter live;
  live.live = true;
  h.join("c", vod);
  CHECK_FALSE(h.box[h.join("c")].all<wire::Accept>().at(0).live);
  h.join("c", live);
  CHECK(h.box[h.join("c")].all<wire::Accept>().at(0).live);
}

TEST_CASE("accept tells its extension level only to a peer that told its own") {
  Harness h;
  CHECK_FALSE(h.box[h.join()].all<wire::Accept>().at(0).hlsmesh);
  wire::Enter enter;
  enter.hlsmesh = 1;
  CHECK(h.box[h.join("c", enter)].all<wire::Accept>().at(0).hlsmesh == wire::kExtension);
}

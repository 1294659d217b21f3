// Viewers of a site are introduced only to each other, and those of kNoPeers to nobody.
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

struct Sites : Harness {
  using Harness::Harness;

  // Each has an address of its own.
  int32_t join_of(const std::string& site, wire::Enter enter = {}, bool guest = false) {
    const std::string address =
        "198.51." + std::to_string(last_ / 250) + "." + std::to_string(last_ % 250 + 1);
    ++last_;
    const int32_t conn = open(Origin{address, "isp", "DE", guest, site});
    enter.channel = "c";
    say(conn, enter);
    site_of[id(conn)] = site;
    return conn;
  }
  // Introductions between sites, or of those who are to have none.
  int wrong() {
    int count = 0;
    for (const auto& [conn, mailbox] : box) {
      const std::string own = site_of[id(conn)];
      for (const std::string& other : mailbox.connects()) {
        count += site_of[other] != own || own == kNoPeers ? 1 : 0;
      }
    }
    return count;
  }

  std::map<std::string, std::string> site_of;

 private:
  int last_ = 0;
};

bool tells(const std::string& json, const std::string& part) {
  INFO(json);
  return json.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("viewers meet viewers of their own site, and those of none each other") {
  Sites h;
  const int32_t berlin = h.join_of("berlin");
  const int32_t munich = h.join_of("munich");
  const int32_t outside = h.join_of("");
  h.advance(minutes(1));
  // Each is the only one of its site.
  for (const int32_t conn : {berlin, munich, outside}) CHECK(h.box[conn].connects().empty());
  CHECK(h.box[h.join_of("munich")].connects() == std::vector<std::string>{h.id(munich)});
  CHECK(h.box[h.join_of("berlin")].connects() == std::vector<std::string>{h.id(berlin)});
  CHECK(h.box[h.join_of("")].connects() == std::vector<std::string>{h.id(outside)});
  CHECK(h.wrong() == 0);
}

TEST_CASE("large sites are fed within themselves through rooms, leaving and reports") {
  TrackerConfig config;
  config.room_peers = 20;
  Sites h(config);
  const std::vector<std::string> sites{"berlin", "munich", "", std::string(kNoPeers)};
  std::vector<int32_t> conns;
  for (int i = 0; i < 240; ++i) {
    conns.push_back(h.join_of(sites[static_cast<size_t>(i) % sites.size()], {}, i % 3 == 0));
    h.advance(seconds(1));
    if (i % 5 == 4) {
      h.hang_up(conns[static_cast<size_t>(i) / 2]);
      conns[static_cast<size_t>(i) / 2] = conns.back();
    }
    for (const int32_t conn : std::set<int32_t>(conns.begin(), conns.end())) {
      if (!h.box[conn].close_code && i % 40 == 0) {
        h.text(conn, R"({"action":"statistics","level":1,"cdn":100,"p2p":100})");
      }
    }
    REQUIRE(h.tracker.audit() == "");
  }
  h.advance(minutes(2));
  CHECK(h.wrong() == 0);
  CHECK(h.tracker.neglected().empty());
  CHECK(h.tracker.audit() == "");
  // Rooms are of one site each, and their numbers are unique in the channel.
  const std::string topology = h.tracker.topology("c", 0, 1000);
  std::map<std::string, std::string> site_of_room;
  size_t nodes = 0;
  for (size_t at = topology.find(R"("room":)"); at != std::string::npos;
       at = topology.find(R"("room":)", at + 1)) {
    const std::string room = topology.substr(at, topology.find(',', at) - at);
    const size_t site = topology.find(R"("site":)", at);
    const std::string name = topology.substr(site, topology.find(',', site) - site);
    CHECK(site_of_room.try_emplace(room, name).first->second == name);
    ++nodes;
  }
  CHECK(nodes == static_cast<size_t>(h.tracker.stats().peers));
  CHECK(site_of_room.size() == static_cast<size_t>(h.tracker.stats().rooms));
}

TEST_CASE("a crowd behind one address is all that its site has, whoever else is in the channel") {
  Sites h;
  wire::Enter enter;
  enter.channel = "c";
  // Other sites have many addresses; in this one all but the last viewer share one.
  for (int i = 0; i < 12; ++i) h.join_of("munich");
  for (int i = 0; i < 6; ++i) {
    const int32_t conn = h.open(Origin{"203.0.113.1", "", "", false, "berlin"});
    h.say(conn, enter);
    h.site_of[h.id(conn)] = "berlin";
  }
  CHECK(h.box[h.join_of("berlin")].connects().size() == 1);
  CHECK(h.wrong() == 0);
}

TEST_CASE("viewers of kNoPeers are told so, feed nobody, and are counted") {
  Sites h;
  wire::Enter vod;
  vod.live = false;
  vod.up_bw = 50'000;
  vod.hlsmesh = 2;
  const std::string none(kNoPeers);
  std::vector<int32_t> conns;
  for (int i = 0; i < 5; ++i) conns.push_back(h.join_of(none, vod));
  h.join_of("berlin", vod);
  h.advance(minutes(5));
  CHECK(h.wrong() == 0);
  for (const int32_t conn : conns) {
    CHECK(h.box[conn].connects().empty());
    CHECK(h.box[conn].all<wire::Accept>().back().reason ==
          "the tracker gives no peers to viewers of this network");
  }
  CHECK(h.tracker.stats().excluded == 5);
  CHECK(h.tracker.stats().links == 0);
  CHECK(tells(h.tracker.topology("c", 0, 10), R"("site":"-")"));
  // Facts that a viewer tells later do not make it a parent either.
  h.say(conns[0], [&] {
    wire::Enter again = vod;
    again.channel = "c";
    again.slots = 10;
    return again;
  }());
  h.text(conns[1], R"({"action":"statistics","level":1,"cdn":100,"p2p":0,"idle":false})");
  h.advance(minutes(1));
  CHECK(h.tracker.stats().connects == 0);
  for (const int32_t conn : conns) h.hang_up(conn);
  CHECK(h.tracker.stats().excluded == 0);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("a quorum is of viewers of the same site, and of kNoPeers there is none") {
  Sites h;
  wire::Enter enter;
  enter.hlsmesh = 2;
  enter.quorum = 2;
  const std::string none(kNoPeers);
  const int32_t berlin = h.join_of("berlin", enter);
  const int32_t first = h.join_of(none, enter);
  h.join_of("munich");
  h.join_of(none);
  h.advance(seconds(30));
  CHECK(h.box[berlin].all<wire::Pong>().empty());
  CHECK(h.box[first].all<wire::Pong>().empty());
  h.join_of("berlin");
  h.advance(seconds(30));
  const auto pongs = h.box[berlin].all<wire::Pong>();
  REQUIRE(pongs.size() == 1);
  CHECK(pongs[0].viewers == 2);
  CHECK(h.box[first].all<wire::Pong>().empty());
  CHECK(h.wrong() == 0);
}

TEST_CASE("viewers are counted by site, and what they report is told by site") {
  Sites h;
  CHECK(h.tracker.sites() == "[]");
  const int32_t berlin = h.join_of("berlin");
  h.join_of("berlin");
  h.join_of("");
  h.join_of(std::string(kNoPeers));
  CHECK(h.tracker.sites() == R"([["",1],["-",1],["berlin",2]])");
  h.text(berlin, R"({"action":"statistics","level":1,"cdn":100,"p2p":300})");
  CHECK(tells(h.tracker.take_audience(), R"(["berlin",2,100,300,0,0,0,0,0,0])"));
  h.hang_up(berlin);
  CHECK(h.tracker.sites() == R"([["",1],["-",1],["berlin",1]])");
}

TEST_CASE("sites that are too many for a list are one number") {
  Sites h;
  for (int i = 0; i < 210; ++i) h.join_of("site" + std::to_string(i));
  const std::string json = h.tracker.sites();
  CHECK(tells(json, "[null,10]"));
  size_t names = 0;
  for (size_t at = json.find("[\""); at != std::string::npos; at = json.find("[\"", at + 1))
    ++names;
  CHECK(names == 200);
  CHECK(h.wrong() == 0);
}

TEST_CASE("a viewer who comes back from another network is of that network's site") {
  Sites h;
  const int32_t office = h.join_of("berlin");
  const int32_t child = h.join_of("berlin");
  h.opened(child, office);
  const int32_t home = h.join_of("");
  h.hang_up(child);
  wire::Enter again;
  again.hlsmesh = 2;
  again.parents = 1;
  const int32_t roamed = h.join_of("", again);
  h.advance(seconds(10));
  CHECK(h.box[roamed].connects() == std::vector<std::string>{h.id(home)});
  CHECK(h.box[office].connects().empty());
  CHECK(h.wrong() == 0);
}

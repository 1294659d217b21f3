// Reports of wrong pieces, and whom they keep from being introduced.

#include "tracker/bans.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "harness.hpp"
#include "tracker/address_limits.hpp"

namespace hlsmesh::tracker_test::reported {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kChannel = "c";

int32_t enter_from(Harness& h, const std::string& address, int32_t extension = 2) {
  const int32_t conn = h.open(address);
  wire::Enter enter;
  enter.channel = kChannel;
  if (extension > 0) enter.hlsmesh = extension;
  h.say(conn, enter);
  return conn;
}

std::string address(int32_t party, int32_t host = 1) {
  return "198.51." + std::to_string(party) + '.' + std::to_string(host);
}

bool is_linked(Harness& h, int32_t child, int32_t parent) {
  const std::string edge = R"("child":")" + h.id(child) + R"(","parent":")" + h.id(parent) + '"';
  return h.tracker.topology(kChannel, 0, Tracker::kMaxListed).find(edge) != std::string::npos;
}

void report(Harness& h, int32_t child, int32_t parent) {
  h.say(child, wire::DcClosed{h.dc_id(child, parent), wire::EndReason::kPolluted});
}

// One that enters first, and children of it whose connections are open.
struct Room {
  Harness h;
  int32_t first = 0;
  std::vector<int32_t> children;

  explicit Room(const std::vector<std::string>& addresses, TrackerConfig config = usual(),
                bool open = true)
      : h(config) {
    first = enter_from(h, address(200));
    for (const std::string& each : addresses) {
      children.push_back(enter_from(h, each));
      REQUIRE(is_linked(h, children.back(), first));
      if (open) h.opened(children.back(), first);
    }
  }
  static TrackerConfig usual() {
    TrackerConfig config;
    config.parents_wanted = 1;
    config.address_share = 100;
    config.default_children = 16;
    return config;
  }
  bool banned() { return h.tracker.stats().banned > 0; }
};

}  // namespace

TEST_CASE("bans: reports from several independent addresses end all links of the reported one") {
  Room room({address(1), address(2), address(3), address(4)});
  Harness& h = room.h;
  report(h, room.children[0], room.first);
  report(h, room.children[1], room.first);
  CHECK_FALSE(room.banned());
  report(h, room.children[2], room.first);
  CHECK(room.banned());
  CHECK(h.tracker.stats().bans == 1);
  CHECK(h.tracker.stats().reports == 3);
  CHECK_FALSE(is_linked(h, room.children[3], room.first));
  CHECK(h.box[room.children[3]].all<wire::Disconnect>().back().peer_id.text == h.id(room.first));
  // The others have one another, and the banned one gets nobody.
  const size_t before = h.box[room.first].connects().size();
  for (int32_t i = 0; i < 30; ++i) {
    for (const int32_t child : room.children) {
      for (const std::string& parent : h.box[child].connects()) {
        h.say(child, wire::DcOpened{h.id(child) + '-' + parent});
      }
    }
    h.advance(seconds(1));
  }
  CHECK(h.tracker.neglected().empty());
  CHECK(h.tracker.stats().links >= 3);
  for (const int32_t child : room.children) CHECK_FALSE(is_linked(h, child, room.first));
  CHECK(h.box[room.first].connects().size() == before);
}

TEST_CASE("bans: they hold for whoever comes from the address, and not for ever") {
  Room room({address(1), address(2), address(3)});
  Harness& h = room.h;
  for (const int32_t child : room.children) report(h, child, room.first);
  REQUIRE(room.banned());
  h.hang_up(room.first);
  CHECK_FALSE(room.banned());
  const int32_t again = enter_from(h, address(200));
  CHECK(room.banned());
  CHECK_FALSE(h.box[again].all<wire::Accept>().back().reason.empty());
  // Its neighbors of the same /24 are not.
  enter_from(h, address(200, 7));
  CHECK(h.tracker.stats().banned == 1);
  h.advance(minutes(10));
  h.say(again, wire::Statistics{});
  CHECK_FALSE(room.banned());
  h.advance(minutes(1));
  CHECK_FALSE(h.box[again].connects().empty());
}

TEST_CASE("bans: what does not count") {
  SECTION("reports of one /24, however many addresses it has") {
    Room room({address(1, 1), address(1, 2), address(1, 3), address(1, 4)});
    for (const int32_t child : room.children) report(room.h, child, room.first);
    CHECK_FALSE(room.banned());
    CHECK(room.h.tracker.stats().reports_ignored == 3);
  }
  SECTION("of those that were not connected to it") {
    Room room({address(1)});
    Harness& h = room.h;
    for (int32_t party = 2; party < 9; ++party) {
      const int32_t stranger = enter_from(h, address(party));
      // Introduced, but never connected.
      report(h, stranger, room.first);
      report(h, stranger, room.children[0]);
    }
    CHECK_FALSE(room.banned());
    CHECK(h.tracker.stats().reports == 0);
    CHECK(h.tracker.stats().reports_ignored == 14);
  }
  SECTION("of neighbors in its own /24") {
    Room room({address(200, 2), address(1), address(2)});
    for (const int32_t child : room.children) report(room.h, child, room.first);
    CHECK_FALSE(room.banned());
  }
  SECTION("any, if the operator wants none") {
    TrackerConfig config = Room::usual();
    config.agree = 0;
    Room room({address(1), address(2), address(3)}, config);
    CHECK_FALSE(room.h.box[room.first].all<wire::Accept>().back().agree);
    for (const int32_t child : room.children) report(room.h, child, room.first);
    CHECK_FALSE(room.banned());
  }
}

TEST_CASE("bans: whoever is about to be reported gains nothing by ending the connection first") {
  // Both pages hear at the same moment that it opened; either may be the first to speak.
  const bool said = GENERATE(false, true);
  Room room({address(1), address(2), address(3)}, Room::usual(), said);
  Harness& h = room.h;
  const bool leaves = GENERATE(false, true);
  for (const int32_t child : room.children) {
    if (!leaves) h.say(room.first, wire::DcClosed{h.dc_id(child, room.first), {}});
  }
  const std::string id = h.id(room.first);
  if (leaves) h.hang_up(room.first);
  for (const int32_t child : room.children) {
    h.say(child, wire::DcOpened{h.id(child) + '-' + id});
    h.say(child, wire::DcClosed{h.id(child) + '-' + id, wire::EndReason::kPolluted});
  }
  if (leaves) enter_from(h, address(200));
  CHECK(room.banned());
}

TEST_CASE("bans: a liar cannot get honest peers banned, nor can few addresses many") {
  // Of `owned` addresses the attacker lets every peer of it report every honest one that it meets.
  const int32_t owned = GENERATE(1, 2, 3, 6);
  constexpr int32_t kHonest = 24;
  TrackerConfig config = Room::usual();
  config.parents_wanted = 3;
  Harness h(config);
  std::vector<int32_t> liars;
  for (int32_t i = 0; i < kHonest; ++i) {
    const int32_t honest = enter_from(h, address(i));
    for (const std::string& parent : h.box[honest].connects()) {
      h.say(honest, wire::DcOpened{h.id(honest) + '-' + parent});
    }
  }
  for (int32_t i = 0; i < owned * 4; ++i) {
    liars.push_back(enter_from(h, address(100 + i % owned, 1 + i / owned)));
  }
  int32_t most = 0;
  std::map<int32_t, size_t> told;
  for (int32_t second = 0; second < 570; ++second) {
    for (const int32_t liar : liars) {
      const std::vector<std::string>& parents = h.box[liar].dials;
      const size_t known = parents.size();
      for (size_t& next = told[liar]; next < known; ++next) {
        const std::string dc_id = h.id(liar) + '-' + parents[next];
        h.say(liar, wire::DcOpened{dc_id});
        h.say(liar, wire::DcClosed{dc_id, wire::EndReason::kPolluted});
      }
    }
    h.advance(seconds(1));
    most = std::max(most, h.tracker.stats().banned);
  }
  CAPTURE(owned, most, h.tracker.stats().reports, h.tracker.stats().reports_ignored);
  CHECK(most <= tracker::Bans::kMostEach * owned / config.agree);
  if (owned < config.agree) CHECK(most == 0);
  CHECK(h.tracker.stats().reports_ignored > 10);
}

TEST_CASE("bans: a peer of 2018 is banned like others, and hears of nothing new") {
  Harness h(Room::usual());
  const int32_t old = enter_from(h, address(200), 0);
  CHECK_FALSE(h.box[old].all<wire::Accept>().back().agree);
  for (int32_t party = 1; party <= 3; ++party) {
    const int32_t child = enter_from(h, address(party));
    CHECK(h.box[child].all<wire::Accept>().back().agree == 3);
    h.opened(child, old);
    report(h, child, old);
  }
  CHECK(h.tracker.stats().banned == 1);
}

TEST_CASE("bans: what is remembered is bounded") {
  tracker::Bans bans;
  TimeMs now{DurationMs{1}};
  for (int32_t i = 0; i < 6'000; ++i) {
    now += DurationMs{1};
    const std::string by = std::to_string(i);
    const std::string of = std::to_string(i / 3) + 'x';
    bans.accuse(now, {by, by}, {of, of}, 3);
  }
  // The latest hold, the first were forgotten.
  CHECK(bans.bans(now, "1999x"));
  CHECK_FALSE(bans.bans(now, "1x"));
}

TEST_CASE("parties: what counts as one voice") {
  using tracker::AddressLimits;
  CHECK(AddressLimits::party_of("192.0.2.7") == AddressLimits::party_of("192.0.2.250"));
  CHECK(AddressLimits::party_of("192.0.2.7") == AddressLimits::party_of("::ffff:192.0.2.8"));
  CHECK(AddressLimits::party_of("192.0.2.7") != AddressLimits::party_of("192.0.3.7"));
  CHECK(AddressLimits::party_of("2001:db8:1:2::7") == AddressLimits::party_of("2001:db8:1:9::7"));
  CHECK(AddressLimits::party_of("2001:db8:1::7") != AddressLimits::party_of("2001:db8:2::7"));
  CHECK(AddressLimits::party_of("a name.of.no.address") == "a name.of.no.address");
  CHECK(AddressLimits::party_of("") == "");
}

}  // namespace hlsmesh::tracker_test::reported

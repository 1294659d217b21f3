// Rows E1 to E4, E7 and E8: what one address, or one peer, may cost the others.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "effort.hpp"
#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

constexpr const char* kChannel = "c";

int32_t enter_from(Harness& h, const std::string& address, wire::Enter enter = {}) {
  const int32_t conn = h.open(address);
  enter.channel = kChannel;
  h.say(conn, enter);
  return conn;
}

std::string own_address(int32_t i) {
  return "198." + std::to_string(18 + i / 62500) + '.' + std::to_string(i / 250 % 250) + '.' +
         std::to_string(1 + i % 250);
}

// The value of a text field after `at`, which it moves on.
std::string field(const std::string& json, const std::string& name, size_t& at) {
  const std::string key = '"' + name + "\":\"";
  at = json.find(key, at);
  if (at == std::string::npos) return {};
  at += key.size();
  return json.substr(at, json.find('"', at) - at);
}

// Parents of each peer by id, first ones first.
std::map<std::string, std::vector<std::string>> parents_in(const Harness& h) {
  const std::string json = h.tracker.topology(kChannel, 0, Tracker::kMaxListed);
  std::map<std::string, std::vector<std::string>> parents;
  for (size_t at = json.find("\"edges\""); at != std::string::npos;) {
    const std::string child = field(json, "child", at);
    if (at == std::string::npos) break;
    parents[child].push_back(field(json, "parent", at));
  }
  return parents;
}

// Honest viewers, each of its own address, and sockets of one attacker among them.
struct Audience {
  Harness h;
  std::vector<int32_t> honest;
  std::vector<int32_t> hostile;
  std::set<std::string> hostile_ids;
  std::map<int32_t, size_t> opened;

  explicit Audience(TrackerConfig config = {}) : h(config) {}

  void open_all() {
    for (const std::vector<int32_t>* group : {&honest, &hostile}) {
      for (const int32_t conn : *group) {
        const std::vector<std::string> told = h.box[conn].connects();
        for (size_t& next = opened[conn]; next < told.size(); ++next) {
          h.say(conn, wire::DcOpened{h.id(conn) + "-" + told[next]});
        }
      }
    }
  }
  void rest(int64_t for_seconds) {
    for (int64_t i = 0; i < for_seconds; ++i) {
      open_all();
      h.advance(seconds(1));
    }
    open_all();
  }
  void add_honest(int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
      honest.push_back(enter_from(h, own_address(static_cast<int32_t>(honest.size()))));
      if (i % 10 == 9) rest(1);
    }
  }
  void add_hostile(int32_t count, const wire::Enter& enter, bool slash48) {
    for (int32_t i = 0; i < count; ++i) {
      const std::string address =
          slash48 ? "2001:db8:7:" + std::to_string(i) + "::1" : std::string("203.0.113.5");
      hostile.push_back(enter_from(h, address, enter));
      hostile_ids.insert(h.id(hostile.back()));
      if (i % 50 == 49) rest(1);
    }
  }
  struct Seen {
    int32_t all_hostile = 0;
    int32_t first_hostile = 0;
    int32_t sources = 0;
  };
  Seen look() const {
    const auto parents = parents_in(h);
    Seen seen;
    for (const int32_t conn : honest) {
      const auto found = parents.find(const_cast<Harness&>(h).id(conn));
      if (found == parents.end()) {
        ++seen.sources;
        continue;
      }
      const auto is_hostile = [&](const std::string& id) { return hostile_ids.count(id) != 0; };
      seen.first_hostile += is_hostile(found->second.front()) ? 1 : 0;
      seen.all_hostile +=
          std::all_of(found->second.begin(), found->second.end(), is_hostile) ? 1 : 0;
    }
    return seen;
  }
};

}  // namespace

TEST_CASE("E1: one address never owns a room, however many sockets it has and whenever they come") {
  // They come before the honest viewers, among them, and after them.
  const auto [sockets, before, claims, slash48] =
      GENERATE(table<int32_t, int32_t, bool, bool>({{1, 0, true, false},
                                                    {8, 0, false, true},
                                                    {40, 0, true, false},
                                                    {500, 0, false, false},
                                                    {500, 0, true, true},
                                                    {40, 100, true, true},
                                                    {500, 100, true, false},
                                                    {500, 200, true, false}}));
  CAPTURE(sockets, before, claims, slash48);
  Audience all;
  wire::Enter enter;
  if (claims) enter.up_bw = INT32_MAX;
  all.add_honest(before);
  all.add_hostile(sockets, enter, slash48);
  all.add_honest(200 - before);
  all.rest(60);
  const Audience::Seen seen = all.look();
  // Who comes next after the only source can have no other parent without a circle, and a second
  // source would be one more copy from the CDN.
  CHECK(seen.all_hostile <= (sockets == 1 ? 2 : 0));
  CHECK(seen.first_hostile <= 20);
  CHECK(seen.sources <= 4);
  CHECK(all.h.tracker.audit() == "");
  // Nor do those who were there before lose what they have, when the attacker goes.
  for (const int32_t conn : all.hostile) all.h.hang_up(conn);
  all.hostile.clear();
  all.rest(10);
  CHECK(all.look().sources <= 4);
}

TEST_CASE("E1: a hundred honest viewers behind one address are served, and serve") {
  Audience all;
  for (int32_t i = 0; i < 300; ++i) {
    all.honest.push_back(enter_from(all.h, i % 3 == 0 ? own_address(i) : "203.0.113.5"));
    if (i % 10 == 9) all.rest(1);
  }
  all.rest(60);
  const auto parents = parents_in(all.h);
  int32_t sources = 0;
  int32_t few = 0;
  for (const int32_t conn : all.honest) {
    const auto found = parents.find(all.h.id(conn));
    if (found == parents.end()) {
      ++sources;
    } else if (found->second.size() < 2) {
      ++few;
    }
  }
  CHECK(sources <= 3);
  CHECK(few <= 15);
}

TEST_CASE("E1: an announced upload is used once it has been shown") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter strong;
  strong.up_bw = 100'000;
  const int32_t parent = enter_from(h, "192.0.2.1", strong);
  wire::Enter leech;
  leech.up_bw = 0;
  std::vector<int32_t> children;
  for (int32_t i = 0; i < 30; ++i) children.push_back(enter_from(h, own_address(i), leech));
  const auto fed = [&] { return parents_in(h).size(); };
  CHECK(fed() == 6);
  for (int32_t round = 0; round < 4; ++round) {
    for (const int32_t child : children) {
      if (!h.box[child].connects().empty()) h.opened(child, parent);
    }
    h.advance(seconds(10));
    const double kb = 1'900;  // 1.5 Mbit/s
    h.say(parent, wire::Statistics{0, 0, 0, kb * static_cast<double>(fed())});
    for (const int32_t child : children) {
      if (!h.box[child].connects().empty()) h.say(child, wire::Statistics{0, 0, kb, std::nullopt});
    }
  }
  h.advance(seconds(10));
  CHECK(fed() == 16);
}

TEST_CASE("E2: children cannot make a phone a server, whatever they report") {
  const double own_kb = GENERATE(0.0, 400.0, 1e9);
  const bool says = GENERATE(false, true);
  CAPTURE(own_kb, says);
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter mobile;
  mobile.device = wire::Device::kMobile;
  const int32_t phone = enter_from(h, "192.0.2.1", mobile);
  wire::Enter leech;
  leech.up_bw = 0;
  std::vector<int32_t> children;
  for (int32_t i = 0; i < 30; ++i) children.push_back(enter_from(h, own_address(i), leech));
  for (int32_t round = 0; round < 10; ++round) {
    for (const int32_t child : children) {
      if (!h.box[child].connects().empty()) h.opened(child, phone);
    }
    h.advance(seconds(10));
    for (const int32_t child : children) {
      h.say(child, wire::Statistics{0, 0, 1e9, std::nullopt});
    }
    std::optional<double> up;
    if (says) up = own_kb;
    h.say(phone, wire::Statistics{0, 0, 0, up});
  }
  // By its own word it may have more than two, but never more than a phone should.
  CHECK(parents_in(h).size() <= (says && own_kb > 1'000 ? 4u : 2u));
}

TEST_CASE("E3: who flips what it can upload does not cost others their parents") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  std::vector<int32_t> flippers;
  std::vector<int32_t> others;
  wire::Enter high;
  high.up_bw = INT32_MAX;
  const bool by_slots = GENERATE(false, true);
  const auto low = [&] {
    wire::Enter enter;
    enter.channel = kChannel;
    if (by_slots) {
      enter.slots = 0;
    } else {
      enter.up_bw = 0;
    }
    return enter;
  }();
  high.channel = kChannel;
  for (int32_t i = 0; i < 20; ++i) flippers.push_back(enter_from(h, own_address(i), high));
  wire::Enter leech;
  leech.up_bw = 0;
  for (int32_t i = 20; i < 200; ++i) others.push_back(enter_from(h, own_address(i), leech));
  const auto disconnects = [&] {
    size_t count = 0;
    for (const int32_t conn : others) count += h.box[conn].all<wire::Disconnect>().size();
    return count;
  };
  for (int32_t second = 0; second < 60; ++second) {
    for (int32_t i = 0; i < 4; ++i) {
      for (const int32_t conn : flippers) h.say(conn, i % 2 == 0 ? low : high);
      h.advance(DurationMs{250});
    }
  }
  CHECK(disconnects() <= 120);  // two a second
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("E4: nobody reports more than it can have loaded") {
  const bool enters_anew = GENERATE(false, true);
  CAPTURE(enters_anew);
  TrackerConfig config;
  config.messages_per_second = 0;
  config.channel_switches = 0;
  Harness h(config);
  int32_t conn = enter_from(h, "192.0.2.1");
  for (int32_t i = 0; i < 6'000; ++i) {
    if (enters_anew && i % 10 == 0) {
      h.say(conn, wire::Leave{});
      wire::Enter enter;
      enter.channel = kChannel;
      h.say(conn, enter);
    }
    h.say(conn, wire::Statistics{0, 1e9, 1e9, std::nullopt});
    h.advance(DurationMs{10});
  }
  // A minute of a line of 100 Mbit/s.
  CHECK(h.tracker.stats().cdn_kb + h.tracker.stats().p2p_kb < 750'000);
  // What a player really loads counts in full.
  const int32_t player = enter_from(h, "192.0.2.2");
  const double before = h.tracker.stats().p2p_kb;
  for (int32_t i = 0; i < 10; ++i) {
    h.advance(seconds(10));
    h.say(player, wire::Statistics{0, 0, 20'000, std::nullopt});  // 16 Mbit/s
  }
  CHECK(h.tracker.stats().p2p_kb - before == 200'000);
}

namespace {

std::string long_signal(const std::string& to, size_t bytes) {
  return R"({"action":"signal","to_peer_id":")" + to + R"(","data":{"type":"offer","sdp":")" +
         std::string(bytes, 'x') + R"("}})";
}

}  // namespace

TEST_CASE("E7: messages are limited in bytes, not in number alone, by connection and address") {
  const bool one = GENERATE(true, false);
  Harness h;
  // Parents and children of other addresses, so that all signals are relayed.
  std::vector<int32_t> talkers;
  for (int32_t i = 0; i < (one ? 1 : 45); ++i) talkers.push_back(enter_from(h, "203.0.113.5"));
  size_t taken = 0;
  size_t cut = 0;
  for (int32_t tenth = 0; tenth < 100; ++tenth) {
    for (int32_t& conn : talkers) {
      for (int32_t i = 0; i < 4; ++i) {
        h.text(conn, long_signal("nobody", 58'000));
        if (h.box[conn].close_code) break;
        taken += 58'000;
      }
      if (!h.box[conn].close_code) continue;
      cut += h.box[conn].close_reason.find("too many bytes") == 0 ? 1 : 0;
      conn = enter_from(h, "203.0.113.5");
    }
    h.advance(DurationMs{100});
  }
  CAPTURE(one, taken);
  CHECK(cut > 0);
  // Ten seconds, the burst, and what each new socket may begin with.
  CHECK(taken < 70'000'000u);
}

TEST_CASE("E7: a viewer is not flooded by one that it was introduced to") {
  Harness h;
  const int32_t parent = enter_from(h, "192.0.2.1");
  const int32_t child = enter_from(h, "192.0.2.2");
  h.opened(child, parent);
  const bool by_child = GENERATE(true, false);
  const int32_t talker = by_child ? child : parent;
  const int32_t victim = by_child ? parent : child;
  for (int32_t i = 0; i < 100 && !h.box[talker].close_code; ++i) {
    h.text(talker, long_signal(h.id(victim), 10'000));
    h.advance(DurationMs{200});
  }
  CHECK(h.box[talker].close_code == 1008);
  CHECK(h.box[talker].close_reason == "too many bytes to one viewer");
  size_t bytes = 0;
  for (const wire::SignalFrom& signal : h.box[victim].all<wire::SignalFrom>()) {
    bytes += signal.data.text().size();
  }
  CHECK(bytes < 250'000);
}

TEST_CASE("E8: behind one address the talker pays, and not who speaks next") {
  const bool long_ones = GENERATE(false, true);
  CAPTURE(long_ones);
  Harness h;
  std::vector<int32_t> quiet;
  for (int32_t i = 0; i < 20; ++i) quiet.push_back(enter_from(h, "203.0.113.5"));
  std::vector<int32_t> talkers;
  const int32_t count = long_ones ? 40 : 150;
  const std::string report = wire::serialize(wire::Statistics{});
  const std::string signal = long_signal("nobody", 30'000);
  for (int32_t i = 0; i < count; ++i) talkers.push_back(enter_from(h, "203.0.113.5"));
  size_t closed = 0;
  for (int32_t second = 0; second < (kThorough ? 180 : 60); ++second) {
    for (int32_t& conn : talkers) {
      for (int32_t i = 0; i < (long_ones ? 2 : 60) && !h.box[conn].close_code; ++i) {
        if (long_ones) {
          h.text(conn, signal);
        } else {
          h.text(conn, report);
        }
      }
      if (!h.box[conn].close_code) continue;
      ++closed;
      if (second % 10 == 0) conn = h.open("203.0.113.5");
    }
    for (const int32_t conn : quiet) h.text(conn, report);
    h.advance(seconds(1));
  }
  for (const int32_t conn : quiet) CHECK_FALSE(h.box[conn].close_code);
  CHECK(closed > 0);
}

TEST_CASE("E8: who enters again and again does not use up the first enters of its neighbours") {
  TrackerConfig config;
  config.enters_per_address_per_minute = 60;
  config.channel_switches = 0;
  Harness h(config);
  wire::Enter enter;
  enter.channel = kChannel;
  int32_t greedy = enter_from(h, "203.0.113.5");
  const int32_t calm = enter_from(h, "203.0.113.5");
  size_t closed = 0;
  for (int32_t second = 0; second < 120; ++second) {
    for (int32_t i = 0; i < 10 && !h.box[greedy].close_code; ++i) h.say(greedy, enter);
    if (h.box[greedy].close_code && second % 30 == 0) {
      ++closed;
      greedy = enter_from(h, "203.0.113.5");
    }
    h.advance(seconds(1));
    // A token is renewed now and then.
    if (second % 30 == 29) {
      h.say(calm, enter);
      CHECK_FALSE(h.box[enter_from(h, "203.0.113.5")].close_code);
    }
  }
  CHECK(closed > 0);
  CHECK_FALSE(h.box[calm].close_code);
}

// The choice of parents: near ones, in the right class, with several addresses.
#include <algorithm>
#include <optional>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

using Ids = std::vector<std::string>;

// Enters one channel from a place of its own.
int32_t enter_from(Harness& h, const std::string& isp, const std::string& province,
                   wire::Enter enter = {}, const std::string& address = {}) {
  static int32_t last = 0;
  const std::string own = "198.51.100." + std::to_string(++last % 250);
  const int32_t conn = h.open(address.empty() ? own : address, isp, province);
  enter.channel = "c";
  h.say(conn, enter);
  return conn;
}

void open_all(Harness& h, int32_t conn) {
  for (const std::string& parent : h.box[conn].connects()) {
    h.say(conn, wire::DcOpened{h.id(conn) + "-" + parent});
  }
}

wire::Enter leech() {
  wire::Enter enter;
  enter.up_bw = 0;
  return enter;
}

wire::Enter asking_for(std::optional<int32_t> wants) {
  wire::Enter enter;
  enter.wants = wants;
  return enter;
}

}  // namespace

TEST_CASE("a parent of the same province is chosen, then one of the same ISP, then any") {
  Harness h;
  const int32_t root = enter_from(h, "A", "1");
  const int32_t b2 = enter_from(h, "B", "2");
  const int32_t a3 = enter_from(h, "A", "3");
  REQUIRE(h.box[b2].connects() == Ids{h.id(root)});
  REQUIRE(h.box[a3].connects() == Ids{h.id(root)});
  // One class more for the same province, and not for another one of the same ISP.
  CHECK(h.box[enter_from(h, "A", "3", leech())].connects() == Ids{h.id(a3)});
  CHECK(h.box[enter_from(h, "B", "2", leech())].connects() == Ids{h.id(b2)});
  CHECK(h.box[enter_from(h, "B", "9")].connects() == Ids{h.id(b2)});
  CHECK(h.box[enter_from(h, "A", "9")].connects() == Ids{h.id(root)});
  CHECK(h.box[enter_from(h, "C", "2")].connects() == Ids{h.id(root)});
  CHECK(h.box[enter_from(h, "", "")].connects() == Ids{h.id(root)});
}

TEST_CASE("nearness does not make a chain of what could be a tree") {
  TrackerConfig config;
  config.default_children = 64;
  config.max_children = 64;
  Harness h(config);
  enter_from(h, "A", "1");
  for (int i = 0; i < 30; ++i) enter_from(h, "B", "2");
  const std::string topology = h.tracker.topology("c", 0, 100);
  CHECK(topology.find("\"class\":2") != std::string::npos);
  CHECK(topology.find("\"class\":3") == std::string::npos);
}

TEST_CASE("a peer is given three parents, one a second, of which the later leave slots to others") {
  Harness h;
  for (int i = 0; i < 10; ++i) enter_from(h, "A", "1");
  const int32_t child = enter_from(h, "A", "1");
  CHECK(h.box[child].connects().size() == 1);
  h.advance(DurationMs{999});
  CHECK(h.box[child].connects().size() == 1);
  h.advance(DurationMs{1'001});
  Ids parents = h.box[child].connects();
  CHECK(parents.size() == 3);
  std::sort(parents.begin(), parents.end());
  CHECK(std::unique(parents.begin(), parents.end()) == parents.end());
  h.advance(seconds(10));
  CHECK(h.box[child].connects().size() == 3);
  CHECK(h.tracker.audit() == "");
}

TEST_CASE("no two parents are of one foreign address, so that no flood is all of them") {
  Harness h;
  for (int i = 0; i < 20; ++i) enter_from(h, "A", "1", {}, "203.0.113.5");
  const int32_t victim = enter_from(h, "A", "1");
  h.advance(seconds(10));
  open_all(h, victim);
  CHECK(h.box[victim].connects().size() == 1);
  const int32_t other = enter_from(h, "B", "2");
  h.advance(seconds(1));
  open_all(h, other);
  h.advance(seconds(60));
  // The household's own address is no stranger.
  const int32_t housemate = enter_from(h, "A", "1", {}, "203.0.113.5");
  h.advance(seconds(10));
  CHECK(h.box[housemate].connects().size() == 3);
}

TEST_CASE("weak peers are put below those who can feed many") {
  Harness h;
  const int32_t root = enter_from(h, "A", "1");
  const int32_t strong = enter_from(h, "A", "1");
  wire::Enter mobile;
  mobile.device = wire::Device::kMobile;
  CHECK(h.box[enter_from(h, "A", "1", mobile)].connects() == Ids{h.id(strong)});
  CHECK(h.box[enter_from(h, "A", "1")].connects() == Ids{h.id(root)});
}

TEST_CASE("when a source leaves, one of its children feeds the others, a strong one") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter mobile;
  mobile.device = wire::Device::kMobile;
  const int32_t root = h.join("c");
  const int32_t phone = h.join("c", mobile);
  const int32_t strong = h.join("c");
  for (const int32_t conn : {phone, strong}) h.opened(conn, root);
  REQUIRE(h.box[phone].connects() == Ids{h.id(root)});
  h.advance(seconds(5));
  h.hang_up(root);
  h.advance(seconds(2));
  CHECK(h.box[phone].connects().back() == h.id(strong));
  CHECK(h.box[strong].connects().size() == 1);
}

TEST_CASE("what children report to get gives a peer more children than the default") {
  TrackerConfig config;
  config.default_children = 2;
  config.child_kbps = 1'000;
  config.parents_wanted = 1;
  Harness h(config);
  const int32_t parent = h.join("c");
  std::vector<int32_t> children;
  for (const char* address : {"192.0.2.2", "192.0.2.3"}) {
    const int32_t child = h.open(address);
    wire::Enter enter = leech();
    enter.channel = "c";
    h.say(child, enter);
    h.opened(child, parent);
    children.push_back(child);
  }
  const int32_t waiting = h.join("c", leech());
  h.advance(seconds(10));
  CHECK(h.box[waiting].connects().empty());
  // 2 x 2 Mbit/s over ten seconds, as both sides say.
  h.say(parent, wire::Statistics{0, 0, 0, 5'000});
  for (const int32_t child : children) h.say(child, wire::Statistics{0, 0, 2'500, std::nullopt});
  h.advance(seconds(1));
  CHECK(h.box[waiting].connects() == Ids{h.id(parent)});
  CHECK(h.tracker.topology("c", 0, 1).find("\"child_limit\":4") != std::string::npos);
  // A report that comes too soon, or claims more than the parent says it sent, counts for nothing.
  for (int i = 0; i < 50; ++i) h.say(children[0], wire::Statistics{0, 0, 1e9, std::nullopt});
  h.advance(seconds(10));
  h.say(children[0], wire::Statistics{0, 0, 1e9, std::nullopt});
  CHECK(h.tracker.topology("c", 0, 1).find("\"child_limit\":4") != std::string::npos);
}

TEST_CASE("what a peer announces is its limit, and children beyond it are let go one by one") {
  TrackerConfig config;
  config.parents_wanted = 1;
  Harness h(config);
  wire::Enter able;
  able.up_bw = 4'500;
  able.channel = "c";
  const int32_t parent = h.join("c", able);
  std::vector<int32_t> children;
  for (int i = 0; i < 3; ++i) children.push_back(h.join("c", leech()));
  able.up_bw = 1'500;
  h.say(parent, able);
  const auto let_go = [&] {
    size_t count = 0;
    for (const int32_t child : children) count += h.box[child].all<wire::Disconnect>().size();
    return count;
  };
  CHECK(let_go() == 1);
  h.advance(seconds(2));
  CHECK(let_go() == 2);
  h.advance(seconds(20));
  CHECK(let_go() == 2);
  CHECK(h.tracker.audit() == "");
}

namespace {

// Peers in a deep tree, some time after half of those at its top have left.
std::vector<int32_t> with_room_at_the_top(Harness& h, std::optional<int32_t> wants) {
  std::vector<int32_t> peers;
  for (int i = 0; i < 60; ++i) {
    peers.push_back(enter_from(h, "A", "1", asking_for(wants)));
    h.advance(seconds(3));
    for (const int32_t peer : peers) open_all(h, peer);
  }
  for (int i = 1; i < 12; i += 2) h.hang_up(peers[static_cast<size_t>(i)]);
  for (int i = 1; i < 12; i += 2) peers[static_cast<size_t>(i)] = peers.back();
  return peers;
}

TrackerConfig with_few_children() {
  TrackerConfig config;
  config.default_children = 3;
  return config;
}

// Plays two minutes of messages. `reported` is called after each report.
template <class Reported>
void live_on(Harness& h, const std::vector<int32_t>& peers, Reported reported) {
  for (int second = 0; second < 120; ++second) {
    h.advance(seconds(1));
    for (const int32_t peer : peers) open_all(h, peer);
    if (second % 30 == 0) {
      for (const int32_t peer : peers) {
        h.say(peer, wire::Statistics{});
        reported(peer);
      }
    }
    REQUIRE(h.tracker.audit() == "");
  }
}

size_t count_parents(Harness& h, int32_t peer) {
  const std::string topology = h.tracker.topology("c", 0, 1000);
  const std::string edge = "\"child\":\"" + h.id(peer) + '"';
  size_t count = 0;
  for (size_t at = topology.find(edge); at != std::string::npos; at = topology.find(edge, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("who stays and can feed many is brought nearer to the CDN, and keeps three parents") {
  Harness h(with_few_children());
  const std::vector<int32_t> peers = with_room_at_the_top(h, std::nullopt);
  live_on(h, peers, [](int32_t) {});
  CHECK(h.tracker.stats().promoted > 0);
  h.advance(seconds(30));
  for (const int32_t peer : peers) open_all(h, peer);
  CHECK(h.tracker.stats().links <= 3 * h.tracker.stats().peers);
}

TEST_CASE("who asked for a number of parents is never told of one more, not even of a better one") {
  Harness h(with_few_children());
  const std::vector<int32_t> peers = with_room_at_the_top(h, 3);
  size_t most = 0;
  live_on(h, peers, [&](int32_t peer) { most = std::max(most, count_parents(h, peer)); });
  CHECK(most == 3);
}

TEST_CASE("who enters anew while a better parent is on its way keeps those it has") {
  Harness h(with_few_children());
  const std::vector<int32_t> peers = with_room_at_the_top(h, std::nullopt);
  size_t seen = 0;
  uint64_t promoted = h.tracker.stats().promoted;
  live_on(h, peers, [&](int32_t peer) {
    if (h.tracker.stats().promoted == promoted) return;
    promoted = h.tracker.stats().promoted;
    ++seen;
    wire::Enter enter;
    enter.channel = "c";
    h.say(peer, enter);
    REQUIRE(h.box[peer].all<wire::Disconnect>().size() > 0);
    CHECK(h.box[peer].all<wire::Disconnect>().back().peer_id.text == h.box[peer].connects().back());
  });
  CHECK(seen > 0);
}

TEST_CASE("who asks for no number any more is given the usual one") {
  Harness h;
  for (int i = 0; i < 8; ++i) enter_from(h, "A", "1", asking_for(1));
  wire::Enter enter;
  enter.channel = "c";
  enter.hlsmesh = 1;
  enter.wants = 1;
  const int32_t peer = h.open();
  h.say(peer, enter);
  const auto settle = [&] {
    for (int second = 0; second < 30; ++second) {
      h.advance(seconds(1));
      open_all(h, peer);
    }
  };
  settle();
  CHECK(h.box[peer].connects().size() == 1);
  enter.wants.reset();
  h.say(peer, enter);
  settle();
  CHECK(h.box[peer].connects().size() == 3);
}

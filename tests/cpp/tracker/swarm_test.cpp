#include <algorithm>
#include <chrono>
#include <set>

#include "common/random.hpp"
#include "effort.hpp"
#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

// The state of a tracker's peers, made from its commands alone.
struct Swarm {
  explicit Swarm(TrackerConfig config) : h(config) {}

  Harness h;
  std::map<std::string, int32_t> socket_of;   // id → socket, of peers in a channel
  std::map<int32_t, std::string> channel_of;  // socket → channel
  std::map<int32_t, std::string> parent_of;   // socket → id of the standing introduction
  std::map<int32_t, size_t> connects_seen;
  std::map<int32_t, int32_t> limit_of;

  // Takes in new connects and checks each as it comes.
  void observe() {
    for (auto& [conn, mailbox] : h.box) {
      for (size_t& seen = connects_seen[conn]; seen < mailbox.dials.size(); ++seen) {
        const std::string& parent = mailbox.dials[seen];
        INFO("socket " << conn << " told to dial " << parent);
        REQUIRE(channel_of.count(conn) == 1);
        REQUIRE(socket_of.count(parent) == 1);
        const int32_t parent_socket = socket_of[parent];
        REQUIRE(parent_socket != conn);
        REQUIRE(channel_of[parent_socket] == channel_of[conn]);
        REQUIRE(parent_of.count(conn) == 0);
        parent_of[conn] = parent;
      }
    }
  }

  void check_no_cycle_and_limits() {
    std::map<std::string, int32_t> children;
    for (const auto& [child, parent] : parent_of) {
      ++children[parent];
      std::set<int32_t> seen{child};
      std::string at = parent;
      while (true) {
        const int32_t socket = socket_of.at(at);
        REQUIRE(seen.insert(socket).second);
        const auto next = parent_of.find(socket);
        if (next == parent_of.end()) break;
        at = next->second;
      }
    }
    for (const auto& [parent, count] : children) {
      REQUIRE(count <= limit_of.at(socket_of.at(parent)));
    }
  }

  void gone(int32_t conn) {
    const std::string id = h.id(conn);
    socket_of.erase(id);
    channel_of.erase(conn);
    parent_of.erase(conn);
    for (auto link = parent_of.begin(); link != parent_of.end();) {
      link = link->second == id ? parent_of.erase(link) : std::next(link);
    }
  }
};

}  // namespace

TEST_CASE("whatever peers do, introductions make no cycle and exceed no limit") {
  const uint64_t seed = GENERATE(range(1u, kThorough ? 7u : 2u));
  CAPTURE(seed);
  Random random(seed);
  TrackerConfig config;
  config.default_children = 2;
  config.default_children_mobile = 1;
  config.parents_wanted = 1;
  config.max_connections_per_address = 100'000;
  config.enters_per_address_per_minute = 1'000'000;
  Swarm swarm(config);
  Harness& h = swarm.h;
  std::vector<int32_t> sockets;  // in a channel

  const auto drop = [&](size_t index) {
    const int32_t conn = sockets[index];
    sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(index));
    swarm.gone(conn);
    return conn;
  };

  for (int step = 0; step < 2'500; ++step) {
    const size_t pick = sockets.empty() ? 0 : random.below(static_cast<uint32_t>(sockets.size()));
    const uint32_t action = random.below(100);
    if (sockets.size() < 3 || (action < 25 && sockets.size() < 60)) {
      const int32_t conn = h.open();
      wire::Enter enter;
      enter.channel = random.below(4) == 0 ? "b" : "a";
      enter.device = random.below(3) == 0 ? wire::Device::kMobile : wire::Device::kPc;
      if (random.below(4) == 0) enter.up_bw = static_cast<int32_t>(random.below(8'000));
      swarm.channel_of[conn] = enter.channel;
      swarm.limit_of[conn] = enter.up_bw
                                 ? (*enter.up_bw == 0 ? 0 : std::max(*enter.up_bw / 1500, 1))
                             : enter.device == wire::Device::kMobile ? 1
                                                                     : 2;
      h.say(conn, enter);
      sockets.push_back(conn);
      swarm.socket_of[h.id(conn)] = conn;
    } else if (action < 40) {
      const int32_t conn = drop(pick);
      if (random.below(2) == 0) {
        h.hang_up(conn);
      } else {
        h.say(conn, wire::Leave{});
      }
    } else if (action < 60) {
      const int32_t conn = sockets[pick];
      const auto link = swarm.parent_of.find(conn);
      if (link != swarm.parent_of.end()) {
        const int32_t parent = swarm.socket_of.at(link->second);
        const std::string dc_id = h.dc_id(conn, parent);
        swarm.parent_of.erase(link);
        const int32_t reporter = random.below(3) == 0 ? parent : conn;
        if (random.below(2) == 0) {
          h.say(reporter, wire::DcClosed{dc_id});
        } else {
          h.say(reporter, wire::DcFailed{dc_id});
        }
      } else {
        h.say(conn, wire::DcFailed{"before-restart"});
      }
    } else if (action < 90) {
      const int32_t conn = sockets[pick];
      const auto link = swarm.parent_of.find(conn);
      if (link != swarm.parent_of.end()) h.opened(conn, swarm.socket_of.at(link->second));
    } else {
      // Shorter than it takes an introduction to be given up, so that the model needs no clock:
      // every link is opened first.
      for (const auto& [child, parent] : swarm.parent_of)
        h.opened(child, swarm.socket_of.at(parent));
      h.advance(DurationMs{random.below(4'000)});
      swarm.observe();
      for (const auto& [child, parent] : swarm.parent_of)
        h.opened(child, swarm.socket_of.at(parent));
    }
    swarm.observe();
    swarm.check_no_cycle_and_limits();
    REQUIRE(h.tracker.stats().peers == static_cast<int32_t>(sockets.size()));
  }

  // Left in peace, every peer that can have a parent gets one.
  for (int second = 0; second < 60; ++second) {
    for (const auto& [child, parent] : swarm.parent_of) h.opened(child, swarm.socket_of.at(parent));
    h.advance(seconds(1));
    swarm.observe();
  }
  CHECK(h.tracker.audit() == "");
  CHECK(h.tracker.neglected().empty());
  for (const int32_t conn : sockets) h.hang_up(conn);
  CHECK(h.tracker.stats().channels == 0);
}

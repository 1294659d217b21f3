#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "effort.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/tracker.hpp"

using namespace hlsmesh;
namespace wire = tracker_wire;

namespace {

constexpr int kSteps = kThorough ? 100'000 : 20'000;

// Peers that join, leave, fail and report at random, over a few channels and rooms that divide and
// unite. Each knows what it was told to do.
class Crowd {
 public:
  Crowd(uint64_t seed, const TrackerConfig& config) : random_(seed), tracker_(config) {}

  void step() {
    dial();
    const uint32_t action = random_.below(100);
    // The audience waxes and wanes.
    const bool waxing = (steps_++ / 4'000) % 2 == 0;
    if (socket_of_.empty() || action < (waxing ? 28u : 12u)) return join();
    const int32_t conn = pick();
    if (action < 42) return depart(conn);
    Member& member = members_[conn];
    if (action < 46) return say(conn, enter(member.channel, random_.below(40) == 0));
    if (action < 50) return advance(DurationMs{random_.below(1'500)});
    if (action < 60) return report(conn);
    if (member.told.empty()) return;
    const std::string parent =
        member.told[random_.below(static_cast<uint32_t>(member.told.size()))];
    const std::string dc_id = member.id + "-" + parent;
    if (action < 88) return say(conn, wire::DcOpened{dc_id});
    const auto other = socket_of_.find(parent);
    // Either side may say so, or both; a stranger's word counts for nothing.
    const int32_t reporter =
        other != socket_of_.end() && random_.below(3) == 0 ? other->second : conn;
    say(reporter, random_.below(2) == 0 ? wire::PeerMessage(wire::DcClosed{dc_id})
                                        : wire::PeerMessage(wire::DcFailed{dc_id}));
    if (random_.below(4) == 0) say(conn, wire::DcFailed{dc_id});
    if (random_.below(8) == 0) say(pick(), wire::DcClosed{dc_id});
  }

  // Nothing happens but what the tracker itself does; whoever is told to connect does.
  void rest(DurationMs time) {
    const TimeMs end = now_ + time;
    while (now_ < end) {
      advance(std::min(DurationMs{200}, end - now_));
      dial();
    }
  }

  const Tracker& tracker() const { return tracker_; }
  size_t size() const { return socket_of_.size(); }

 private:
  struct Member {
    std::string id;
    int32_t channel = 0;
    std::vector<std::string> told;
  };

  // Most of those who were told to connect succeed, some fail, some never say.
  void dial() {
    const std::vector<std::pair<int32_t, std::string>> dialled = std::move(dialled_);
    dialled_.clear();
    for (const auto& [conn, parent] : dialled) {
      const auto member = members_.find(conn);
      if (member == members_.end()) continue;
      const std::string dc_id = member->second.id + "-" + parent;
      const uint32_t luck = random_.below(20);
      if (luck < 17) say(conn, wire::DcOpened{dc_id});
      if (luck > 17) say(conn, wire::DcFailed{dc_id});
    }
  }

  int32_t pick() {
    auto at = members_.lower_bound(
        static_cast<int32_t>(random_.below(static_cast<uint32_t>(last_conn_)) + 1));
    return at == members_.end() ? members_.begin()->first : at->first;
  }

  wire::Enter enter(int32_t channel, bool elsewhere) {
    wire::Enter message;
    message.channel = std::string(
        1, static_cast<char>('a' + (elsewhere ? static_cast<int32_t>(random_.below(3)) : channel)));
    if (random_.below(3) == 0) message.device = wire::Device::kMobile;
    if (random_.below(4) == 0) message.up_bw = static_cast<int32_t>(random_.below(12'000));
    if (random_.below(6) == 0) message.wants = 1 + static_cast<int32_t>(random_.below(6));
    return message;
  }

  void join() {
    const int32_t conn = ++last_conn_;
    const std::string address = "10.0." + std::to_string(random_.below(40)) + ".1";
    const std::string isp(1, static_cast<char>('A' + random_.below(4)));
    const std::string province = std::to_string(random_.below(6));
    const bool known = random_.below(10) != 0;
    tracker_.on_open(now_, ConnId(conn), Origin{address, known ? isp : "", known ? province : ""},
                     IdEntropy{1, static_cast<uint64_t>(conn)});
    // Most are in one channel, as in life.
    const int32_t channel = random_.below(4) == 0 ? 1 + static_cast<int32_t>(random_.below(2)) : 0;
    members_[conn].channel = channel;
    wire::Enter message = enter(channel, false);
    if (random_.below(50) == 0) message.parents = 1 + static_cast<int32_t>(random_.below(2));
    if (random_.below(50) == 0) message.children = 1 + static_cast<int32_t>(random_.below(2));
    say(conn, message);
  }

  void depart(int32_t conn) {
    if (random_.below(2) == 0) say(conn, wire::Leave{});
    socket_of_.erase(members_[conn].id);
    members_.erase(conn);
    tracker_.on_closed(now_, ConnId(conn));
    drain();
  }

  void report(int32_t conn) {
    wire::Statistics message;
    message.level = random_.below(4);
    message.cdn_kb = random_.below(4'000);
    message.p2p_kb = random_.below(40'000);
    say(conn, message);
    if (random_.below(6) == 0) say(conn, wire::DcClosed{"a-stranger"});
  }

  void say(int32_t conn, const wire::PeerMessage& message) {
    tracker_.on_text(now_, ConnId(conn), wire::serialize(message));
    drain();
  }

  void advance(DurationMs by) {
    const TimeMs end = now_ + by;
    while (true) {
      const auto due = tracker_.next_timeout();
      if (!due || *due > end) break;
      now_ = std::max(now_, *due);
      tracker_.on_timeout(now_);
      drain();
    }
    now_ = end;
    tracker_.on_timeout(now_);
    drain();
  }

  void drain() {
    std::vector<ConnId> pinged;
    while (const TrackerCommand* command = tracker_.poll()) {
      const auto member = members_.find(command->conn.value());
      if (command->kind == TrackerCommandKind::kPing) pinged.push_back(command->conn);
      if (command->kind == TrackerCommandKind::kClose) FAIL(std::string(command->text));
      if (command->kind != TrackerCommandKind::kSend || member == members_.end()) continue;
      const auto parsed = wire::parse_from_tracker(command->text);
      const auto& message = *std::get_if<wire::TrackerMessage>(&parsed);
      if (const auto* accept = std::get_if<wire::Accept>(&message)) {
        member->second.id = accept->peer_id.text;
        socket_of_[accept->peer_id.text] = member->first;
      } else if (const auto* connect = std::get_if<wire::Connect>(&message)) {
        if (socket_of_.count(connect->to_peer_id.text) == 0) FAIL("told to dial nobody");
        member->second.told.push_back(connect->to_peer_id.text);
        dialled_.emplace_back(member->first, connect->to_peer_id.text);
        if (member->second.told.size() > 6) member->second.told.erase(member->second.told.begin());
      }
    }
    for (const ConnId conn : pinged) tracker_.on_pong(now_, conn);
  }

  Random random_;
  Tracker tracker_;
  TimeMs now_{DurationMs{1'000'000}};
  int32_t last_conn_ = 0;
  int steps_ = 0;
  std::map<int32_t, Member> members_;
  std::map<std::string, int32_t> socket_of_;
  std::vector<std::pair<int32_t, std::string>> dialled_;
};

TrackerConfig crowded(int32_t room_peers) {
  TrackerConfig config;
  config.room_peers = room_peers;
  config.max_connections_per_address = 1'000'000;
  config.enters_per_address_per_minute = 100'000'000;
  config.messages_per_second = 0;
  config.channel_switches = 0;
  config.default_children = 4;
  return config;
}

}  // namespace

TEST_CASE("whatever peers do, nothing that must hold breaks, and no orphan is neglected for 2 s") {
  const auto [seed, room_peers] = GENERATE(table<uint64_t, int32_t>({{1, 5'000}, {2, 60}}));
  CAPTURE(seed, room_peers);
  Crowd crowd(seed, crowded(room_peers));
  size_t largest = 0;
  for (int step = 1; step <= kSteps / 2; ++step) {
    crowd.step();
    largest = std::max(largest, crowd.size());
    if (step % 500 == 0) {
      CAPTURE(step, crowd.size());
      REQUIRE(crowd.tracker().audit() == "");
    }
    if (step % 1'000 == 0) {
      const std::vector<std::string> before = crowd.tracker().neglected();
      crowd.rest(DurationMs{2'000});
      CAPTURE(step, crowd.size());
      REQUIRE(crowd.tracker().audit() == "");
      for (const std::string& id : crowd.tracker().neglected()) {
        CAPTURE(id);
        REQUIRE(std::count(before.begin(), before.end(), id) == 0);
      }
    }
  }
  const TrackerStats stats = crowd.tracker().stats();
  CHECK(largest > 250);
  CHECK(stats.links > 0);
  CHECK(stats.opened > 1'000);
  CHECK(stats.failed > 1'000);
  CHECK(stats.rooms >= 3);
  // Nobody but a source or two of each room, and those whose every connection fails.
  CHECK(stats.orphans < 3 * stats.rooms + stats.peers / 50);
}

// Measures how well the tracker matches the peers of a synthetic audience of one channel: `node
// bench/matching.mjs`.
//
// The audience: five ISPs have 38, 27, 18, 9 and 4 % of the peers, the other 4 % are spread
// over forty small ones; provinces are thirty, the k-th with a share in proportion to 1/(k + 3),
// whatever the ISP. Three in ten are on a phone. Of the others a quarter announces its upload: a
// tenth of those nothing, the others between 1 and 13 Mbit/s. A hundred enter each second. Every
// introduction opens, half a second later.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/random.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/tracker.hpp"

namespace {

using namespace hlsmesh;
namespace wire = tracker_wire;

constexpr int32_t kEnterEveryMs = 10;
constexpr DurationMs kOpensAfter{500};
constexpr DurationMs kRest{30'000};

struct Viewer {
  std::string id;
  int32_t isp = 0;
  int32_t province = 0;
  int32_t limit = 0;
  int32_t children = 0;
  int32_t layer = 0;
  std::vector<int32_t> parents;  // by socket
};

int32_t draw_isp(Random& random) {
  const uint32_t share = random.below(100);
  if (share < 38) return 0;
  if (share < 65) return 1;
  if (share < 83) return 2;
  if (share < 92) return 3;
  if (share < 96) return 4;
  return 5 + static_cast<int32_t>(random.below(40));
}

int32_t draw_province(Random& random) {
  static const std::vector<double> kUpTo = [] {
    std::vector<double> sums;
    double sum = 0;
    for (int32_t k = 0; k < 30; ++k) sums.push_back(sum += 1.0 / (k + 3));
    return sums;
  }();
  const double at = kUpTo.back() * random.below(1'000'000) / 1e6;
  return static_cast<int32_t>(std::upper_bound(kUpTo.begin(), kUpTo.end(), at) - kUpTo.begin());
}

class Audience {
 public:
  Audience(int32_t peers, int32_t room_peers)
      : tracker_(config(room_peers)), viewers_(static_cast<size_t>(peers) + 1) {}

  void enter_all() {
    for (int32_t conn = 1; conn < static_cast<int32_t>(viewers_.size()); ++conn) {
      enter(conn);
      pass(DurationMs{kEnterEveryMs});
    }
    pass(kRest);
  }

  // One row of the table.
  void print(int32_t room_peers) {
    const int32_t peers = static_cast<int32_t>(viewers_.size()) - 1;
    Random random(7);
    int64_t links = 0;
    int64_t slots = 0;
    int64_t isp[2] = {0, 0};
    int64_t province[2] = {0, 0};
    int64_t sources = 0;
    for (int32_t conn = 1; conn <= peers; ++conn) {
      const Viewer& viewer = viewers_[static_cast<size_t>(conn)];
      slots += viewer.limit;
      sources += viewer.parents.empty() ? 1 : 0;
      for (const int32_t parent : viewer.parents) {
        ++links;
        // Against a parent drawn from the whole channel.
        const int32_t anyone = 1 + static_cast<int32_t>(random.below(static_cast<uint32_t>(peers)));
        const int32_t against[2] = {parent, anyone};
        for (const size_t which : {0u, 1u}) {
          const Viewer& other = viewers_[static_cast<size_t>(against[which])];
          isp[which] += other.isp == viewer.isp ? 1 : 0;
          province[which] += other.isp == viewer.isp && other.province == viewer.province ? 1 : 0;
        }
      }
    }
    const std::vector<int32_t> layers = classes();
    const auto share = [&](int64_t part, int64_t whole) {
      return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(whole, 1));
    };
    const TrackerStats stats = tracker_.stats();
    std::printf(
        "| %6d | %6d | %5d | %4.0f %% (%.0f %%) | %4.0f %% (%.1f %%) | %2d, %2d, %2d | %.2f | "
        "%4.0f %% | "
        "%5lld | %5.1f |\n",
        peers, room_peers, stats.rooms, share(isp[0], links), share(isp[1], links),
        share(province[0], links), share(province[1], links), layers[layers.size() / 2],
        layers[layers.size() * 95 / 100], layers.back(), static_cast<double>(links) / peers,
        share(links, slots), static_cast<long long>(sources),
        spent_us_ / static_cast<double>(stats.connects));
    if (tracker_.audit() != "" || !tracker_.neglected().empty()) std::abort();
  }

 private:
  static TrackerConfig config(int32_t room_peers) {
    TrackerConfig config;
    config.room_peers = room_peers;
    config.enters_per_address_per_minute = 1'000'000;
    // The audience does not answer pings.
    config.ping_interval = config.dead_after = DurationMs{1'000'000'000};
    return config;
  }

  template <class Call>
  void timed(Call call) {
    const double begin = cpu_us();
    call();
    spent_us_ += cpu_us() - begin;
    drain();
  }

  // Of this thread: others on the machine do not count.
  static double cpu_us() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
  }

  void enter(int32_t conn) {
    Viewer& viewer = viewers_[static_cast<size_t>(conn)];
    viewer.isp = draw_isp(random_);
    viewer.province = draw_province(random_);
    wire::Enter message;
    message.channel = "https://cdn.example/live.m3u8";
    viewer.limit = 6;
    if (random_.below(10) < 3) {
      message.device = wire::Device::kMobile;
      viewer.limit = 2;
    } else if (random_.below(4) == 0) {
      const int32_t kbps =
          random_.below(10) == 0 ? 0 : 1'000 + static_cast<int32_t>(random_.below(12'000));
      message.up_bw = kbps;
      viewer.limit = kbps == 0 ? 0 : std::max(kbps / 1'500, 1);
    }
    const std::string text = wire::serialize(wire::PeerMessage(message));
    const std::string address = "10." + std::to_string(conn >> 16) + "." +
                                std::to_string(conn >> 8 & 255) + "." + std::to_string(conn & 255);
    const std::string isp = "isp " + std::to_string(viewer.isp);
    const std::string province = "province " + std::to_string(viewer.province);
    timed([&] {
      tracker_.on_open(now_, ConnId(conn), Origin{address, isp, province},
                       IdEntropy{1, static_cast<uint64_t>(conn)});
      tracker_.on_text(now_, ConnId(conn), text);
    });
  }

  void pass(DurationMs time) {
    const TimeMs end = now_ + time;
    while (true) {
      const auto due = tracker_.next_timeout();
      const bool opens = !opening_.empty() && opening_.front().first <= end;
      if (opens && (!due || opening_.front().first <= *due)) {
        now_ = std::max(now_, opening_.front().first);
        const auto [conn, parent] = opening_.front().second;
        opening_.pop_front();
        const std::string text = wire::serialize(
            wire::PeerMessage(wire::DcOpened{viewers_[static_cast<size_t>(conn)].id + "-" +
                                             viewers_[static_cast<size_t>(parent)].id}));
        timed([&, conn = conn] { tracker_.on_text(now_, ConnId(conn), text); });
      } else if (due && *due <= end) {
        now_ = std::max(now_, *due);
        timed([&] { tracker_.on_timeout(now_); });
      } else {
        break;
      }
    }
    now_ = end;
  }

  void drain() {
    while (const TrackerCommand* command = tracker_.poll()) {
      if (command->kind != TrackerCommandKind::kSend) continue;
      const int32_t conn = command->conn.value();
      const auto parsed = wire::parse_from_tracker(command->text);
      const auto& message = *std::get_if<wire::TrackerMessage>(&parsed);
      if (const auto* accept = std::get_if<wire::Accept>(&message)) {
        viewers_[static_cast<size_t>(conn)].id = accept->peer_id.text;
        sockets_[accept->peer_id.text] = conn;
      } else if (const auto* connect = std::get_if<wire::Connect>(&message)) {
        const int32_t parent = sockets_.at(connect->to_peer_id.text);
        viewers_[static_cast<size_t>(conn)].parents.push_back(parent);
        opening_.push_back({now_ + kOpensAfter, {conn, parent}});
      }
    }
  }

  // Links between each viewer and the CDN by the shortest way, sorted.
  std::vector<int32_t> classes() const {
    std::vector<std::vector<int32_t>> children(viewers_.size());
    std::vector<int32_t> open;
    std::vector<int32_t> layer(viewers_.size(), -1);
    for (size_t conn = 1; conn < viewers_.size(); ++conn) {
      for (const int32_t parent : viewers_[conn].parents) {
        children[static_cast<size_t>(parent)].push_back(static_cast<int32_t>(conn));
      }
      if (!viewers_[conn].parents.empty()) continue;
      open.push_back(static_cast<int32_t>(conn));
      layer[conn] = 0;
    }
    for (size_t next = 0; next < open.size(); ++next) {
      const size_t at = static_cast<size_t>(open[next]);
      for (const int32_t child : children[at]) {
        int32_t& below = layer[static_cast<size_t>(child)];
        if (below >= 0) continue;
        below = layer[at] + 1;
        open.push_back(child);
      }
    }
    layer.erase(layer.begin());
    std::sort(layer.begin(), layer.end());
    return layer;
  }

  Random random_{42};
  Tracker tracker_;
  TimeMs now_{DurationMs{1'000'000}};
  std::vector<Viewer> viewers_;
  std::unordered_map<std::string, int32_t> sockets_;
  std::deque<std::pair<TimeMs, std::pair<int32_t, int32_t>>> opening_;
  double spent_us_ = 0;
};

}  // namespace

int main() {
  std::printf(
      "| peers | of a room | rooms | parents of the same ISP (at random) | and province (at "
      "random) | class: "
      "median, 95 %%, most | parents each | slots in use | sources | µs an introduction |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n");
  for (const auto& [peers, room_peers] :
       {std::pair(1'000, 5'000), std::pair(10'000, 5'000), std::pair(100'000, 5'000),
        std::pair(10'000, 1'000'000), std::pair(100'000, 1'000'000)}) {
    Audience audience(peers, room_peers);
    audience.enter_all();
    audience.print(room_peers);
  }
  return 0;
}

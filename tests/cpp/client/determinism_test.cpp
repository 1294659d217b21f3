#include <catch2/catch.hpp>

#include "common/random.hpp"
#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A long session of chance events, honest and hostile, drawn from `seed`; all commands as text.
std::vector<std::string> run(uint64_t seed, int events) {
  EngineConfig config = Harness::default_config();
  config.seed = seed;
  config.cache_bytes = 2'000'000;
  Harness h(config);
  Random random(seed);
  std::vector<std::string> transcript;
  h.add_renditions(true);
  h.join();
  int32_t next_load = 1;
  int32_t next_peer = 1;
  double position = 0;
  std::vector<int32_t> loads;
  for (int i = 0; i < events; ++i) {
    const int32_t some_peer =
        1 + static_cast<int32_t>(random.below(static_cast<uint32_t>(next_peer)));
    const int64_t sn = static_cast<int64_t>(position / 4) + random.below(6);
    switch (random.below(17)) {
      case 0:
        h.tracker_says(tracker_wire::Connect{PeerId{"p" + std::to_string(next_peer++)}});
        break;
      case 1:
        h.tracker_says(
            tracker_wire::SignalFrom{PeerId{"c" + std::to_string(next_peer++)},
                                     tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
        break;
      case 2:
      case 3:
        h.engine.on_channel_open(h.now, PeerHandle(some_peer), 262'144);
        h.drain();
        break;
      case 4:
        h.peer_says(some_peer, peer::KeepAlive{MediaSequence(sn), 1});
        break;
      case 5:
        h.peer_says(some_peer,
                    peer::Request{"seg" + std::to_string(sn) + ".ts", MediaSequence(sn), {}});
        break;
      case 6:
      case 7:
        loads.push_back(next_load);
        h.load(next_load++, sn);
        break;
      case 8:
      case 9:
        if (!loads.empty()) {
          // Drawn one by one: the order in which arguments are evaluated is the compiler's choice.
          const int32_t load = loads[random.below(static_cast<uint32_t>(loads.size()))];
          const size_t size = 1 + random.below(300'000);
          h.fetch_done(load, Harness::body(sn, size));
        }
        break;
      case 10:
        if (!loads.empty()) {
          h.load_aborted(loads[random.below(static_cast<uint32_t>(loads.size()))]);
        }
        break;
      case 11:
        if (random.below(4) == 0) h.peer_closed(some_peer);
        break;
      case 12: {
        // The parent answers what it was last asked.
        const auto requests = h.sent<peer::Request>(some_peer);
        if (!requests.empty()) {
          h.peer_serves(some_peer, requests.back(),
                        Harness::body(requests.back().sn.value(), 1 + random.below(200'000)));
        }
        break;
      }
      case 13:
        position += random.below(4);
        h.playhead(position, position + random.below(30));
        break;
      case 14:
        h.writable(some_peer, random.below(100'000));
        break;
      case 15:
        if (random.below(8) == 0) h.peer_says_text(some_peer, "}{");
        break;
      default:
        if (random.below(10) == 0) h.socket_closed();
        h.socket_open();
        if (random.below(3) == 0) {
          tracker_wire::Accept accept;
          accept.peer_id = PeerId{"me" + std::to_string(i)};
          h.tracker_says(accept);
        }
        break;
    }
    h.advance(random.below(400));
    const EngineStats stats = h.engine.stats();
    REQUIRE(stats.cache_bytes <= config.cache_bytes + 300'000);
    REQUIRE(stats.children <= config.limits.max_children);
    REQUIRE(stats.parents <= 4);
  }
  h.engine.stop(h.now);
  h.drain();
  REQUIRE_FALSE(h.engine.next_timeout());
  REQUIRE(h.engine.peers().empty());
  for (const Seen& seen : h.log) transcript.push_back(seen.to_string());
  return transcript;
}

}  // namespace

TEST_CASE("determinism: the same events give the same commands") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    const auto first = run(seed, 600);
    CHECK(first.size() > 250);
    CHECK(first == run(seed, 600));
  }
}

TEST_CASE("determinism: every load ends once, by data or by the CDN") {
  Harness h;
  h.add_renditions(true);
  h.join();
  int32_t parent = 0;
  Random random(7);
  double position = 0;
  std::vector<int> ends(201, 0);
  const auto count = [&] {
    for (const Seen& seen : h.log) {
      if (seen.kind != CommandKind::kLoadDone && seen.kind != CommandKind::kFetch) continue;
      ends[static_cast<size_t>(seen.load)] += 1;
    }
  };
  for (int32_t id = 1; id <= 200; ++id) {
    h.clear();
    if (h.engine.stats().parents == 0) parent = h.open_parent("p" + std::to_string(id), true);
    h.playhead(position, position + 12);
    h.load(id, static_cast<int64_t>(position / 4) + 3);
    for (int step = 0; step < 60; ++step) {
      const auto requests =
          step == 1 ? h.sent<peer::Request>(parent) : std::vector<peer::Request>();
      if (!requests.empty()) {
        switch (random.below(3)) {
          case 0:
            h.peer_serves(parent, requests.back(), Harness::body(id, 100'000));
            break;
          case 1:
            h.peer_says(parent, peer::Lack{requests.back().url, requests.back().sn, {}, {}});
            break;
          default:
            // Says LACK late.
            h.advance(2'500);
            h.peer_says(parent, peer::Lack{requests.back().url, requests.back().sn, {}, {}});
            break;
        }
      }
      h.advance(50);
      h.peer_says(parent, peer::KeepAlive{});
    }
    count();
    if (h.went_to_cdn(id)) h.fetch_done(id, Harness::body(id, 100'000));
    position += 4;
  }
  h.clear();
  h.advance(10'000);  // the last one may still be waiting for its parent
  count();
  for (size_t id = 1; id < ends.size(); ++id) {
    CAPTURE(id);
    CHECK(ends[id] == 1);
  }
  CHECK(h.engine.stats().p2p_segments > 10);
  CHECK(h.engine.stats().fallbacks > 30);
}

TEST_CASE("commands: short and long texts stay readable until the next call") {
  Harness h;
  h.engine.start(h.now);
  h.engine.on_socket_open(h.now, {});
  const Command* open = h.engine.poll();
  REQUIRE(open != nullptr);
  CHECK(open->kind == CommandKind::kSocketOpen);
  CHECK(open->text.empty());
  const Command* enter = h.engine.poll();
  REQUIRE(enter != nullptr);
  const std::string_view text = enter->text;
  // Calls that are const leave it alone.
  CHECK(h.engine.next_timeout());
  CHECK(h.engine.stats().malformed == 0);
  CHECK(h.engine.peers().empty());
  CHECK(text.front() == '{');
  CHECK(text.back() == '}');
  tracker_wire::Accept accept;
  accept.peer_id = PeerId{"m"};
  h.engine.on_socket_text(h.now, tracker_wire::serialize(accept));
  const Command* event = h.engine.poll();
  REQUIRE(event != nullptr);
  CHECK(event->text == "m");
  CHECK(h.engine.poll() == nullptr);
}

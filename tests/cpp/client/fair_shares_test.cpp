// What children may have of a viewer's upload, and how it is divided among them.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kLowWater = 256 * 1024;

// A parent whose segments have 4 s each, on a line that carries so many bytes a second; children
// that ask are served over it, each channel with an even part of what the line has.
struct Server {
  Harness h;
  double bytes_per_second;
  std::map<int32_t, size_t> buffered;
  std::map<int32_t, size_t> delivered;
  std::map<int32_t, int> headers;
  std::map<int32_t, int> unanswered;

  Server(const EngineConfig& config, double rate, int64_t segments, size_t size)
      : h(config), bytes_per_second(rate) {
    h.add_renditions(true);
    h.join();
    for (int64_t sn = 0; sn < segments; ++sn) h.cache_segment(sn, size);
    h.clear();
  }
  int32_t child(const std::string& id) {
    const int32_t child = h.open_child(id);
    buffered[child] = 0;
    take();
    return child;
  }
  // A child with this many requests unanswered would be dropped for more.
  void ask(int32_t child, int64_t sn) {
    if (unanswered[child] >= 6) return;
    unanswered[child] += 1;
    h.peer_says(child,
                peer::Request{"seg" + std::to_string(sn) + ".ts", MediaSequence(sn), std::nullopt});
    take();
  }
  // Takes in what was sent.
  void take() {
    for (const Seen& seen : h.log) {
      if (seen.kind == CommandKind::kChannelSendBinary) buffered[seen.peer] += seen.data.size();
      if (seen.kind == CommandKind::kChannelSendText) {
        const bool header = seen.text.find("\"BINARY\"") != std::string::npos;
        if (header) headers[seen.peer] += 1;
        if (header || seen.text.find("\"LACK\"") != std::string::npos) unanswered[seen.peer] -= 1;
      }
      if (seen.kind == CommandKind::kPeerClose) buffered.erase(seen.peer);
    }
    h.clear();
  }
  // Lets 50 ms pass.
  void tick() {
    h.advance(50);
    take();
    const auto busy = std::count_if(buffered.begin(), buffered.end(),
                                    [](const auto& entry) { return entry.second > 0; });
    if (busy == 0) return;
    const auto part = static_cast<size_t>(bytes_per_second / 20 / static_cast<double>(busy));
    std::vector<int32_t> children;
    for (const auto& [child, queued] : buffered) children.push_back(child);
    for (const int32_t child : children) {
      const size_t before = buffered[child];
      const size_t gone = std::min(before, part);
      if (gone == 0) continue;
      const size_t queued = buffered[child] -= gone;
      delivered[child] += gone;
      if ((before > kLowWater && queued <= kLowWater) || queued == 0) {
        h.writable(child, queued);
        take();
      }
    }
  }
};

EngineConfig capped(double bytes_per_second) {
  EngineConfig config = Harness::default_config();
  config.limits.upload_bytes_per_second = bytes_per_second;
  return config;
}

}  // namespace

TEST_CASE("D2: a child gets a segment once, however often it asks") {
  Server p(Harness::default_config(), 50e6, 10, 1'000'000);
  const int32_t greedy = p.child("greedy");
  for (int turn = 0; turn < 1'200; ++turn) {
    p.ask(greedy, turn % 10);
    p.tick();
  }
  // One more of them a minute.
  CHECK(p.delivered[greedy] >= 10'000'000);
  CHECK(p.delivered[greedy] <= 12'000'000);
  // It is no offence, and others get them all the same.
  CHECK(p.h.engine.stats().malformed == 0);
  const int32_t other = p.child("other");
  for (int64_t sn = 0; sn < 10; ++sn) {
    p.ask(other, sn);
    for (int i = 0; i < 20; ++i) p.tick();
  }
  CHECK(p.delivered[other] == 10'000'000);
}

TEST_CASE("D2: a new connection does not make a child new") {
  Server p(Harness::default_config(), 50e6, 10, 1'000'000);
  size_t sum = 0;
  for (int turn = 0; turn < 60; ++turn) {
    p.h.tracker_says(tracker_wire::SignalFrom{
        PeerId{"greedy"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
    const auto answers = p.h.all(CommandKind::kPeerAnswer);
    if (!answers.empty()) {
      const int32_t child = answers.back().peer;
      p.h.engine.on_channel_open(p.h.now, PeerHandle(child), 262'144);
      p.h.drain();
      p.buffered[child] = 0;
      p.take();
      for (int64_t sn = 0; sn < 10; ++sn) {
        p.ask(child, sn);
        for (int i = 0; i < 2; ++i) p.tick();
      }
      for (int i = 0; i < 40; ++i) p.tick();
      sum += p.delivered[child];
    }
    p.h.advance(1'000);
    p.take();
  }
  CHECK(sum >= 9'000'000);
  CHECK(sum <= 14'000'000);
}

TEST_CASE("D2: with a cap, a greedy child leaves the honest theirs") {
  const double cap = GENERATE(600e3, 1e6);
  Server p(capped(cap), 50e6, 400, 200'000);
  const int32_t greedy = p.child("greedy");
  std::map<int32_t, int> asked;
  // Ahead of the honest in everything: it comes first, and asks for ever new segments, at once.
  for (int turn = 0; turn < 100; ++turn) {
    p.ask(greedy, turn);
    p.tick();
  }
  const int32_t one = p.child("one");
  const int32_t two = p.child("two");
  for (int turn = 0; turn < 1'200; ++turn) {
    p.ask(greedy, 100 + turn % 300);
    if (turn % 80 == 0) p.ask(one, turn / 80);
    if (turn % 80 == 40) p.ask(two, turn / 80);
    p.tick();
  }
  CAPTURE(cap, p.headers[greedy]);
  // Of 15 each, which are 50 KB/s; the first may be refused.
  CHECK(p.headers[one] >= 14);
  CHECK(p.headers[two] >= 14);
  // And nothing is left lying about: what they do not want, the greedy one may have.
  CHECK(p.delivered[greedy] >= 4'000'000);
}

TEST_CASE("D2: on a slow line, a greedy child leaves the honest theirs") {
  // The line carries 250 KB/s; the two honest ones want 50 each.
  Server p(Harness::default_config(), 250e3, 300, 200'000);
  const int32_t greedy = p.child("greedy");
  const int32_t also_greedy = p.child("also greedy");
  for (int turn = 0; turn < 200; ++turn) {
    p.ask(greedy, turn);
    p.tick();
  }
  const int32_t one = p.child("one");
  const int32_t two = p.child("two");
  for (int turn = 0; turn < 1'200; ++turn) {
    p.ask(greedy, (200 + turn) % 300);
    p.ask(also_greedy, turn % 300);
    if (turn % 80 == 0) p.ask(one, turn / 80);
    if (turn % 80 == 40) p.ask(two, turn / 80);
    p.tick();
  }
  CAPTURE(p.headers[greedy], p.headers[also_greedy], p.headers[one], p.headers[two]);
  CHECK(p.headers[one] >= 12);
  CHECK(p.headers[two] >= 12);
}

TEST_CASE("D2: without a cap of the site's, children get four fifths of the measured line") {
  const auto [line, segment] =
      GENERATE(std::pair(250e3, 100'000u), std::pair(250e3, 400'000u), std::pair(1e6, 100'000u),
               std::pair(1e6, 1'000'000u), std::pair(2e6, 400'000u));
  const bool site_says = GENERATE(false, true);
  EngineConfig config = Harness::default_config();
  if (site_says) config.limits.upload_bytes_per_second = line * 4;
  // A child gets a segment once, so there are enough for the whole time.
  constexpr double kSeconds = 60;
  const auto held = static_cast<int64_t>(line * kSeconds / segment) + 10;
  config.cache_bytes = (static_cast<size_t>(held) + 1) * segment;
  Server p(config, line, held, segment);
  const int32_t one = p.child("one");
  const int32_t two = p.child("two");
  // Both want all that they can have; the burst at the beginning is not counted.
  const auto sent = [&] { return static_cast<double>(p.delivered[one] + p.delivered[two]); };
  double before = 0;
  for (int turn = 0; turn < kSeconds * 20; ++turn) {
    if (turn == kSeconds * 10) before = sent();
    p.ask(one, turn % held);
    p.ask(two, (turn + 7) % held);
    p.tick();
  }
  const double used = (sent() - before) / (kSeconds / 2 * line);
  CAPTURE(line, segment, site_says, used);
  if (!site_says) CHECK(used <= 0.85);
  CHECK(used >= (site_says ? 0.85 : 0.6));
}

TEST_CASE("D2: a budget for the session holds however fair the shares are") {
  EngineConfig config = capped(1e6);
  config.limits.upload_bytes = 3'000'000;
  Server p(config, 50e6, 20, 200'000);
  const int32_t one = p.child("one");
  const int32_t two = p.child("two");
  for (int turn = 0; turn < 400; ++turn) {
    p.ask(one, turn % 20);
    p.ask(two, turn % 20);
    p.tick();
  }
  CHECK(p.h.engine.stats().upload_bytes <= 3'000'000);
  CHECK(p.h.engine.stats().upload_bytes >= 2'800'000);
  CHECK(p.h.engine.stats().children == 0);
}

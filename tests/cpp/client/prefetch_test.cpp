#include <catch2/catch.hpp>
#include <cmath>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kSegmentBytes = 150'000;

// Plays segment 0 of main rendition 0, with 8 s buffered, beside as many parents as a test wants.
struct Ahead {
  explicit Ahead(EngineConfig config = Harness::default_config()) : h(std::move(config)) {
    h.join();
    h.add_renditions(false);
    h.playhead(0, 8);
    follow(0);
  }

  void follow(int32_t rendition) {
    h.engine.on_playlist(h.now, TrackKind::kMain, rendition);
    h.drain();
  }

  // Answers the last kListSegments as the driver does, from a playlist of 20 segments.
  void list(int32_t rendition = 0) {
    const std::vector<Seen> asked = h.all(CommandKind::kListSegments);
    REQUIRE(!asked.empty());
    for (int64_t sn = 0; sn < 20; ++sn) {
      const double start = static_cast<double>(sn) * 4;
      if (start + 4 <= asked.back().t0 || start >= asked.back().t1) continue;
      SegmentLoad what;
      what.rendition_index = rendition;
      what.sn = MediaSequence(sn);
      what.url = "seg" + std::to_string(sn) + ".ts";
      what.span = MediaSpan{start, 4};
      h.engine.list_segment(h.now, what);
      h.drain();
    }
  }

  std::vector<int64_t> asked_of(int32_t parent) const {
    std::vector<int64_t> numbers;
    for (const peer::Request& request : h.sent<peer::Request>(parent)) {
      numbers.push_back(request.sn.value());
    }
    return numbers;
  }

  void serve(int32_t parent) {
    const peer::Request request = h.sent<peer::Request>(parent).back();
    h.peer_serves(parent, request, Harness::body(request.sn.value(), kSegmentBytes));
  }

  Harness h;
};

using Numbers = std::vector<int64_t>;

}  // namespace

TEST_CASE("prefetch: a parent is asked for what follows the buffer, one segment after the other") {
  Ahead a;
  const int32_t parent = a.h.open_parent("p", true);
  a.list();
  CHECK(a.asked_of(parent) == Numbers{2});
  a.serve(parent);
  a.serve(parent);
  CHECK(a.asked_of(parent) == Numbers{2, 3, 4});
  CHECK_FALSE(a.h.has(CommandKind::kFetch));
  CHECK(a.h.engine.stats().p2p_segments == 2);

  SECTION("the player then gets it at once, as coming from a peer; the next time from the CDN") {
    a.h.clear();
    a.h.load(1, 2);
    REQUIRE(a.h.all(CommandKind::kLoadDone).size() == 1);
    CHECK(a.h.all(CommandKind::kLoadDone)[0].code == static_cast<int32_t>(LoadSource::kPeer));
    CHECK(a.h.all(CommandKind::kLoadDone)[0].data == Harness::body(2, kSegmentBytes));
    CHECK(a.h.engine.stats().cache_hits == 1);
    a.h.load(2, 2);
    CHECK(a.h.went_to_cdn(2));
  }

  SECTION("a load of the segment that is on its way waits for that") {
    const peer::Request request = a.h.sent<peer::Request>(parent).back();
    a.h.clear();
    a.h.load(1, 4);
    CHECK(a.h.sent<peer::Request>(parent).empty());
    CHECK_FALSE(a.h.went_to_cdn(1));
    a.h.peer_serves(parent, request, Harness::body(4, kSegmentBytes));
    REQUIRE(a.h.all(CommandKind::kLoadDone).size() == 1);
    CHECK(a.h.all(CommandKind::kLoadDone)[0].load == 1);
  }
}

TEST_CASE("prefetch: several parents bring different segments at the same time") {
  Ahead a;
  const int32_t first = a.h.open_parent("p", true);
  const int32_t second = a.h.open_parent("q", true);
  a.list();
  CHECK(a.asked_of(first) == Numbers{2});
  CHECK(a.asked_of(second) == Numbers{3});

  SECTION("each transfer is told as if it had had the line for itself") {
    const peer::Request request = a.h.sent<peer::Request>(first).back();
    const peer::Request other = a.h.sent<peer::Request>(second).back();
    const std::string body = Harness::body(2, 60'000);
    a.h.peer_says(first, peer::Binary{1, request.url, request.sn, 60'000, {}, request.rendition});
    a.h.peer_says(second, peer::Binary{1, other.url, other.sn, 60'000, {}, other.rendition});
    a.h.advance(100);
    a.h.peer_sends(second, body);
    a.h.peer_sends(first, body);
    a.h.load(1, 2);
    const Seen done = a.h.all(CommandKind::kLoadDone).at(0);
    CHECK(done.t1 - done.t0 == 50);
  }
}

TEST_CASE("prefetch: a parent that lacks a segment is asked again later, another at once") {
  Ahead a;
  const int32_t first = a.h.open_parent("p", true);
  a.list();
  const peer::Request request = a.h.sent<peer::Request>(first).back();
  a.h.clear();
  peer::Lack lack;
  lack.url = request.url;
  lack.sn = request.sn;
  lack.rendition = request.rendition;
  a.h.peer_says(first, lack);
  CHECK(a.h.sent<peer::Request>(first).empty());
  const int32_t second = a.h.open_parent("q", true);
  CHECK(a.asked_of(second) == Numbers{2});
  CHECK_FALSE(a.h.has(CommandKind::kFetch));
  a.h.clear();
  a.h.advance(2'000);
  a.h.playhead(2, 8);
  a.list();
  CHECK(a.asked_of(first) == Numbers{2});
}

TEST_CASE("prefetch: nothing is asked for ahead of the player") {
  Ahead a;
  const auto quiet = [&a] {
    const int32_t parent = a.h.open_parent("p", true);
    return a.h.sent<peer::Request>(parent).empty() && !a.h.has(CommandKind::kListSegments);
  };
  PlayerConditions conditions;
  SECTION("while playback is paused") {
    a.h.playhead(0, 8, 0);
    CHECK(quiet());
  }
  SECTION("while the player may not load") { conditions.loads = false; }
  SECTION("while the page is hidden") { conditions.hidden = true; }
  SECTION("when data is to be saved") { conditions.save_data = true; }
  SECTION("on a metered line") { conditions.metered = true; }
  SECTION("when the site wants none") { a.h.engine.set_prefetch(a.h.now, 0); }
  a.h.engine.on_conditions(a.h.now, conditions);
  CHECK(quiet());
}

TEST_CASE("prefetch: the window ends where the player's buffer does, or where the site says") {
  Ahead a;
  const int32_t parent = a.h.open_parent("p", true);
  PlayerConditions conditions;
  conditions.max_buffer = 16;
  // More than the player wants, as far as is listed.
  double seconds = 16 + 2;
  SECTION("the player's") {}
  SECTION("the site's") {
    a.h.engine.set_prefetch(a.h.now, 12);
    seconds = 12;
  }
  a.h.engine.on_conditions(a.h.now, conditions);
  a.follow(0);
  a.list();
  for (int i = 0; i < 4; ++i) a.serve(parent);
  for (const int64_t sn : a.asked_of(parent)) CHECK(static_cast<double>(sn) * 4 < seconds);
  CHECK(a.h.engine.stats().p2p_segments == static_cast<int32_t>(std::ceil(seconds / 4)) - 2);
}

TEST_CASE("prefetch: half of the cache stays for what lies behind the playhead") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 6 * kSegmentBytes;
  Ahead a(config);
  const int32_t parent = a.h.open_parent("p", true);
  a.list();
  while (a.h.has(CommandKind::kChannelSendText) && !a.h.sent<peer::Request>(parent).empty()) {
    const peer::Request request = a.h.sent<peer::Request>(parent).back();
    a.h.clear();
    a.h.peer_serves(parent, request, Harness::body(request.sn.value(), kSegmentBytes));
  }
  CHECK(a.h.engine.stats().p2p_segments == 3);
}

TEST_CASE("prefetch: another rendition, a refreshed playlist and a seek are listed anew") {
  Ahead a;
  const int32_t parent = a.h.open_parent("p", true);
  a.list();
  a.h.clear();

  SECTION("another rendition; what still comes of the former is ignored") {
    a.follow(1);
    REQUIRE(a.h.all(CommandKind::kListSegments).size() == 1);
    a.list(0);
    CHECK(a.h.sent<peer::Request>(parent).empty());
  }
  SECTION("a refresh") {
    a.follow(0);
    CHECK(a.h.all(CommandKind::kListSegments).size() == 1);
  }
  SECTION("a seek") {
    a.h.playhead(40, 48);
    REQUIRE(a.h.all(CommandKind::kListSegments).size() == 1);
    CHECK(a.h.all(CommandKind::kListSegments)[0].t0 == 40);
  }
  SECTION("but not every report of the playhead") {
    a.h.playhead(0.25, 8);
    CHECK_FALSE(a.h.has(CommandKind::kListSegments));
  }
}

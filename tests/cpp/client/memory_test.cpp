// Memory for what the cache cannot hold: it comes with the bytes, and goes with the load.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr int64_t kMebibyte = 1024 * 1024;

}  // namespace

#if defined(__GLIBC__)
TEST_CASE("D4: the announcement of a segment that the cache cannot hold takes no memory either") {
  // AddressSanitizer counts elsewhere: with it this says nothing.
  const auto allocated = [] {
    const struct mallinfo2 info = mallinfo2();
    return static_cast<int64_t>(info.uordblks + info.hblkhd);
  };
  const int64_t budget = GENERATE(4 * kMebibyte, 48 * kMebibyte);
  const bool known = GENERATE(false, true);
  CAPTURE(budget, known);
  EngineConfig config = Harness::default_config();
  config.cache_bytes = static_cast<size_t>(budget);
  Harness h(config);
  h.add_renditions(true);
  h.join();
  // What the rendition usually has, if anything is known of it, makes the size a likely one.
  if (known) h.cache_segment(0, 4 * kMebibyte);
  std::vector<int32_t> parents;
  for (int i = 0; i < 4; ++i) parents.push_back(h.open_parent("p" + std::to_string(i), true));
  h.playhead(0, 20);
  for (int i = 0; i < 4; ++i) h.load(i + 1, 5 + i);
  const int64_t before = allocated();
  for (const int32_t parent : parents) {
    const auto request = h.sent<peer::Request>(parent).at(0);
    h.peer_says(parent, peer::Binary{1'100, request.url, request.sn, 64 * kMebibyte, std::nullopt,
                                     request.rendition});
  }
  CHECK(h.engine.stats().malformed == 0);
  CHECK(allocated() - before < kMebibyte);
  // With a packet each they have what a segment usually takes, twice.
  for (const int32_t parent : parents) h.peer_sends(parent, Harness::body(5, 61'440));
  CHECK(allocated() - before <= 34 * kMebibyte);
  // When nobody waits any more, nothing is left of what nobody keeps.
  for (int i = 0; i < 4; ++i) h.load_aborted(i + 1);
  CHECK(allocated() - before < kMebibyte);
}
#endif

TEST_CASE("D4: what is above the budget still reaches the player, and is given up with its load") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 1 * kMebibyte;
  Harness h(config);
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p", true);
  h.playhead(0, 20);
  h.load(1, 5);
  const auto request = h.sent<peer::Request>(parent).at(0);
  const std::string body = Harness::body(5, 3 * kMebibyte);
  SECTION("whole") {
    h.peer_serves(parent, request, body);
    REQUIRE(h.all(CommandKind::kLoadDone).size() == 1);
    CHECK(h.all(CommandKind::kLoadDone)[0].data == body);
  }
  SECTION("aborted in its middle: the rest is thrown away, and the parent is no liar") {
    h.peer_says(parent, peer::Binary{52, request.url, request.sn, 3 * kMebibyte, std::nullopt,
                                     request.rendition});
    h.peer_sends(parent, body.substr(0, 61'440));
    h.load_aborted(1);
    CHECK(h.engine.reserve_channel_binary(PeerHandle(parent), 61'440, {}).empty());
    for (size_t at = 61'440; at < body.size(); at += 61'440) {
      h.peer_sends(parent, body.substr(at, 61'440));
    }
    CHECK(h.engine.stats().malformed == 0);
    CHECK(h.engine.stats().p2p_wasted_bytes == 3 * kMebibyte);
    h.load(2, 6);
    CHECK(h.sent<peer::Request>(parent).size() == 2);
  }
}

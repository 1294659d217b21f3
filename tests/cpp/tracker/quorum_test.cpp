#include <catch2/catch.hpp>

#include "cpp/tracker/harness.hpp"

namespace hlsmesh::tracker_test {
namespace {

wire::Enter enter(std::optional<int32_t> quorum) {
  wire::Enter enter;
  enter.hlsmesh = wire::kExtension;
  enter.quorum = quorum;
  return enter;
}

const char* const kChannel = "https://cdn.example/a.m3u8";

std::vector<int32_t> told(Harness& h, int32_t conn) {
  std::vector<int32_t> viewers;
  for (const wire::Pong& pong : h.box[conn].all<wire::Pong>()) {
    if (pong.viewers) viewers.push_back(*pong.viewers);
  }
  return viewers;
}

TEST_CASE("a viewer is introduced to nobody, in either role, before its quorum is there") {
  Harness h;
  const int32_t plain = h.join(kChannel, enter({}));
  const int32_t shy = h.join(kChannel, enter(4));
  const int32_t third = h.join(kChannel, enter({}));
  h.advance(DurationMs{30'000});
  CHECK(h.box[shy].connects().empty());
  CHECK(h.box[plain].connects().empty());
  REQUIRE_FALSE(h.box[third].connects().empty());
  for (const std::string& parent : h.box[third].connects()) CHECK(parent == h.id(plain));
  CHECK(told(h, shy).empty());

  const int32_t fourth = h.join(kChannel, enter({}));
  CHECK(told(h, shy) == std::vector{4});
  h.advance(DurationMs{2'000});
  CHECK_FALSE(h.box[shy].connects().empty());
  CHECK(h.box[fourth].connects().size() >= 1);
  // It was told once, and viewers that leave change nothing.
  h.hang_up(plain);
  h.hang_up(third);
  h.join(kChannel, enter({}));
  h.join(kChannel, enter({}));
  CHECK(told(h, shy) == std::vector{4});
  CHECK(h.tracker.audit().empty());
}

TEST_CASE(
    "a quorum that is there already is told at once, and who leaves while it waits is forgotten") {
  Harness h;
  h.join(kChannel, enter({}));
  const int32_t gone = h.join(kChannel, enter(3));
  h.hang_up(gone);
  const int32_t pair = h.join(kChannel, enter(2));
  CHECK(told(h, pair) == std::vector{2});
  CHECK(h.box[pair].connects().size() == 1);
  h.join(kChannel, enter({}));
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("all wait for each other, and are introduced when the last of them comes") {
  Harness h;
  std::vector<int32_t> viewers;
  for (int i = 0; i < 4; ++i) viewers.push_back(h.join(kChannel, enter(5)));
  h.advance(DurationMs{60'000});
  for (const int32_t viewer : viewers) CHECK(h.box[viewer].connects().empty());
  viewers.push_back(h.join(kChannel, enter(5)));
  h.advance(DurationMs{4'000});
  size_t introduced = 0;
  for (const int32_t viewer : viewers) {
    CHECK(told(h, viewer) == std::vector{5});
    introduced += !h.box[viewer].connects().empty();
  }
  // All but the one that the CDN feeds.
  CHECK(introduced == 4);
}

TEST_CASE("a quorum that is raised keeps what is there, and one that is paused stays so") {
  Harness h;
  const int32_t first = h.join(kChannel, enter({}));
  wire::Enter paused = enter(3);
  paused.idle = true;
  const int32_t second = h.join(kChannel, paused);
  const int32_t third = h.join(kChannel, enter({}));
  CHECK(told(h, second) == std::vector{3});
  h.advance(DurationMs{20'000});
  CHECK(h.box[second].connects().empty());
  h.opened(third, first);
  wire::Enter more = enter(9);
  more.channel = kChannel;
  h.say(third, more);
  h.advance(DurationMs{60'000});
  CHECK(h.box[third].all<wire::Disconnect>().empty());
  const size_t before = h.box[third].connects().size();
  h.join(kChannel, enter({}));
  h.advance(DurationMs{60'000});
  CHECK(h.box[third].connects().size() == before);
  CHECK(h.tracker.audit().empty());
}

TEST_CASE("the wait for a quorum goes along when another engine takes the channel over") {
  TrackerConfig config;
  config.authorize = true;
  Harness h(config);
  const int32_t shy = h.join(kChannel, enter(7));
  h.authorize(shy, true);
  h.tracker.on_ask_again(h.now, ConnId(shy));
  h.drain();
  h.send_elsewhere(shy);
  REQUIRE(h.box[shy].forwarded.size() == 1);
  CHECK(h.box[shy].forwarded[0].find(R"("quorum":7)") != std::string::npos);
  CHECK(h.box[shy].forwarded[0].find("idle") == std::string::npos);
}

}  // namespace
}  // namespace hlsmesh::tracker_test

// Who fetches first where the first viewer's line is weak.

#include <catch2/catch.hpp>
#include <list>
#include <string>

#include "client/download/mesh.hpp"

using namespace hlsmesh;

namespace {

// A first viewer of a live stream of 250 bytes a millisecond, and its children.
struct FirstViewer {
  struct Child {
    PeerId id;
    Link link;
    Neighbor neighbor;

    Child(CommandQueue& commands, int32_t number)
        : id{std::to_string(number)},
          link(commands, PeerHandle(number), 1024 * 1024),
          neighbor(PeerHandle(number), id, link) {}
  };

  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Downloads downloads{commands, renditions, stats, 8 * 1024 * 1024};
  Random random{1};
  Mesh mesh{commands, downloads, stats, random};
  std::list<Child> children;

  FirstViewer() {
    Segment segment;
    segment.key = {"r 5", MediaSequence(5)};
    segment.span.duration = 2;
    downloads.estimates().sizes.measured(segment, 500'000);
    mesh.set_live(true);
  }
  // One whose uplink is `up` bytes a millisecond; 0: it has not said.
  Neighbor& add(double up, bool passes_on = true) {
    const auto number = static_cast<int32_t>(children.size()) + 1;
    Neighbor& neighbor = children.emplace_back(commands, number).neighbor;
    neighbor.up = up;
    neighbor.passes_on = passes_on;
    mesh.add(neighbor);
    return neighbor;
  }
  const Neighbor* leader(double up) {
    mesh.choose_leader(now, up);
    return mesh.leader();
  }

  TimeMs now{DurationMs(1'000)};
};

constexpr double kScant = 300;  // less than one and a half times the stream
constexpr double kWeak = 375;
constexpr double kStrongUp = 800;  // more than three times

}  // namespace

TEST_CASE("mesh line: of children that are as late, the strongest fetches first") {
  FirstViewer v;
  v.add(600);
  Neighbor& strong = v.add(1'900);
  v.add(900);
  CHECK(v.leader(kWeak) == &strong);
}

TEST_CASE("mesh line: a child that is strong enough and learns of segments sooner comes first") {
  FirstViewer v;
  Neighbor& strong = v.add(1'900);
  Neighbor& prompt = v.add(900);
  v.add(kWeak * 1.4).behind_ms = 1;  // not strong enough
  strong.behind_ms = 1'500;
  prompt.behind_ms = 300;
  CHECK(v.leader(kWeak) == &prompt);
  strong.behind_ms = 300;  // a segment of 2 s takes it 0.3 s less
  CHECK(v.leader(kWeak) == &strong);
}

TEST_CASE("mesh line: nobody does where the line is strong, not measured, or the stream is VOD") {
  FirstViewer v;
  v.add(1'900);
  CHECK(v.leader(kStrongUp) == nullptr);
  CHECK(v.leader(0) == nullptr);
  v.mesh.set_live(false);
  CHECK(v.leader(kWeak) == nullptr);
}

TEST_CASE("mesh line: a child that is hardly stronger is of no help") {
  FirstViewer v;
  v.add(kWeak * 1.4);
  CHECK(v.leader(kWeak) == nullptr);
}

TEST_CASE("mesh line: a line that was never full is no weak one, if its viewer passes on") {
  FirstViewer v;
  v.add(0, false);
  CHECK(v.leader(kWeak) == nullptr);
  Neighbor& quiet = v.add(0);
  quiet.behind_ms = 300;
  CHECK(v.leader(kWeak) == &quiet);
  Neighbor& measured = v.add(1'000);
  measured.behind_ms = 300;
  CHECK(v.leader(kWeak) == &measured);
}

TEST_CASE(
    "mesh line: a child that learns of segments so late that we have sent them by then is of no "
    "help") {
  FirstViewer v;
  Neighbor& late = v.add(1'900);
  late.behind_ms = 1'071;  // 1,333 ms for a segment of 2 s by our line, 263 by its
  CHECK(v.leader(kWeak) == nullptr);
  late.behind_ms = 1'069;
  CHECK(v.leader(kWeak) == &late);
}

TEST_CASE("mesh line: beside a line that carries hardly one copy, a late child fetches as well") {
  FirstViewer v;
  Neighbor& late = v.add(1'900);
  late.behind_ms = 1'500;  // 1,667 ms by our line, 263 by its
  CHECK(v.leader(kScant) == nullptr);
  CHECK(v.mesh.second() == &late);
  CHECK(v.mesh.grace() == DurationMs(0));
  v.mesh.lose_leader(v.now);
  CHECK(v.mesh.second() == &late);
  CHECK(v.leader(kWeak) == nullptr);
  CHECK(v.mesh.second() == nullptr);
  late.behind_ms = 1'000;
  CHECK(v.leader(kScant) == &late);
  CHECK(v.mesh.second() == nullptr);
}

TEST_CASE("mesh line: a child is waited for as long as it is behind, and 0.4 s") {
  FirstViewer v;
  CHECK(v.mesh.grace() == DurationMs(0));
  Neighbor& child = v.add(1'900);
  child.behind_ms = 700;
  REQUIRE(v.leader(kWeak) == &child);
  CHECK(v.mesh.grace() == DurationMs(1'100));
  SECTION("it is not waited for in vain again for half a minute") {
    v.mesh.lose_leader(v.now);
    CHECK(v.mesh.leader() == nullptr);
    CHECK(v.mesh.grace() == DurationMs(0));
    v.now += DurationMs(29'999);
    CHECK(v.leader(kWeak) == nullptr);
    CHECK(v.leader(kScant) == nullptr);
    CHECK(v.mesh.second() == &child);
    v.now += DurationMs(1);
    CHECK(v.leader(kWeak) == &child);
  }
  SECTION("another one that is sooner than us leads meanwhile") {
    Neighbor& other = v.add(900);
    other.behind_ms = 600;  // 1,156 ms, where the first one has 963 and we 1,333
    v.mesh.lose_leader(v.now);
    CHECK(v.leader(kWeak) == &other);
  }
  SECTION("a child that is gone leads no more") {
    v.mesh.remove(child, FallbackReason::kPeerLost);
    CHECK(v.mesh.leader() == nullptr);
  }
}

TEST_CASE("mesh line: who has begun goes on until another is much sooner") {
  FirstViewer v;
  Neighbor& first = v.add(1'000);
  first.behind_ms = 700;
  REQUIRE(v.leader(kWeak) == &first);
  Neighbor& other = v.add(1'000);
  other.behind_ms = 501;
  CHECK(v.leader(kWeak) == &first);
  other.behind_ms = 499;
  CHECK(v.leader(kWeak) == &other);
}

TEST_CASE("mesh line: a viewer with a parent names nobody") {
  FirstViewer v;
  v.add(1'900);
  v.add(0).is_parent = true;
  CHECK(v.leader(kWeak) == nullptr);
}

// Who fetches beside a first viewer whose line is weak.

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
  const Neighbor* second(double up, PeerHandle now_second = PeerHandle()) const {
    return mesh.second(up, now_second);
  }
};

constexpr double kWeak = 375;      // one and a half times the stream
constexpr double kStrongUp = 800;  // more than three times

}  // namespace

TEST_CASE("mesh second: of children that are as late, the strongest fetches beside us") {
  FirstViewer v;
  v.add(600);
  Neighbor& strong = v.add(1'900);
  v.add(900);
  CHECK(v.second(kWeak) == &strong);
}

TEST_CASE("mesh second: a child that is strong enough and learns of segments sooner comes first") {
  FirstViewer v;
  Neighbor& strong = v.add(1'900);
  Neighbor& prompt = v.add(900);
  v.add(kWeak * 1.4).behind_ms = 1;  // not strong enough
  strong.behind_ms = 1'500;
  prompt.behind_ms = 300;
  CHECK(v.second(kWeak) == &prompt);
  strong.behind_ms = 400;  // a segment of 2 s takes it 0.3 s less
  CHECK(v.second(kWeak) == &strong);
}

TEST_CASE("mesh second: nobody does where the line is strong, not measured, or the stream is VOD") {
  FirstViewer v;
  v.add(1'900);
  CHECK(v.second(kStrongUp) == nullptr);
  CHECK(v.second(0) == nullptr);
  v.mesh.set_live(false);
  CHECK(v.second(kWeak) == nullptr);
}

TEST_CASE("mesh second: a child that is hardly stronger is of no help") {
  FirstViewer v;
  v.add(kWeak * 1.4);
  CHECK(v.second(kWeak) == nullptr);
}

TEST_CASE("mesh second: a line that was never full is no weak one, if its viewer passes on") {
  FirstViewer v;
  v.add(0, false);
  CHECK(v.second(kWeak) == nullptr);
  Neighbor& quiet = v.add(0);
  CHECK(v.second(kWeak) == &quiet);
  Neighbor& measured = v.add(1'000);
  CHECK(v.second(kWeak) == &measured);
}

TEST_CASE("mesh second: who has begun goes on until another is much sooner") {
  FirstViewer v;
  Neighbor& first = v.add(1'000);
  Neighbor& other = v.add(1'000);
  first.behind_ms = 700;
  other.behind_ms = 501;
  CHECK(v.second(kWeak, first.peer) == &first);
  other.behind_ms = 499;
  CHECK(v.second(kWeak, first.peer) == &other);
}

TEST_CASE("mesh second: a viewer with a parent names nobody") {
  FirstViewer v;
  v.add(1'900);
  v.add(0).is_parent = true;
  CHECK(v.second(kWeak) == nullptr);
}

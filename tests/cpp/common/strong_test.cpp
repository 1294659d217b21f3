#include "common/strong.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <type_traits>

#include "common/ids.hpp"
#include "common/time.hpp"

using namespace hlsmesh;

TEST_CASE("Strong types of unlike tags do not convert into each other or from their value") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<PeerHandle, LoadId>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<PeerHandle, LoadId>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int32_t, PeerHandle>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<PeerHandle, int32_t>);
}

TEST_CASE("Strong values order as their representation does") {
  const MediaSequence low(std::numeric_limits<int64_t>::min());
  const MediaSequence high(1);
  CHECK(low < high);
  CHECK(low <= high);
  CHECK(high > low);
  CHECK(high >= high);
  CHECK(low != high);
  CHECK(high == MediaSequence(1));
  CHECK(MediaSequence().value() == 0);
}

TEST_CASE("A numeric peer id differs from the same text, and the order tells them apart") {
  const PeerId text{"17", false};
  const PeerId number{"17", true};
  CHECK(text != number);
  CHECK(text == PeerId{"17", false});
  CHECK((text < number) != (number < text));
  CHECK_FALSE(text < text);
  CHECK(PeerId{"16", true} < text);
}

TEST_CASE("Engine time counts milliseconds") {
  const TimeMs start{DurationMs(1000)};
  CHECK((start + std::chrono::seconds(2)).time_since_epoch().count() == 3000);
}

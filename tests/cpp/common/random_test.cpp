#include "common/random.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

using hlsmesh::Random;

TEST_CASE("Random gives the published SplitMix64 sequence of seed 1234567") {
  Random random(1234567);
  for (const uint64_t expected : {uint64_t{6457827717110365317u}, uint64_t{3203168211198807973u},
                                  uint64_t{9817491932198370423u}, uint64_t{4593380528125082431u},
                                  uint64_t{16408922859458223821u}}) {
    CHECK(random.next() == expected);
  }
}

TEST_CASE("Random of one seed repeats itself, of another does not") {
  Random a(42);
  Random b(42);
  Random c(43);
  const uint64_t first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
}

TEST_CASE("Random::below stays under its bound") {
  const uint32_t bound = GENERATE(1u, 2u, 3u, 7u, 1000u, 0x80000001u, 0xffffffffu);
  Random random(bound);
  uint32_t largest = 0;
  for (int i = 0; i < 2000; ++i) {
    const uint32_t value = random.below(bound);
    REQUIRE(value < bound);
    if (value > largest) largest = value;
  }
  // 2,000 draws that all miss the upper tenth: a chance of 10^-91.
  CHECK(largest >= (bound - 1) / 10 * 9);
}

TEST_CASE("Random::below reaches every value of a small bound about equally often") {
  Random random(7);
  std::array<int, 6> seen{};
  for (int i = 0; i < 6000; ++i) ++seen[random.below(6)];
  // The standard deviation of each count is 29.
  for (const int count : seen) {
    CHECK(count > 1000 - 5 * 29);
    CHECK(count < 1000 + 5 * 29);
  }
}

TEST_CASE("Random can be evaluated at compile time") {
  constexpr uint64_t first = [] {
    Random random(1234567);
    return random.next();
  }();
  STATIC_REQUIRE(first == 6457827717110365317u);
}

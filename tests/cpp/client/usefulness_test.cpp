#include "client/download/usefulness.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("usefulness: five misses in a row over 15 s make a parent useless") {
  Usefulness usefulness;
  for (int i = 0; i < 4; ++i) usefulness.missed(after(i * 4'000));
  CHECK_FALSE(usefulness.useless());
  CHECK(usefulness.misses() == 4);
  usefulness.missed(after(14'999));
  CHECK_FALSE(usefulness.useless());
  usefulness.missed(after(15'000));
  CHECK(usefulness.useless());
}

TEST_CASE("usefulness: many misses at once are no proof, and what it gives ends the row") {
  Usefulness usefulness;
  for (int i = 0; i < 100; ++i) usefulness.missed(kStart);
  CHECK_FALSE(usefulness.useless());
  usefulness.got();
  CHECK(usefulness.misses() == 0);
  usefulness.missed(after(60'000));
  for (int i = 0; i < 4; ++i) usefulness.missed(after(61'000));
  CHECK_FALSE(usefulness.useless());
}

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

TEST_CASE("shortage: four segments that were late, of which none was made up for, show it") {
  Shortage shortage;
  for (int i = 0; i < 3; ++i) shortage.late();
  CHECK_FALSE(shortage.lasts());
  shortage.late();
  CHECK(shortage.lasts());
  shortage.begin_anew();
  CHECK_FALSE(shortage.lasts());
}

TEST_CASE("shortage: two segments in time make up for a late one, and for none to come") {
  Shortage shortage;
  for (int i = 0; i < 20; ++i) shortage.in_time();
  for (int i = 0; i < 4; ++i) {
    shortage.late();
    shortage.in_time();
  }
  CHECK_FALSE(shortage.lasts());  // two in all
  for (int i = 0; i < 3; ++i) shortage.late();
  CHECK(shortage.lasts());
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

// What is known of one media playlist, and for how long it vouches for its segments.

#include "client/download/known_playlist.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

PlaylistFacts window(double first, double newest, bool live = true) {
  PlaylistFacts facts;
  facts.first = first;
  facts.newest = newest;
  facts.target_duration = 2;
  facts.live = live;
  return facts;
}

using Change = KnownPlaylist::Change;

}  // namespace

TEST_CASE("known playlist: a live one vouches for three target durations after it moved on") {
  KnownPlaylist known("main", kStart, window(100, 110));
  CHECK(known.vouches(after(6'000)));
  CHECK_FALSE(known.vouches(after(6'001)));
  CHECK(known.loaded(after(3'000), window(100, 110)) == Change::kNone);
  CHECK_FALSE(known.vouches(after(6'001)));
  CHECK(known.loaded(after(4'000), window(101, 111)) == Change::kNone);
  CHECK(known.vouches(after(10'000)));
  CHECK(known.first() == 101);
  CHECK(known.newest() == 111);
  CHECK(known.loaded(after(20'000), window(105, 115)) == Change::kResumed);
}

TEST_CASE("known playlist: numbers that fall are another broadcast, or a server that lags") {
  KnownPlaylist known("main", kStart, window(100, 110));
  CHECK(known.loaded(after(1'000), window(98, 108)) == Change::kNone);
  CHECK(known.newest() == 110);
  CHECK(known.loaded(after(1'000), window(0, 3)) == Change::kRestarted);
  CHECK(known.newest() == 3);
  CHECK(known.vouches(after(1'000)));
}

TEST_CASE("known playlist: one that was never live vouches for ever") {
  KnownPlaylist known("main", kStart, window(0, 110, false));
  CHECK_FALSE(known.was_live());
  known.doubt();
  CHECK(known.vouches(after(1'000'000)));
}

TEST_CASE("known playlist: one in doubt vouches again when it has moved on") {
  KnownPlaylist known("main", kStart, window(100, 110));
  known.doubt();
  CHECK_FALSE(known.vouches(after(0)));
  CHECK(known.loaded(after(10), window(100, 110)) == Change::kNone);
  CHECK_FALSE(known.vouches(after(10)));
  CHECK(known.loaded(after(20), window(101, 111)) == Change::kResumed);
  CHECK(known.vouches(after(20)));
}

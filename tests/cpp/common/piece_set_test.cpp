#include "common/piece_set.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "common/random.hpp"

using namespace hlsmesh;

namespace {

constexpr uint32_t kMost = PieceSet::kMost;

using Model = std::set<uint32_t>;

PieceSet set_of(const Model& model) {
  PieceSet set;
  for (const uint32_t piece : model) set.add(piece);
  return set;
}

// By the members alone, whatever PieceSet's own comparison says.
void check_members(const PieceSet& set, const Model& model) {
  bool same = set.count() == model.size() && set.empty() == model.empty();
  auto next = model.begin();
  for (uint32_t piece = 0; piece < kMost + 2; ++piece) {
    const bool member = next != model.end() && *next == piece;
    same = same && set.has(piece) == member;
    if (member) ++next;
  }
  REQUIRE(same);
}

void check_walk(const PieceSet& set, const Model& model, uint32_t from) {
  const auto found = model.lower_bound(from);
  REQUIRE(set.first(from) == (found == model.end() ? kMost : *found));
  uint32_t end = from;
  while (end < kMost && model.count(end) == 1) ++end;
  REQUIRE(set.run_end(from) == end);
}

// Numbers where words of 64 bits begin and end, more often than others.
uint32_t some_piece(Random& random) {
  const uint32_t piece = random.below(kMost);
  switch (random.below(4)) {
    case 0:
      return piece / 64 * 64;
    case 1:
      return piece / 64 * 64 + 63;
    case 2:
      return piece % 130;
    default:
      return piece;
  }
}

Model some_model(Random& random) {
  Model model;
  for (uint32_t runs = random.below(6); runs > 0; --runs) {
    const uint32_t first = some_piece(random);
    const uint32_t last = std::min(kMost - 1, first + random.below(200));
    for (uint32_t piece = first; piece <= last; ++piece) model.insert(piece);
  }
  return model;
}

}  // namespace

TEST_CASE("a set of pieces does what std::set does") {
  const uint64_t seed = GENERATE(1u, 2u, 3u, 4u);
  CAPTURE(seed);
  Random random(seed);
  PieceSet set;
  Model model;
  for (int step = 0; step < 1'000; ++step) {
    CAPTURE(step);
    const uint32_t piece = some_piece(random);
    switch (random.below(9)) {
      case 0:
        set.add(piece);
        model.insert(piece);
        break;
      case 1:
        set.remove(piece);
        model.erase(piece);
        break;
      case 2: {
        const uint32_t last = random.below(4) == 0 ? some_piece(random) : piece + random.below(150);
        set.add(piece, last);
        for (uint32_t i = piece; i <= last && i < kMost; ++i) model.insert(i);
        break;
      }
      case 3: {
        const Model other = some_model(random);
        set.add(set_of(other));
        model.insert(other.begin(), other.end());
        break;
      }
      case 4: {
        const Model other = some_model(random);
        set.remove(set_of(other));
        for (const uint32_t gone : other) model.erase(gone);
        break;
      }
      case 5: {
        // The other set is often what is left of this one, so that not all is lost.
        Model other = some_model(random);
        if (random.below(4) != 0) other.insert(model.begin(), model.upper_bound(piece));
        set.keep(set_of(other));
        for (auto it = model.begin(); it != model.end();) {
          it = other.count(*it) == 1 ? std::next(it) : model.erase(it);
        }
        break;
      }
      case 6: {
        const uint32_t most = std::max(piece, some_piece(random));
        set.cut(most);
        model.erase(model.lower_bound(most), model.end());
        break;
      }
      case 7: {
        const Model other = some_model(random);
        bool meets = false;
        for (const uint32_t each : other) meets = meets || model.count(each) == 1;
        REQUIRE(set.intersects(set_of(other)) == meets);
        REQUIRE(set_of(other).intersects(set) == meets);
        break;
      }
      default:
        REQUIRE((set == set_of(model)));
        break;
    }
    check_members(set, model);
    check_walk(set, model, piece);
    check_walk(set, model, some_piece(random));
  }
}

TEST_CASE("two sets of pieces differ in a single piece") {
  for (const uint32_t piece : {0u, 63u, 64u, 2047u, kMost - 1}) {
    PieceSet one;
    PieceSet other;
    one.add(0, kMost - 1);
    other.add(0, kMost - 1);
    CHECK(one == other);
    other.remove(piece);
    CHECK(!(one == other));
    CHECK(other.run_end(0) == piece);
  }
}

TEST_CASE("a walk by runs finds each member once") {
  PieceSet set;
  set.add(0, 3);
  set.add(60, 130);
  set.add(4000, 9999);
  std::vector<uint32_t> ends;
  for (uint32_t at = set.first(); at < kMost; at = set.first(at)) {
    ends.push_back(at);
    at = set.run_end(at);
    ends.push_back(at);
  }
  CHECK(ends == std::vector<uint32_t>{0, 4, 60, 131, 4000, kMost});
}

TEST_CASE("a number that no piece has is in no set, and changes none") {
  PieceSet set;
  set.add(5);
  const PieceSet before = set;
  for (const uint32_t piece : {kMost, kMost + 1, kMost + 64, UINT32_MAX}) {
    set.add(piece);
    set.remove(piece);
    set.add(piece, UINT32_MAX);
    set.add(7, 6);
    set.add(piece, 6);
    set.cut(piece);
    CHECK(set == before);
    CHECK(!set.has(piece));
    CHECK(set.first(piece) == kMost);
    CHECK(set.run_end(piece) == kMost);
  }
  set.add(4090, UINT32_MAX);
  CHECK(set.count() == 7);
  set.cut(0);
  CHECK(set.empty());
}

TEST_CASE("all pieces are those that are added one by one") {
  PieceSet set;
  for (uint32_t piece = 0; piece < kMost; ++piece) set.add(piece);
  CHECK(set == PieceSet::all());
  CHECK(PieceSet::all().count() == kMost);
}

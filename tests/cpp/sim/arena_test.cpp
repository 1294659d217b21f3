#include "sim/arena.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "common/random.hpp"

using hlsmesh::Random;
using hlsmesh::sim::Arena;
using hlsmesh::sim::InArena;

TEST_CASE("what an arena allocates is aligned, its own, and used again", "[arena]") {
  Arena& arena = Arena::take();
  struct Piece {
    uint8_t* at;
    size_t size;
    uint8_t mark;
    bool kept() const {
      return std::all_of(at, at + size, [this](uint8_t byte) { return byte == mark; });
    }
  };
  Random random(1);
  std::vector<Piece> pieces;
  for (int i = 0; i < 20'000; ++i) {
    if (!pieces.empty() && random.below(3) == 0) {
      const size_t which = random.below(static_cast<uint32_t>(pieces.size()));
      const Piece piece = pieces[which];
      REQUIRE(piece.kept());
      Arena::release(piece.at);
      pieces[which] = pieces.back();
      pieces.pop_back();
      continue;
    }
    const size_t size = random.below(10) == 0 ? random.below(20'000) : random.below(300);
    auto* const at = static_cast<uint8_t*>(arena.allocate(size));
    REQUIRE(reinterpret_cast<uintptr_t>(at) % alignof(std::max_align_t) == 0);
    const auto mark = static_cast<uint8_t>(i);
    std::memset(at, mark, size);
    pieces.push_back({at, size, mark});
  }
  for (const Piece& piece : pieces) {
    REQUIRE(piece.kept());
    Arena::release(piece.at);
  }
  Arena::release(nullptr);

  void* const once = arena.allocate(100);
  Arena::release(once);
  CHECK(arena.allocate(100) == once);
  Arena::release(once);
  arena.give_back();
}

TEST_CASE("what was allocated in one arena goes back there, whichever is selected", "[arena]") {
  Arena& one = Arena::take();
  Arena& other = Arena::take();
  void* const memory = one.allocate(40);
  {
    const InArena inside(other);
    CHECK(&Arena::selected() == &other);
    Arena::release(memory);
    CHECK(other.allocate(40) != memory);
  }
  CHECK(&Arena::selected() == &Arena::common());
  CHECK(one.allocate(40) == memory);
  one.give_back();
  CHECK(&Arena::take() == &one);
}

#include "common/heap.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "common/random.hpp"

using hlsmesh::Heap;
using hlsmesh::Random;

namespace {

constexpr size_t kArenaBytes = 1 << 18;
alignas(64) unsigned char arena[kArenaBytes];
size_t arena_used = 0;

void* more(size_t size) {
  if (size > kArenaBytes - arena_used) return nullptr;
  void* const fresh = arena + arena_used;
  arena_used += size;
  return fresh;
}

struct Piece {
  unsigned char* bytes;
  size_t size;
  unsigned char mark;
};

bool is_whole(const Piece& piece) {
  return std::all_of(piece.bytes, piece.bytes + piece.size,
                     [&](unsigned char each) { return each == piece.mark; });
}

}  // namespace

TEST_CASE("a heap gives aligned memory that nobody else has, and takes it back whole") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    arena_used = 0;
    Heap<more> heap;
    Random random(seed);
    std::vector<Piece> pieces;
    size_t refused = 0;
    for (int step = 0; step < 3000; ++step) {
      // Many small things, and now and then a large one.
      if (pieces.empty() || random.below(100) < 55) {
        const size_t size = random.below(20) == 0 ? random.below(60'000) : random.below(200);
        auto* const bytes = static_cast<unsigned char*>(heap.allocate(size));
        if (bytes == nullptr) {
          ++refused;
          continue;
        }
        REQUIRE(reinterpret_cast<uintptr_t>(bytes) % Heap<more>::kUnit == 0);
        REQUIRE(bytes >= arena);
        REQUIRE(bytes + size <= arena + arena_used);
        pieces.push_back({bytes, size, static_cast<unsigned char>(step)});
        std::memset(bytes, pieces.back().mark, size);
      } else {
        const size_t at = random.below(static_cast<uint32_t>(pieces.size()));
        REQUIRE(is_whole(pieces[at]));
        heap.release(pieces[at].bytes);
        pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    CHECK(refused > 0);
    for (const Piece& piece : pieces) {
      REQUIRE(is_whole(piece));
      heap.release(piece.bytes);
    }
    // All of it is one block again.
    CHECK(heap.allocate(arena_used - Heap<more>::kUnit) != nullptr);
  }
}

TEST_CASE("a heap uses the smallest hole that fits, and refuses what cannot be") {
  arena_used = 0;
  Heap<more> heap;
  void* const large = heap.allocate(10'000);
  void* const wall = heap.allocate(1);
  void* const small = heap.allocate(100);
  void* const end = heap.allocate(1);
  heap.release(large);
  heap.release(small);
  CHECK(heap.allocate(90) == small);
  CHECK(heap.allocate(9'000) == large);
  CHECK(heap.allocate(SIZE_MAX) == nullptr);
  CHECK(heap.allocate(kArenaBytes) == nullptr);
  heap.release(nullptr);
  heap.release(wall);
  heap.release(end);
  CHECK(heap.allocate(0) != nullptr);
}

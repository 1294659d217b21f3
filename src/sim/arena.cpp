#include "sim/arena.hpp"

#include <cstdlib>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace hlsmesh::sim {
namespace {

// A huge page: ten thousand engines have more small ones than the processor remembers addresses of.
constexpr size_t kHuge = 2u << 20;

char* fresh_at = nullptr;
char* fresh_end = nullptr;

// nullptr when there is no memory.
char* fresh(size_t bytes) {
  if (static_cast<size_t>(fresh_end - fresh_at) < bytes) {
    auto* const memory = static_cast<char*>(std::aligned_alloc(kHuge, kHuge));
    if (memory == nullptr) return nullptr;
#ifdef __linux__
    madvise(memory, kHuge, MADV_HUGEPAGE);
#endif
    fresh_at = memory;
    fresh_end = memory + kHuge;
  }
  char* const out = fresh_at;
  fresh_at += bytes;
  return out;
}

// All there are, by number; never given back, since what is in them may outlive everything.
Arena** arenas = nullptr;
uint32_t arena_count = 0;
uint32_t arena_places = 0;
Arena* idle_arena = nullptr;

}  // namespace

Arena* Arena::selected_ = nullptr;

Arena::Arena() : number_(arena_count++) {
  if (number_ >= arena_places) {
    arena_places = arena_places == 0 ? 64 : arena_places * 2;
    arenas = static_cast<Arena**>(std::realloc(arenas, arena_places * sizeof(Arena*)));
    if (arenas == nullptr) std::abort();
  }
  arenas[number_] = this;
}

Arena& Arena::common() {
  alignas(Arena) static char place[sizeof(Arena)];
  static Arena* const arena = new (place) Arena;
  return *arena;
}

Arena& Arena::take() {
  if (Arena* const again = idle_arena) {
    idle_arena = again->next_idle_;
    return *again;
  }
  void* const place = std::malloc(sizeof(Arena));
  if (place == nullptr) std::abort();
  return *new (place) Arena;
}

void Arena::give_back() {
  next_idle_ = idle_arena;
  idle_arena = this;
}

void* Arena::allocate(size_t bytes) {
  const size_t units = (bytes + sizeof(Head) + kUnit - 1) / kUnit;
  if (units > kClasses) {
    auto* const memory = static_cast<char*>(std::malloc(bytes + kUnit));
    if (memory == nullptr) return nullptr;
    head_of(memory + kUnit)->arena = kMalloc;
    return memory + kUnit;
  }
  Free* const again = free_[units];
  if (again == nullptr) return allocate_fresh(units);
  free_[units] = again->next;
  return again;
}

void* Arena::allocate_fresh(size_t units) {
  if (static_cast<size_t>(end_ - at_) < units * kUnit + sizeof(Head)) {
    // What is left of the old one is lost: a quarter at most.
    char* const chunk = fresh(kChunk);
    if (chunk == nullptr) return nullptr;
    at_ = chunk;
    end_ = chunk + kChunk;
  }
  // A head ends where a unit does, so that what follows is aligned.
  char* const memory = at_ + kUnit;
  at_ += units * kUnit;
  *head_of(memory) = {number_, static_cast<uint32_t>(units)};
  return memory;
}

void Arena::release(void* memory) {
  if (memory == nullptr) return;
  const Head head = *head_of(memory);
  if (head.arena == kMalloc) {
    std::free(static_cast<char*>(memory) - kUnit);
    return;
  }
  auto* const place = static_cast<Free*>(memory);
  place->next = arenas[head.arena]->free_[head.units];
  arenas[head.arena]->free_[head.units] = place;
}

}  // namespace hlsmesh::sim

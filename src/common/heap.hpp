#pragma once

#include <cstddef>
#include <cstdint>

namespace hlsmesh {

// Memory for malloc and free, in as little code as does it well: one list of the free blocks, in
// the order of their addresses, so that neighbours unite; an allocation takes the smallest that is
// large enough, so that small things do not nibble at the holes that segments leave. The time of a
// call grows with the number of free blocks, of which an engine has tens to a few hundreds.
//
// `More` is a function of a size that gives as many bytes of fresh memory, aligned to kUnit, or
// nullptr.
template <void* (*More)(size_t)>
class Heap {
  struct Block {
    size_t size;  // with this header, in bytes
    Block* next;  // of a free block: the next one
  };

 public:
  // Alignment of what is allocated, and size of what each allocation costs beside its bytes.
  static constexpr size_t kUnit = sizeof(Block);

  // nullptr when there is no memory.
  void* allocate(size_t bytes) {
    if (bytes > SIZE_MAX / 4) return nullptr;
    const size_t size = (bytes + 2 * kUnit - 1) / kUnit * kUnit;
    for (;;) {
      Block** best = nullptr;
      for (Block** at = &free_; *at != nullptr; at = &(*at)->next) {
        if ((*at)->size >= size && (best == nullptr || (*at)->size < (*best)->size)) best = at;
      }
      if (best != nullptr) return take(*best, size);
      auto* const fresh = static_cast<Block*>(More(size));
      if (fresh == nullptr) return nullptr;
      fresh->size = size;
      release(fresh + 1);
    }
  }

  // `bytes` is what allocate() gave, or nullptr.
  void release(void* bytes) {
    if (bytes == nullptr) return;
    Block* const block = static_cast<Block*>(bytes) - 1;
    Block* before = nullptr;
    Block* after = free_;
    while (after != nullptr && after < block) {
      before = after;
      after = after->next;
    }
    link(block, after);
    if (before == nullptr) {
      free_ = block;
    } else {
      link(before, block);
    }
  }

 private:
  static Block* end_of(Block* block) { return block + block->size / kUnit; }

  // Takes `size` bytes off the free block that `place` points to.
  static void* take(Block*& place, size_t size) {
    Block* const block = place;
    const size_t left = block->size - size;
    place = block->next;
    // Without room for a byte beside its header, what is left goes along.
    if (left > kUnit) {
      block->size = size;
      Block* const rest = end_of(block);
      rest->size = left;
      rest->next = place;
      place = rest;
    }
    return block + 1;
  }

  // Makes `after` follow `block`; the two become one if nothing lies between them.
  static void link(Block* block, Block* after) {
    if (end_of(block) == after) {
      block->size += after->size;
      block->next = after->next;
    } else {
      block->next = after;
    }
  }

  Block* free_ = nullptr;
};

}  // namespace hlsmesh

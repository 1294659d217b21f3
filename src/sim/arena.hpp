#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hlsmesh::sim {

// Small things of one owner close together. An engine is a thousand small things, and each event is
// another engine's: what lies among those of others is in no cache when its turn comes.
//
// Only a program that is linked with bench/arena_new.cpp has its memory from here. Nothing is given
// back to the system, but used again by the same arena. Not thread-safe.
class Arena {
 public:
  // Of what is no engine's.
  static Arena& common();
  // That operator new takes from.
  static Arena& selected() { return selected_ == nullptr ? common() : *selected_; }

  // One for an owner that begins, perhaps that of an owner that has ended; nothing is in the way if
  // something of that one is still there.
  static Arena& take();
  // Its owner has ended.
  void give_back();

  // nullptr when there is no memory.
  void* allocate(size_t bytes);
  // What allocate() gave, of whichever arena; or nullptr.
  static void release(void* memory);

 private:
  friend class InArena;

  static constexpr size_t kUnit = 16;
  static constexpr size_t kClasses = 256;  // sizes in units, up to 4 KB; what is larger is malloc's
  static constexpr size_t kChunk = 16 * 1024;

  // Stands before what is allocated, which is aligned as malloc's memory is.
  struct Head {
    uint32_t arena;  // its number; kMalloc
    uint32_t units;
  };
  static constexpr uint32_t kMalloc = UINT32_MAX;
  struct Free {
    Free* next;
  };

  Arena();
  static Head* head_of(void* memory) { return static_cast<Head*>(memory) - 1; }
  void* allocate_fresh(size_t units);

  static Arena* selected_;
  uint32_t number_;
  Arena* next_idle_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::array<Free*, kClasses + 1> free_{};  // by units
};

// Selects an arena while it lives.
class InArena {
 public:
  explicit InArena(Arena& arena) : before_(Arena::selected_) { Arena::selected_ = &arena; }
  ~InArena() { Arena::selected_ = before_; }
  InArena(const InArena&) = delete;
  InArena& operator=(const InArena&) = delete;

 private:
  Arena* before_;
};

}  // namespace hlsmesh::sim

// The memory of what this is linked with comes from arenas (sim/arena.hpp).

#include <cstddef>
#include <new>

#include "sim/arena.hpp"

using hlsmesh::sim::Arena;

void* operator new(size_t bytes) {
  void* const memory = Arena::selected().allocate(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { Arena::release(memory); }
void operator delete(void* memory, size_t) noexcept { Arena::release(memory); }

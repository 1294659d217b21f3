// The memory of the module that viewers download: its allocator, and two searches of the C library.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/heap.hpp"

#ifdef __EMSCRIPTEN__
extern "C" {

extern uint8_t __heap_base;
void emscripten_notify_memory_growth(size_t index);

// Memory of the module that nobody had yet; nullptr when there is none. A browser counts all of the
// grown memory as newly allocated and soon collects garbage: 5 ms for each segment in Node. Growing
// by 16 MiB makes that rare, and untouched pages cost nothing.
static void* fresh_memory(size_t bytes) {
  constexpr size_t kPage = 65536;
  constexpr size_t kStepPages = 256;
  static uint8_t* end = &__heap_base;
  const size_t wanted = reinterpret_cast<size_t>(end) + bytes;
  const size_t pages = (wanted + kPage - 1) / kPage;
  const size_t has = __builtin_wasm_memory_size(0);
  if (pages > has) {
    const size_t lacks = pages - has;
    if ((lacks > kStepPages || __builtin_wasm_memory_grow(0, kStepPages) == SIZE_MAX) &&
        __builtin_wasm_memory_grow(0, lacks) == SIZE_MAX) {
      return nullptr;
    }
    emscripten_notify_memory_growth(0);
  }
  return std::exchange(end, end + bytes);
}

static hlsmesh::Heap<fresh_memory> heap;

void* malloc(size_t bytes) { return heap.allocate(bytes); }
void free(void* bytes) { heap.release(bytes); }

// Byte by byte: the C library's four at a time are 0.2 KB of gzip more, for texts of a few KiB.
void* memchr(const void* bytes, int value, size_t size) {
  auto* at = static_cast<const uint8_t*>(bytes);
  for (; size > 0; --size, ++at) {
    if (*at == static_cast<uint8_t>(value)) return const_cast<uint8_t*>(at);
  }
  return nullptr;
}

size_t strlen(const char* text) {
  const char* end = text;
  while (*end != '\0') ++end;
  return static_cast<size_t>(end - text);
}

}  // extern "C"
#endif

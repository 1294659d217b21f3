// Where malloc gets its memory in the module that viewers download.

#include <cstddef>
#include <cstdint>
#include <utility>

#ifdef __EMSCRIPTEN__
extern "C" {

extern uint8_t __heap_base;
void emscripten_notify_memory_growth(size_t index);

// Emscripten's grows by what one allocation lacks. A browser takes all of the grown memory for
// newly allocated and soon collects garbage: 5 ms for each segment in Node. 16 MiB at a time make
// that rare, and pages that nobody has written to cost nothing.
void* sbrk(intptr_t increment) {
  constexpr size_t kPage = 65536;
  constexpr size_t kStepPages = 256;
  static uint8_t* end = &__heap_base;
  const size_t wanted = reinterpret_cast<size_t>(end) + static_cast<size_t>(increment);
  const size_t pages = (wanted + kPage - 1) / kPage;
  const size_t has = __builtin_wasm_memory_size(0);
  if (pages > has) {
    const size_t lacks = pages - has;
    if ((lacks > kStepPages || __builtin_wasm_memory_grow(0, kStepPages) == SIZE_MAX) &&
        __builtin_wasm_memory_grow(0, lacks) == SIZE_MAX) {
      return reinterpret_cast<void*>(-1);
    }
    emscripten_notify_memory_growth(0);
  }
  return std::exchange(end, end + increment);
}

}  // extern "C"
#endif

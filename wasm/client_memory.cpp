// Gets memory for malloc in the module that viewers download.

#include <cstddef>
#include <cstdint>
#include <utility>

#ifdef __EMSCRIPTEN__
extern "C" {

extern uint8_t __heap_base;
void emscripten_notify_memory_growth(size_t index);

// Emscripten's version grows the memory by what one allocation lacks. A browser counts all of the
// grown memory as newly allocated and soon collects garbage: 5 ms for each segment in Node. Growing
// by 16 MiB makes that rare, and untouched pages cost nothing.
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

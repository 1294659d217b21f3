// The module that ships as dist/hlsmesh.wasm: it unpacks the engine, which scripts/lib/pack.mjs
// puts behind its own data. It imports nothing.

#include <cstddef>
#include <cstdint>

#include "pack/coder.hpp"

#ifdef __EMSCRIPTEN__
extern "C" {

// A number, the engine's bytes, and then the packed engine.
extern const uint8_t __heap_base;

// Unpacks a slice of the engine. Returns nullptr while there is more to unpack; then the engine,
// which ends where the memory ends.
const uint8_t* unpack(void) {
  constexpr size_t kSliceBytes = 8192;
  constexpr size_t kPage = 65536;
  static hlsmesh::pack::Unpacker unpacker(&__heap_base + sizeof(uint32_t));
  static size_t left = *reinterpret_cast<const uint32_t*>(&__heap_base);

  const size_t end = __builtin_wasm_memory_size(0) * kPage;
  for (size_t i = 0; i < kSliceBytes && left > 0; ++i, --left) {
    *reinterpret_cast<uint8_t*>(end - left) = unpacker.take();
  }
  const uint32_t size = *reinterpret_cast<const uint32_t*>(&__heap_base);
  return left > 0 ? nullptr : reinterpret_cast<const uint8_t*>(end - size);
}

}  // extern "C"
#endif

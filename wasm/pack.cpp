// Packs the engine when dist/ is built (scripts/lib/pack.mjs).

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pack/coder.hpp"

namespace {

std::vector<uint8_t> bytes;

}  // namespace

extern "C" {

// Room for what is to be packed.
uint8_t* hp_input(uint32_t size) {
  bytes.resize(size);
  return bytes.data();
}

// Packs it, and returns how many bytes that makes; hp_output() is where they are.
uint32_t hp_pack(void) {
  static hlsmesh::pack::Packer packer;
  for (const uint8_t byte : bytes) packer.add(byte);
  bytes = packer.finish();
  return static_cast<uint32_t>(bytes.size());
}

const uint8_t* hp_output(void) { return bytes.data(); }

}  // extern "C"

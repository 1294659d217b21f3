#include "sim/segment_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "cache/segment_memory.hpp"
#include "common/random.hpp"
#include "sim/body_words.hpp"

namespace hlsmesh::sim {
namespace {

// Stands before the bytes that a SegmentMemory points to.
struct alignas(std::max_align_t) Block {
  size_t size = 0;
  bool shared = false;
};

uint8_t* new_block(size_t size, bool shared) {
  void* const memory = std::malloc(sizeof(Block) + size);
  if (memory == nullptr) return nullptr;
  return reinterpret_cast<uint8_t*>(new (memory) Block{size, shared} + 1);
}

Block* block_of(uint8_t* data) { return reinterpret_cast<Block*>(data) - 1; }

bool is_own(uint8_t* data) { return data != nullptr && !block_of(data)->shared; }

// A copy of its own; `data` is let go of.
uint8_t* own_copy(uint8_t* data, size_t size) {
  uint8_t* const out = new_block(size, false);
  if (out == nullptr || data == nullptr) return out;
  std::memcpy(out, data, std::min(size, block_of(data)->size));
  if (is_own(data)) std::free(block_of(data));
  return out;
}

// What the last call of SegmentMemory::space was about.
struct Space {
  uint8_t** data = nullptr;
  size_t held = 0;
  size_t offset = 0;
  size_t length = 0;
};
Space last;

struct Refusals {
  int32_t one_in = 0;
  Random random{0};

  bool next() { return one_in > 0 && random.below(static_cast<uint32_t>(one_in)) == 0; }
};
Refusals refusals;

// What space() gives out: nobody can write there.
uint8_t* nowhere() {
  static uint8_t byte;
  return &byte;
}

}  // namespace

SharedBody::SharedBody(uint32_t tag, size_t size) : data_(new_block(size, true)), size_(size) {
  if (data_ == nullptr) std::abort();
  fill_body(tag, 0, {data_, size});
}

SharedBody::~SharedBody() { std::free(block_of(data_)); }

void refuse_memory(int32_t one_in, uint64_t seed) { refusals = {one_in, Random(seed)}; }

void write_segment(uint8_t* space, const Piece& piece) {
  const Space to = std::exchange(last, Space{});
  if (to.data == nullptr && space != nowhere()) {
    std::memcpy(space, piece.bytes.data(), piece.bytes.size());
    return;
  }
  if (space != nowhere() || to.data == nullptr || to.length != piece.bytes.size()) std::abort();
  uint8_t*& data = *to.data;
  if (piece.body != nullptr && piece.offset == to.offset && !is_own(data)) {
    const uint8_t* const whole = piece.body->bytes().data();
    if (data == nullptr) data = const_cast<uint8_t*>(whole);  // never written to
    if (data == whole) return;
  }
  if (!is_own(data)) data = own_copy(data, to.held);
  if (data == nullptr) std::abort();
  if (!piece.bytes.empty()) std::memcpy(data + to.offset, piece.bytes.data(), piece.bytes.size());
}

}  // namespace hlsmesh::sim

// The simulator's implementation: `data_` is nullptr, or the bytes of a shared body, or of a block
// of this segment's own.
namespace hlsmesh {

SegmentMemory::~SegmentMemory() {
  if (sim::is_own(data_)) std::free(sim::block_of(data_));
}

bool SegmentMemory::hold(size_t bytes) {
  if (bytes > static_cast<size_t>(PTRDIFF_MAX) / 2 || sim::refusals.next()) return false;
  if (sim::is_own(data_)) {
    uint8_t* const moved = sim::own_copy(data_, bytes);
    if (moved == nullptr) return false;
    data_ = moved;
  }
  held_ = bytes;
  return true;
}

uint8_t* SegmentMemory::space(size_t offset, size_t length) {
  sim::last = {&data_, held_, offset, length};
  return sim::nowhere();
}

}  // namespace hlsmesh

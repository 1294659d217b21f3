#include "cache/segment_memory.hpp"

#include <cstdlib>
#include <cstring>

namespace hlsmesh {

SegmentMemory::~SegmentMemory() { std::free(data_); }

bool SegmentMemory::hold(size_t bytes) {
  // No object can be larger than PTRDIFF_MAX, and some allocators end the process if asked for one.
  if (bytes > static_cast<size_t>(PTRDIFF_MAX)) return false;
  // malloc, not new: without exceptions a failing new ends the process. Not realloc either: it
  // costs 0.25 KB of the shipped wasm, and most segments get all their memory in one step.
  auto* data = static_cast<uint8_t*>(std::malloc(bytes));
  if (data == nullptr) return false;
  if (held_ > 0) std::memcpy(data, data_, held_);
  std::free(data_);
  data_ = data;
  held_ = bytes;
  return true;
}

uint8_t* SegmentMemory::space(size_t offset, size_t) { return data_ + offset; }

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <cstdint>

namespace hlsmesh {

// The memory that one SegmentBuffer fills. A program links one of two implementations:
// hlsmesh_segment_memory (src/cache/memory), which takes it from malloc and is what ships, or the
// simulator's (src/sim/segment_memory.cpp), which refers to bodies that all its viewers share.
class SegmentMemory {
 public:
  SegmentMemory() = default;
  ~SegmentMemory();
  SegmentMemory(const SegmentMemory&) = delete;
  SegmentMemory& operator=(const SegmentMemory&) = delete;

  // Bytes, from the first on, that there is memory for.
  size_t held() const { return held_; }
  // Gets memory for the first `bytes`, moving what was written. False, and nothing changes, when
  // the memory is not to be had. `bytes` must be more than held().
  bool hold(size_t bytes);

  // Where [offset, offset + length), which must be held, is to be written. Valid until hold().
  uint8_t* space(size_t offset, size_t length);
  // Where the first byte is to be read; only what was written may be. nullptr before there is any.
  const uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  size_t held_ = 0;
};

}  // namespace hlsmesh

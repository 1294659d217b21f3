#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.hpp"

namespace hlsmesh::sim {

// The bytes of one segment as its origin has them (sim/body_words.hpp), once for all viewers of a
// simulation. Must outlive the engines and the messages that refer to it.
class SharedBody {
 public:
  SharedBody(uint32_t tag, size_t size);
  ~SharedBody();
  SharedBody(const SharedBody&) = delete;
  SharedBody& operator=(const SharedBody&) = delete;

  ByteView bytes() const { return {data_, size_}; }

 private:
  uint8_t* data_;
  size_t size_;
};

// Part of a message: bytes of a shared body, or bytes of its own where `body` is nullptr.
struct Piece {
  const SharedBody* body = nullptr;
  size_t offset = 0;  // in `body`
  ByteView bytes;
};

// Does what a driver does with a pointer that hm_channel_frame or hm_fetch_reserve gave: writes
// the bytes there. Right after that call, and at most once: nothing but this function can write
// there, unless it is memory of the engine itself. A segment that is written with the bytes of one
// shared body, each at its place, takes no memory; with the first byte that is another, it gets
// memory of its own.
void write_segment(uint8_t* space, const Piece& piece);

// From now on one in so many requests for memory of a segment is refused, drawn from the seed; 0:
// none is.
void refuse_memory(int32_t one_in, uint64_t seed);

}  // namespace hlsmesh::sim

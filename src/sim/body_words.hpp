#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/bytes.hpp"

namespace hlsmesh::sim {

// Bodies: little-endian words of eight bytes, first the word's number in the segment xor kBodyMark,
// then the segment's tag. Any word alone tells where it belongs. The mark makes each segment begin
// with ADTS's sync word, so that the engine takes it for media.
inline constexpr uint32_t kBodyMark = 0xf1ff;

namespace body_words {

inline constexpr size_t kWordBytes = 8;

inline std::array<uint8_t, kWordBytes> word(uint32_t tag, size_t number) {
  std::array<uint8_t, kWordBytes> out{};
  for (size_t i = 0; i < 4; ++i) {
    out[i] = static_cast<uint8_t>((static_cast<uint32_t>(number) ^ kBodyMark) >> (8 * i));
    out[i + 4] = static_cast<uint8_t>(tag >> (8 * i));
  }
  return out;
}

// Calls visit(position in the range, bytes) for each word, cut to [offset, offset + size).
template <class Visit>
bool for_each(uint32_t tag, size_t offset, size_t size, Visit visit) {
  size_t at = 0;
  while (at < size) {
    const size_t skip = (offset + at) % kWordBytes;
    const size_t length = std::min(kWordBytes - skip, size - at);
    const auto bytes = word(tag, (offset + at) / kWordBytes);
    if (!visit(at, bytes.data() + skip, length)) return false;
    at += length;
  }
  return true;
}

}  // namespace body_words

// The bytes from `offset` on of the segment with that tag.
inline void fill_body(uint32_t tag, size_t offset, MutableBytes out) {
  body_words::for_each(tag, offset, out.size(),
                       [&](size_t at, const uint8_t* bytes, size_t length) {
                         std::memcpy(out.data() + at, bytes, length);
                         return true;
                       });
}

inline bool is_body(uint32_t tag, size_t offset, ByteView bytes) {
  return body_words::for_each(tag, offset, bytes.size(),
                              [&](size_t at, const uint8_t* expected, size_t length) {
                                return std::memcmp(bytes.data() + at, expected, length) == 0;
                              });
}

}  // namespace hlsmesh::sim

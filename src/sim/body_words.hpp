#pragma once

#include <algorithm>
#include <array>
#include <bit>
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

static_assert(std::endian::native == std::endian::little, "words are copied as they are");

inline uint64_t word(uint32_t tag, size_t number) {
  return uint64_t{tag} << 32 | (static_cast<uint32_t>(number) ^ kBodyMark);
}

// Calls visit(position in the range, bytes) for each word, cut to [offset, offset + size).
template <class Visit>
bool for_each(uint32_t tag, size_t offset, size_t size, Visit visit) {
  size_t at = 0;
  while (at < size) {
    const size_t skip = (offset + at) % kWordBytes;
    const size_t length = std::min(kWordBytes - skip, size - at);
    const uint64_t value = word(tag, (offset + at) / kWordBytes);
    std::array<uint8_t, kWordBytes> bytes;
    std::memcpy(bytes.data(), &value, kWordBytes);
    if (!visit(at, bytes.data() + skip, length)) return false;
    at += length;
  }
  return true;
}

}  // namespace body_words

// The bytes from `offset` on of the segment with that tag. Whole words are stored as such: a run of
// the simulator fills every segment once, byte by byte a third of its time.
inline void fill_body(uint32_t tag, size_t offset, MutableBytes out) {
  using namespace body_words;
  const size_t head = std::min((kWordBytes - offset % kWordBytes) % kWordBytes, out.size());
  const size_t words = (out.size() - head) / kWordBytes;
  const size_t first = (offset + head) / kWordBytes;
  const auto copy = [&](size_t begin, size_t length) {
    for_each(tag, offset + begin, length, [&](size_t at, const uint8_t* bytes, size_t size) {
      std::memcpy(out.data() + begin + at, bytes, size);
      return true;
    });
  };
  copy(0, head);
  for (size_t i = 0; i < words; ++i) {
    const uint64_t value = word(tag, first + i);
    std::memcpy(out.data() + head + i * kWordBytes, &value, kWordBytes);
  }
  copy(head + words * kWordBytes, out.size() - head - words * kWordBytes);
}

inline bool is_body(uint32_t tag, size_t offset, ByteView bytes) {
  return body_words::for_each(tag, offset, bytes.size(),
                              [&](size_t at, const uint8_t* expected, size_t length) {
                                return std::memcmp(bytes.data() + at, expected, length) == 0;
                              });
}

}  // namespace hlsmesh::sim

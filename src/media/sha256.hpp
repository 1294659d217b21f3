#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.hpp"

namespace hlsmesh {

using Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) of the bytes that are given to add(), in any number of parts.
class Sha256 {
 public:
  void add(ByteView bytes);
  // The digest of all that was added; nothing may be added afterwards.
  Digest finish();

 private:
  void take(const uint8_t* block);

  uint32_t state_[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t rest_[64];  // the first `size_` mod 64 bytes: a block that is not full yet
  uint64_t size_ = 0;
};

}  // namespace hlsmesh

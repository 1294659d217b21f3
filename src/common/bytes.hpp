#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hlsmesh {

// Views; they own nothing. The function that returns one says how long it is valid.
using ByteView = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hlsmesh {

// Views; they own nothing. How long one stays valid is part of the contract of whoever hands it
// out.
using ByteView = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

}  // namespace hlsmesh

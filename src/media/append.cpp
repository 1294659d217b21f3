#include "media/append.hpp"

#include <cstddef>

namespace hlsmesh {
namespace {

void append_hex(std::string& out, uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
}

}  // namespace

void append_number(std::string& out, int64_t value) {
  if (value < 0) out += '-';
  char digits[20];
  size_t first = sizeof digits;
  uint64_t rest = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    digits[--first] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  out.append(digits + first, sizeof digits - first);
}

// FNV-1a of 64 bits, and beside it a sum with a rotation and another odd factor, so that a
// collision of the one says nothing of the other.
void append_digest(std::string& out, std::string_view text) {
  uint64_t one = 0xcbf29ce484222325u;
  uint64_t two = text.size();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    one = (one ^ byte) * 0x100000001b3u;
    two = ((two << 29 | two >> 35) + byte + 1) * 0x9e3779b97f4a7c15u;
  }
  append_hex(out, one);
  append_hex(out, two);
}

}  // namespace hlsmesh

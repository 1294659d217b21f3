#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hlsmesh {

// The first character of a digest, and of an id, in a signature or a segment's name. Text that is
// kept as it is begins with neither.
inline constexpr char kDigestMark = '~';
inline constexpr char kIdMark = '=';

// Appends `value` in decimal digits.
void append_number(std::string& out, int64_t value);

// Appends a digest of `text`, 32 hexadecimal digits: with 128 bits, no two texts of a publisher
// collide by accident. Every viewer computes the same digits. It does not resist an attacker who
// searches for collisions.
void append_digest(std::string& out, std::string_view text);

}  // namespace hlsmesh

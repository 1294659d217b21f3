#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hlsmesh {

// Open a part of a signature or of a segment's name that is a digest, and one that is an id. Text
// that is kept as it is never begins with either.
inline constexpr char kDigestMark = '~';
inline constexpr char kIdMark = '=';

// Appends `value` in decimal digits.
void append_number(std::string& out, int64_t value);

// Appends 32 hexadecimal digits that stand for `text`: 128 bits, so that two texts that a publisher
// chose never meet by accident. Every viewer arrives at the same digits. Not for use against
// somebody who seeks collisions.
void append_digest(std::string& out, std::string_view text);

}  // namespace hlsmesh

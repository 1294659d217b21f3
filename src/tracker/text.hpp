#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hlsmesh::tracker {

// Returns at most so many bytes of a text in UTF-8, cut at a character's boundary.
inline std::string_view shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<uint8_t>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace hlsmesh::tracker

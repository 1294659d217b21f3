#include "protocol/json_text.hpp"

namespace hlsmesh::json {

Sequence sequence_at(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range keeps out overlong forms, surrogates and what is
  // above U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < size; ++i) {
    if (at + i >= text.size()) return {i, false};
    const uint8_t next = byte_at(text, at + i);
    if (next < low || next > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

size_t plain_run(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && byte_at(text, end) >= 0x20 && byte_at(text, end) < 0x80 &&
         text[end] != '"' && text[end] != '\\') {
    ++end;
  }
  return end - at;
}

}  // namespace hlsmesh::json

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace hlsmesh::fuzz {

inline std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the process, which is how a fuzz target reports.
inline void require(bool condition) {
  if (!condition) __builtin_trap();
}

// Checks what must be true for any text: it is refused with an error that has a name, or its
// message is written in a form that is read as the same message and fits in the limits, and can be
// shown in one short line.
template <class Message, class Error, class Parse>
void check_parser(std::string_view text, size_t max_bytes, Parse parse) {
  const std::variant<Message, Error> result = parse(text);
  if (const Error* error = std::get_if<Error>(&result)) {
    require(std::string_view(to_string(*error)) != "none");
    return;
  }
  const Message& message = *std::get_if<Message>(&result);
  const std::string line = to_string(message);
  require(line.size() <= 2048);
  require(std::all_of(line.begin(), line.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x20; }));

  const std::string wire = serialize(message);
  // Spelling out a number can push a text that filled its limit over it.
  if (wire.size() > max_bytes) {
    require(text.size() > max_bytes - 256);
    return;
  }
  const std::variant<Message, Error> again = parse(wire);
  const Message* same = std::get_if<Message>(&again);
  require(same != nullptr);
  require(same->index() == message.index());
  require(serialize(*same) == wire);
}

}  // namespace hlsmesh::fuzz

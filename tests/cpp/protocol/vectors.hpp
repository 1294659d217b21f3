#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/ids.hpp"

// The vectors of tests/vectors, read by the library's DOM so that our own reader is not its own
// judge. docs/PROTOCOL.md describes the files.
namespace hlsmesh::test {

// By value: a caller that iterates over it holds it.
nlohmann::json load_vectors(const std::string& file, const std::string& list);

// A text is a string, or a list of [part, times].
std::string text_of(const nlohmann::json& value);

// The bytes of a message as they came: `wire`, or `wire_hex` where they are not UTF-8.
std::string wire_of(const nlohmann::json& vector);

// A vector's `fields` with every text spelt out.
nlohmann::json fields_of(const nlohmann::json& vector);

// Values of messages in the form that `fields` has.
inline nlohmann::json field(MediaSequence value) { return value.value(); }
nlohmann::json field(const PeerId& id);

template <class T>
void put_optional(nlohmann::json& out, const char* name, const std::optional<T>& value) {
  if (value) out[name] = *value;
}
inline void put_optional(nlohmann::json& out, const char* name,
                         const std::optional<MediaSequence>& value) {
  if (value) out[name] = value->value();
}

}  // namespace hlsmesh::test

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Functions for both reading and writing JSON strings.
namespace hlsmesh::json {

inline uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

struct Sequence {
  size_t size = 1;
  bool well_formed = false;
};

// Reads the UTF-8 sequence at `at`, or the maximal subpart of an ill-formed one (Unicode standard,
// table 3-7 and section 3.9).
Sequence sequence_at(std::string_view text, size_t at);

// Returns the number of characters from `at` on that need no escape in a JSON string and have one
// byte each.
size_t plain_run(std::string_view text, size_t at);

}  // namespace hlsmesh::json

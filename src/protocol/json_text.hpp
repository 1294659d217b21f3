#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// What reading and writing JSON strings share.
namespace hlsmesh::json {

inline uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

struct Sequence {
  size_t size = 1;
  bool well_formed = false;
};

// The UTF-8 sequence at `at`, or the maximal part of one (Unicode standard,
// table 3-7 and section 3.9).
Sequence sequence_at(std::string_view text, size_t at);

// How many characters from `at` on stand for themselves in a JSON string, one
// byte each.
size_t plain_run(std::string_view text, size_t at);

}  // namespace hlsmesh::json

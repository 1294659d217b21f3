#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.hpp"

namespace hlsmesh::replay {

// The lines of a trace (docs/ARCHITECTURE.md, "Traces"). tests/js/trace-replay.test.mjs writes the
// same bytes; whatever changes here changes there.

inline constexpr std::string_view kFirstLine = "hlsmesh-trace 1\n";

// A command as either side reads it: the fields of HmCommand.
struct CommandFields {
  int32_t kind = 0;
  int32_t peer = 0;
  int32_t load = 0;
  int32_t code = 0;
  double aux = 0;
  double t0 = 0;
  double t1 = 0;
  std::string_view text;
  ByteView data;
};

// Everything but printable ASCII, and the percent sign, as %XX.
std::string encode_text(std::string_view text);
std::string decode_text(std::string_view encoded);

// An argument: the shortest decimal that reads back as the same number.
std::string argument(double value);
// A value that an engine gave out: whole numbers in decimal, others as `x` and their IEEE 754 bits,
// so that no two libraries can print them differently.
std::string value(double value);

std::string call_line(std::string_view name, std::initializer_list<double> arguments,
                      std::optional<std::string_view> text, ByteView payload);
std::string result_line(std::initializer_list<double> values,
                        std::optional<std::string_view> text = std::nullopt);
std::string command_line(const CommandFields& command);
// `next`: milliseconds, infinite when never.
std::string drained_line(double next);

// Whether commands are drained after a call of this name: not after settings, which come before
// there is an engine, not after those that give out a pointer that the next call ends, and not
// after mere questions.
bool drains_after(std::string_view name);

}  // namespace hlsmesh::replay

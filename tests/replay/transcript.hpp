#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "client_abi.hpp"
#include "common/bytes.hpp"

namespace hlsmesh::replay {

// The lines of a trace (docs/ARCHITECTURE.md, "Traces"). tests/js/trace-replay.test.mjs writes the
// same bytes; whatever changes here changes there.

inline constexpr std::string_view kFirstLine = "hlsmesh-trace 1\n";

// Everything but printable ASCII, and the percent sign, as %XX.
std::string encode_text(std::string_view text);
std::string decode_text(std::string_view encoded);

// An argument: the shortest decimal that reads back as the same number.
std::string argument(double value);
// A value that an engine gave out: whole numbers in decimal, others as `x` and their IEEE 754 bits,
// so that no two libraries can print them differently.
std::string value(double value);

std::string call_line(std::string_view name, std::initializer_list<double> arguments,
                      std::optional<std::string_view> text,
                      std::initializer_list<ByteView> payload);
std::string result_line(std::initializer_list<double> values,
                        std::optional<std::string_view> text = std::nullopt);
std::string command_line(const HmCommand& command);
std::string stats_line(const HmStats& stats);
std::string peer_line(const HmPeer* peer);  // nullptr: none
// `next`: milliseconds, infinite when never.
std::string drained_line(double next);

// Whether commands are drained after a call of this name: not after settings, which come before
// there is an engine, not after those that give out a pointer that the next call ends, and not
// after mere questions.
bool drains_after(std::string_view name);

}  // namespace hlsmesh::replay

#include "protocol/plain_signal.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocol/json_text.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::tracker_wire {
namespace {

constexpr std::string_view kHead = R"({"action":"signal","to_peer_id":")";
constexpr std::string_view kMiddle = R"(","data":)";
constexpr std::string_view kRelayedHead = R"({"action":"signal","from_peer_id":)";

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = 0x8080808080808080;
static_assert(std::endian::native == std::endian::little);

// Sets the high bit of the first byte that is 0; what it says of those behind means nothing.
constexpr uint64_t zeros(uint64_t bytes) { return (bytes - kOnes) & ~bytes & kHighBits; }

// Sets the high bit of the first byte, of eight, that cannot stand unescaped in a JSON string or is
// not ASCII. 0: all eight can.
constexpr uint64_t special(uint64_t bytes) {
  return (bytes & kHighBits) | ((bytes - kOnes * 0x20) & ~bytes & kHighBits) |
         zeros(bytes ^ (kOnes * '"')) | zeros(bytes ^ (kOnes * '\\'));
}

// As json::plain_run(), eight bytes at a time.
size_t plain_end(std::string_view text, size_t at) {
  for (uint64_t bytes = 0; at + sizeof bytes <= text.size(); at += sizeof bytes) {
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    if (const uint64_t found = special(bytes)) {
      return at + static_cast<size_t>(std::countr_zero(found)) / 8;
    }
  }
  return at + json::plain_run(text, at);
}

// The letters that may follow a backslash, but for `u`.
constexpr bool is_short_escape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

// Returns the index behind the string whose opening quote is at `at`, or nullopt if that is none,
// or not a plain one.
std::optional<size_t> string_end(std::string_view text, size_t at) {
  if (at >= text.size() || text[at] != '"') return std::nullopt;
  ++at;
  for (;;) {
    at = plain_end(text, at);
    if (at >= text.size()) return std::nullopt;
    if (text[at] == '"') return at + 1;
    if (text[at] != '\\' || at + 1 >= text.size() || !is_short_escape(text[at + 1])) {
      return std::nullopt;
    }
    at += 2;
  }
}

}  // namespace

std::optional<PlainSignal> read_plain_signal(std::string_view text) {
  if (text.size() > kMaxTextBytes || !text.starts_with(kHead)) return std::nullopt;
  const size_t id_end = plain_end(text, kHead.size());
  const std::string_view id = text.substr(kHead.size(), id_end - kHead.size());
  if (id.empty() || id.size() > kMaxIdBytes) return std::nullopt;
  if (!text.substr(id_end).starts_with(kMiddle)) return std::nullopt;
  const size_t data = id_end + kMiddle.size();
  const std::optional<size_t> end = string_end(text, data);
  if (!end || text.substr(*end) != "}") return std::nullopt;
  const std::string_view literal = text.substr(data, *end - data);
  if (literal.size() > kMaxDataBytes) return std::nullopt;
  return PlainSignal{id, literal};
}

std::string signal_text(const PeerId& from, std::string_view literal) {
  if (from.numeric) {
    return serialize(TrackerMessage(SignalFrom{from, SignalData::from_literal(literal)}));
  }
  constexpr size_t kMost = kRelayedHead.size() + 2 + kMiddle.size();  // with the id's quotes
  std::string text;
  text.reserve(kMost + from.text.size() + literal.size());
  text.append(kRelayedHead);
  json::append_string(text, from.text);
  text.append(kMiddle.substr(1));
  text.append(literal);
  text.push_back('}');
  return text;
}

}  // namespace hlsmesh::tracker_wire

#include "replay/transcript.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/body_words.hpp"

namespace hlsmesh::replay {
namespace {

// Bytes up to which a payload that is no media is written out.
constexpr size_t kMaxHexBytes = 2048;  // the digests of 1 MB

std::string hex(uint64_t value, int digits) {
  char out[17];
  std::snprintf(out, sizeof(out), "%0*llx", digits, static_cast<unsigned long long>(value));
  return out;
}

// FNV-1a, 32 bits.
uint32_t hash(ByteView bytes) {
  uint32_t out = 0x811c9dc5u;
  for (const uint8_t byte : bytes) out = (out ^ byte) * 0x01000193u;
  return out;
}

std::string payload_token(ByteView payload) {
  // The first whole word names segment and place (sim/body_words.hpp).
  if (payload.size() >= 8) {
    uint32_t word[2];
    std::memcpy(word, payload.data(), sizeof(word));
    const size_t offset = size_t{word[0] ^ sim::kBodyMark} * 8;
    if (sim::is_body(word[1], offset, payload)) {
      return " body:" + std::to_string(word[1]) + ':' + std::to_string(offset) + ':' +
             std::to_string(payload.size());
    }
  }
  if (payload.size() > kMaxHexBytes) {
    std::fprintf(stderr, "a payload of %zu bytes is neither media nor short\n", payload.size());
    std::exit(2);
  }
  std::string out = " hex:";
  for (const uint8_t byte : payload) out += hex(byte, 2);
  return out;
}

}  // namespace

std::string encode_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%') {
      out += c;
    } else {
      out += '%' + hex(static_cast<uint8_t>(c), 2);
    }
  }
  return out;
}

std::string decode_text(std::string_view encoded) {
  std::string out;
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%' || i + 2 >= encoded.size()) {
      out += encoded[i];
      continue;
    }
    const std::string digits(encoded.substr(i + 1, 2));
    out += static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16));
    i += 2;
  }
  return out;
}

std::string argument(double number) {
  char out[40];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(out, sizeof(out), "%.*g", digits, number);
    if (std::strtod(out, nullptr) == number) break;
  }
  return out;
}

std::string value(double number) {
  if (std::floor(number) == number && std::fabs(number) < 1e15) {
    return std::to_string(static_cast<int64_t>(number));
  }
  uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof(bits));
  return 'x' + hex(bits, 16);
}

std::string call_line(std::string_view name, std::initializer_list<double> arguments,
                      std::optional<std::string_view> text,
                      std::initializer_list<ByteView> payload) {
  std::string out(name);
  for (const double each : arguments) out += ' ' + argument(each);
  if (text) out += " text:" + encode_text(*text);
  for (const ByteView part : payload) {
    if (!part.empty()) out += payload_token(part);
  }
  return out + '\n';
}

std::string result_line(std::initializer_list<double> values,
                        std::optional<std::string_view> text) {
  std::string out = "=";
  for (const double each : values) out += ' ' + value(each);
  if (text) out += " text:" + encode_text(*text);
  return out + '\n';
}

std::string command_line(const HmCommand& command) {
  std::string out = "+";
  for (const int32_t each : {command.kind, command.peer, command.load, command.code}) {
    out += ' ' + std::to_string(each);
  }
  for (const double each : {command.aux, command.t0, command.t1}) out += ' ' + value(each);
  if (command.text_size > 0) out += " text:" + encode_text({command.text, command.text_size});
  if (command.data_size > 0) {
    out += " data:" + std::to_string(command.data_size) + ':' +
           hex(hash({command.data, command.data_size}), 8);
  }
  return out + '\n';
}

std::string stats_line(const HmStats& stats) {
#define HLSMESH_VALUE(type, name, js) stats.name,
  return result_line({HLSMESH_FIGURES(HLSMESH_VALUE)});
#undef HLSMESH_VALUE
}

std::string peer_line(const HmPeer* peer) {
  if (peer == nullptr) return "= none\n";
  return result_line({static_cast<double>(peer->handle), static_cast<double>(peer->flags),
                      peer->received_bytes, peer->sent_bytes, peer->rtt_ms},
                     std::string_view(peer->id, peer->id_size));
}

std::string drained_line(double next) {
  return std::isinf(next) ? std::string(". never\n") : ". " + value(next) + '\n';
}

bool drains_after(std::string_view name) {
  for (const std::string_view other :
       {"hm_set", "hm_set_text", "hm_channel_frame", "hm_fetch_reserve", "hm_stats",
        "hm_peer_count", "hm_peer"}) {
    if (name == other) return false;
  }
  return true;
}

}  // namespace hlsmesh::replay

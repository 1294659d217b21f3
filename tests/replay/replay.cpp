// trace_replay [--print] <trace>: makes the trace's calls to a fresh engine behind the C ABI and
// requires the very lines that the trace has; --print shows them instead.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client_abi.hpp"
#include "replay/transcript.hpp"
#include "sim/body_words.hpp"

namespace hlsmesh::replay {
namespace {

struct Call {
  std::string name;
  std::vector<double> arguments;
  std::string text;
  std::vector<uint8_t> payload;

  double number(size_t index) const { return index < arguments.size() ? arguments[index] : 0; }
  int32_t integer(size_t index) const { return static_cast<int32_t>(number(index)); }
  uint32_t size(size_t index) const { return static_cast<uint32_t>(number(index)); }
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

bool take_prefix(std::string_view& token, std::string_view prefix) {
  if (token.substr(0, prefix.size()) != prefix) return false;
  token.remove_prefix(prefix.size());
  return true;
}

std::vector<uint8_t> read_body(std::string_view numbers) {
  unsigned long long tag = 0;
  unsigned long long offset = 0;
  unsigned long long size = 0;
  if (std::sscanf(std::string(numbers).c_str(), "%llu:%llu:%llu", &tag, &offset, &size) != 3) {
    fail("bad payload: " + std::string(numbers));
  }
  std::vector<uint8_t> out(size);
  sim::fill_body(static_cast<uint32_t>(tag), offset, out);
  return out;
}

std::vector<uint8_t> read_hex(std::string_view digits) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    const std::string two(digits.substr(i, 2));
    out.push_back(static_cast<uint8_t>(std::strtoul(two.c_str(), nullptr, 16)));
  }
  return out;
}

void append(std::vector<uint8_t>& payload, const std::vector<uint8_t>& part) {
  payload.insert(payload.end(), part.begin(), part.end());
}

Call parse(std::string_view line) {
  Call out;
  while (!line.empty()) {
    const size_t end = line.find(' ');
    std::string_view token = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    if (out.name.empty()) {
      out.name = token;
    } else if (take_prefix(token, "text:")) {
      out.text = decode_text(token);
    } else if (take_prefix(token, "body:")) {
      append(out.payload, read_body(token));
    } else if (take_prefix(token, "hex:")) {
      append(out.payload, read_hex(token));
    } else {
      out.arguments.push_back(std::strtod(std::string(token).c_str(), nullptr));
    }
  }
  return out;
}

double fill(uint8_t* room, const Call& call) {
  if (room != nullptr) std::memcpy(room, call.payload.data(), call.payload.size());
  return room != nullptr ? 1 : 0;
}

using Function = std::function<double(const Call&)>;

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> all = {
      {"hm_set", [](const Call& c) { return hm_set(c.integer(0), c.number(1)); }},
      {"hm_set_text", [](const Call& c) { return hm_set_text(c.integer(0)); }},
      {"hm_start", [](const Call& c) { return hm_start(c.number(0)); }},
      {"hm_stop", [](const Call& c) { return hm_stop(c.number(0)); }},
      {"hm_socket_open", [](const Call& c) { return hm_socket_open(c.number(0)); }},
      {"hm_socket_text", [](const Call& c) { return hm_socket_text(c.number(0)); }},
      {"hm_socket_closed", [](const Call& c) { return hm_socket_closed(c.number(0)); }},
      {"hm_peer_signal", [](const Call& c) { return hm_peer_signal(c.number(0), c.integer(1)); }},
      {"hm_channel_open",
       [](const Call& c) { return hm_channel_open(c.number(0), c.integer(1), c.size(2)); }},
      {"hm_channel_text", [](const Call& c) { return hm_channel_text(c.number(0), c.integer(1)); }},
      {"hm_channel_frame",
       [](const Call& c) {
         HmFrame& frame = *hm_frame();
         std::copy_n(c.payload.begin(), std::min<size_t>(c.payload.size(), kHmHeadBytes),
                     frame.head);
         const int32_t wanted = hm_channel_frame(c.integer(0), c.size(1));
         if (wanted != 0) std::copy(c.payload.begin() + frame.from, c.payload.end(), frame.at);
         return wanted;
       }},
      {"hm_channel_binary",
       [](const Call& c) { return hm_channel_binary(c.number(0), c.integer(1), c.size(2)); }},
      {"hm_channel_writable",
       [](const Call& c) { return hm_channel_writable(c.number(0), c.integer(1), c.size(2)); }},
      {"hm_peer_closed", [](const Call& c) { return hm_peer_closed(c.number(0), c.integer(1)); }},
      {"hm_connection_refused", [](const Call& c) { return hm_connection_refused(c.number(0)); }},
      {"hm_clear_renditions", [](const Call&) { return hm_clear_renditions(); }},
      {"hm_add_rendition",
       [](const Call& c) { return hm_add_rendition(c.integer(0), c.integer(1), c.integer(2)); }},
      {"hm_set_live", [](const Call& c) { return hm_set_live(c.integer(0)); }},
      {"hm_presentation", [](const Call& c) { return hm_presentation(c.number(0)); }},
      {"hm_digests",
       [](const Call& c) {
         return hm_digests(c.number(0), c.integer(1), c.integer(2), c.integer(3));
       }},
      {"hm_playlist_loaded",
       [](const Call& c) {
         return hm_playlist_loaded(c.number(0), c.integer(1), c.integer(2), c.number(3),
                                   c.number(4), c.number(5), c.integer(6));
       }},
      {"hm_playhead",
       [](const Call& c) {
         return hm_playhead(c.number(0), c.number(1), c.number(2), c.number(3));
       }},
      {"hm_playback",
       [](const Call& c) {
         return hm_playback(c.number(0), c.number(1), c.number(2), c.number(3));
       }},
      {"hm_conditions",
       [](const Call& c) { return hm_conditions(c.number(0), c.integer(1), c.number(2)); }},
      {"hm_playlist",
       [](const Call& c) { return hm_playlist(c.number(0), c.integer(1), c.integer(2)); }},
      {"hm_list_segment",
       [](const Call& c) {
         return hm_list_segment(c.number(0), c.integer(1), c.integer(2), c.number(3), c.number(4),
                                c.number(5), c.number(6), c.number(7), c.integer(8), c.number(9));
       }},
      {"hm_load",
       [](const Call& c) {
         return hm_load(c.number(0), c.integer(1), c.integer(2), c.integer(3), c.number(4),
                        c.number(5), c.number(6), c.number(7), c.number(8), c.integer(9),
                        c.number(10));
       }},
      {"hm_load_aborted", [](const Call& c) { return hm_load_aborted(c.number(0), c.integer(1)); }},
      {"hm_verdict",
       [](const Call& c) { return hm_verdict(c.number(0), c.integer(1), c.number(2)); }},
      {"hm_fetch_reserve",
       [](const Call& c) {
         return fill(hm_fetch_reserve(c.integer(0), c.size(1), c.size(2), c.size(3)), c);
       }},
      {"hm_fetch_bytes",
       [](const Call& c) { return hm_fetch_bytes(c.number(0), c.integer(1), c.size(2)); }},
      {"hm_fetch_done",
       [](const Call& c) {
         return hm_fetch_done(c.number(0), c.integer(1), c.size(2), c.number(3), c.number(4));
       }},
      {"hm_fetch_failed", [](const Call& c) { return hm_fetch_failed(c.number(0), c.integer(1)); }},
      {"hm_timeout", [](const Call& c) { return hm_timeout(c.number(0)); }},
      {"hm_peer_count", [](const Call&) { return hm_peer_count(); }},
  };
  return all;
}

// The lines that follow a call line.
std::string carry_out(const Call& call) {
  if (call.name == "hm_stats") return stats_line(*hm_stats());
  if (call.name == "hm_peer") return peer_line(hm_peer(call.integer(0)));
  const auto function = functions().find(call.name);
  if (function == functions().end()) fail("no such call: " + call.name);
  // Also for a call without text: it ends what an earlier one may have left there.
  uint8_t* text = hm_text(static_cast<uint32_t>(call.text.size()));
  if (text == nullptr) fail("no room for a text");
  std::memcpy(text, call.text.data(), call.text.size());
  std::string out = result_line({function->second(call)});
  if (!drains_after(call.name)) return out;
  while (const HmCommand* command = hm_poll()) out += command_line(*command);
  return out + drained_line(hm_next_timeout());
}

std::string read_file(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) fail(std::string("cannot read ") + path);
  std::string out;
  char buffer[65536];
  while (const size_t n = std::fread(buffer, 1, sizeof(buffer), file)) out.append(buffer, n);
  std::fclose(file);
  return out;
}

std::string replay(std::string_view trace) {
  std::string out(kFirstLine);
  while (!trace.empty()) {
    const size_t end = trace.find('\n');
    const std::string_view line = trace.substr(0, end);
    trace.remove_prefix(end == std::string_view::npos ? trace.size() : end + 1);
    if (line.substr(0, 3) != "hm_") continue;
    out += std::string(line) + '\n' + carry_out(parse(line));
  }
  return out;
}

// Shows the first line that differs, with the call it belongs to.
int compare(std::string_view expected, std::string_view got) {
  if (expected == got) return 0;
  size_t number = 1;
  std::string_view call;
  for (;;) {
    const std::string_view left = expected.substr(0, expected.find('\n'));
    const std::string_view right = got.substr(0, got.find('\n'));
    if (left.substr(0, 3) == "hm_") call = left;
    if (left != right) {
      std::fprintf(stderr, "line %zu, after %.*s\n  trace:  %.*s\n  engine: %.*s\n", number,
                   static_cast<int>(call.size()), call.data(), static_cast<int>(left.size()),
                   left.data(), static_cast<int>(right.size()), right.data());
      return 1;
    }
    expected.remove_prefix(std::min(expected.size(), left.size() + 1));
    got.remove_prefix(std::min(got.size(), right.size() + 1));
    ++number;
  }
}

}  // namespace
}  // namespace hlsmesh::replay

int main(int argc, char** argv) {
  const bool print = argc == 3 && std::string_view(argv[1]) == "--print";
  if (argc != 2 && !print) {
    std::fprintf(stderr, "usage: trace_replay [--print] <trace>\n");
    return 2;
  }
  const std::string trace = hlsmesh::replay::read_file(argv[argc - 1]);
  const std::string transcript = hlsmesh::replay::replay(trace);
  if (print) return std::fwrite(transcript.data(), 1, transcript.size(), stdout) == 0 ? 1 : 0;
  return hlsmesh::replay::compare(trace, transcript);
}

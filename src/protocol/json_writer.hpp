#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh::json {

// Appends `text` as a JSON string. Of ill-formed UTF-8 each maximal part becomes U+FFFD, as a
// WHATWG decoder would have it.
void append_string(std::string& out, std::string_view text);

enum class Style : uint8_t {
  kWire,  // one JSON object
  kLog,   // one line for people: the message's name, then field=value, strings shortened
};

// Writes a message field by field, so that one function per message serves the wire and the log. A
// template, since viewers download no log.
template <Style kStyle>
class MessageWriter {
 public:
  // Comes first; `field` is "event" or "action".
  void name(std::string_view field, std::string_view value);
  // In its place for a message whose name this build does not know.
  void unknown(std::string_view field, std::string_view value);
  void text(std::string_view field, std::string_view value);
  // A value that is JSON already; not for logs.
  void json(std::string_view field, std::string_view value);
  void integer(std::string_view field, int64_t value);
  void number(std::string_view field, double value);
  void boolean(std::string_view field, bool value);
  // As a number where the id is one and its text really is a number.
  void id(std::string_view field, const PeerId& value);

  std::string take();

 private:
  void begin(std::string_view field);

  std::string out_;
};
using WireWriter = MessageWriter<Style::kWire>;
using LogWriter = MessageWriter<Style::kLog>;

}  // namespace hlsmesh::json

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh::json {

// Appends `text` as a JSON string. Each maximal subpart of ill-formed UTF-8 becomes U+FFFD, as in
// the WHATWG Encoding Standard.
void append_string(std::string& out, std::string_view text);

enum class Style : uint8_t {
  kWire,  // one JSON object
  kLog,   // one line for people: the message's name, then field=value, strings shortened
};

// Writes a message field by field, so that one function per message serves the wire and the log. It
// is a template, so that viewers do not download the code for logs.
template <Style kStyle>
class MessageWriter {
 public:
  // Names of fields are pointers: a view would pass two values at some fifty places. Must be called
  // first; `field` is "event" or "action".
  void name(const char* field, std::string_view value);
  // Called in its place for a message whose name this build does not know.
  void unknown(const char* field, std::string_view value);
  void text(const char* field, std::string_view value);
  // `value` is JSON already; not for logs.
  void json(const char* field, std::string_view value);
  void integer(const char* field, int64_t value);
  void number(const char* field, double value);
  void boolean(const char* field, bool value);
  // Writes a number if the id is numeric and its text really is a number.
  void id(const char* field, const PeerId& value);

  std::string take();

 private:
  void begin(const char* field);

  std::string out_;
};
using WireWriter = MessageWriter<Style::kWire>;
using LogWriter = MessageWriter<Style::kLog>;

}  // namespace hlsmesh::json

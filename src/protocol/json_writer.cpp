#include "protocol/json_writer.hpp"

#include <utility>

#include "protocol/json_number.hpp"
#include "protocol/json_text.hpp"

namespace hlsmesh::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The letter after the backslash, or 0 for characters without a short form.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// Longest part of a string that a log shows, in bytes.
constexpr size_t kMaxShown = 48;

// Cut at a character's boundary.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMaxShown) return text;
  size_t end = kMaxShown;
  for (size_t back = 0; back < 3 && (byte_at(text, end) & 0xC0) == 0x80; ++back) --end;
  return text.substr(0, end);
}

}  // namespace

void append_string(std::string &out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (size_t at = 0; at < text.size();) {
    if (const size_t run = plain_run(text, at)) {
      out.append(text, at, run);
      at += run;
      continue;
    }
    const char c = text[at];
    if (const char letter = short_escape(c)) {
      out.push_back('\\');
      out.push_back(letter);
      ++at;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out.append("\\u00");
      out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
      out.push_back(kHex[static_cast<uint8_t>(c) & 15]);
      ++at;
    } else {
      const Sequence sequence = sequence_at(text, at);
      out.append(sequence.well_formed ? text.substr(at, sequence.size) : kReplacement);
      at += sequence.size;
    }
  }
  out.push_back('"');
}

template <Style kStyle>
void MessageWriter<kStyle>::begin(const char *field) {
  if constexpr (kStyle == Style::kLog) {
    out_.push_back(' ');
    out_.append(field);
    out_.push_back('=');
  } else {
    out_.push_back(',');
    append_string(out_, field);
    out_.push_back(':');
  }
}

template <Style kStyle>
void MessageWriter<kStyle>::name(const char *field, std::string_view value) {
  if constexpr (kStyle == Style::kLog) {
    out_.append(value);
  } else {
    begin(field);
    out_.front() = '{';
    append_string(out_, value);
  }
}

template <Style kStyle>
void MessageWriter<kStyle>::unknown(const char *field, std::string_view value) {
  name(field, kStyle == Style::kLog ? "unknown" : value);
  if (kStyle == Style::kLog) text(field, value);
}

template <Style kStyle>
void MessageWriter<kStyle>::text(const char *field, std::string_view value) {
  begin(field);
  const std::string_view shown = kStyle == Style::kLog ? shortened(value) : value;
  append_string(out_, shown);
  if (shown.size() == value.size()) return;
  out_.append("... of ");
  append_unsigned(out_, value.size());
}

template <Style kStyle>
void MessageWriter<kStyle>::json(const char *field, std::string_view value) {
  begin(field);
  out_.append(value);
}

template <Style kStyle>
void MessageWriter<kStyle>::integer(const char *field, int64_t value) {
  begin(field);
  append_integer(out_, value);
}

template <Style kStyle>
void MessageWriter<kStyle>::number(const char *field, double value) {
  begin(field);
  append_double(out_, value);
}

template <Style kStyle>
void MessageWriter<kStyle>::boolean(const char *field, bool value) {
  begin(field);
  out_.append(value ? "true" : "false");
}

template <Style kStyle>
void MessageWriter<kStyle>::id(const char *field, const PeerId &value) {
  const bool too_long = kStyle == Style::kLog && value.text.size() > kMaxShown;
  if (!value.numeric || too_long || !parse_decimal(value.text)) return text(field, value.text);
  begin(field);
  out_.append(value.text);
}

template <Style kStyle>
std::string MessageWriter<kStyle>::take() {
  if (kStyle == Style::kWire) out_.push_back('}');
  return std::move(out_);
}

template class MessageWriter<Style::kWire>;
template class MessageWriter<Style::kLog>;

}  // namespace hlsmesh::json

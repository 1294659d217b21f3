#include "protocol/json_reader.hpp"

#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/json_number.hpp"

namespace hlsmesh::json {
namespace {

// Walks the text for nlohmann's lexer and lets the handler see how far that has read. The lexer
// looks at nothing past a bracket before it reports it, so this places objects and arrays exactly.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}

  char operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

using Adapter = nlohmann::detail::iterator_input_adapter<Cursor>;

}  // namespace
}  // namespace hlsmesh::json

// What nlohmann's parser does for error texts and for converting fractions drags in snprintf,
// strtod and localeconv: 12 KB of wasm, gzipped. We report no texts, and convert fractions
// ourselves from their text. These are members of the parser over our own Cursor, so every other
// user's parser is as it was. A compile error here means that the library has renamed one.
namespace nlohmann::detail {
template <>
[[gnu::nonnull]] inline void lexer<json, hlsmesh::json::Adapter>::strtof(double& value,
                                                                         const char* text,
                                                                         char** end) noexcept {
  value = 0;
  *end = const_cast<char*>(text) + std::strlen(text);
}
template <>
inline char lexer<json, hlsmesh::json::Adapter>::get_decimal_point() noexcept {
  return '.';
}
template <>
inline std::string lexer<json, hlsmesh::json::Adapter>::get_token_string() const {
  return {};
}
template <>
inline std::string parser<json, hlsmesh::json::Adapter>::exception_message(token_type,
                                                                           const std::string&) {
  return {};
}
}  // namespace nlohmann::detail

namespace hlsmesh::json {
namespace {

class Handler {
 public:
  Handler(size_t max_depth, std::span<Field> fields) : max_depth_(max_depth), fields_(fields) {}

  const char* seen = nullptr;  // one past the last byte that was read

  Fault fault() const { return fault_; }
  bool root_is_object() const { return root_is_object_; }

  // nlohmann's SAX interface; false ends the parse.
  bool null() {
    aim(Kind::kNull);
    return true;
  }
  bool boolean(bool value) {
    aim(Kind::kBoolean);
    if (target_) target_->boolean = value;
    return true;
  }
  bool number_integer(int64_t value) {
    aim(Kind::kNumber);
    if (target_) append_integer(target_->text, value);
    return true;
  }
  bool number_unsigned(uint64_t value) {
    aim(Kind::kNumber);
    if (target_) append_unsigned(target_->text, value);
    return true;
  }
  bool number_float(double, const std::string& text) {
    aim(Kind::kNumber);
    if (target_) target_->text = text;
    return true;
  }
  bool string(std::string& value) {
    aim(Kind::kString);
    if (target_) target_->text = std::move(value);
    return true;
  }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(size_t) { return open(true); }
  bool start_array(size_t) { return open(false); }
  bool end_object() { return close(Kind::kObject); }
  bool end_array() { return close(Kind::kArray); }
  bool key(const std::string& name) {
    if (depth_ != 1) return true;
    named_ = nullptr;
    for (Field& field : fields_) {
      if (field.name == name) named_ = &field;
    }
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) {
    fault_ = Fault::kNotJson;
    return false;
  }

 private:
  // Makes target_ the field that the current value belongs in, or null.
  void aim(Kind kind) {
    target_ = depth_ == 1 ? named_ : nullptr;
    if (target_) {
      target_->kind = kind;
      target_->text.clear();
    }
  }
  bool open(bool object) {
    if (depth_ == 0) root_is_object_ = object;
    if (depth_ == 1) value_begin_ = seen - 1;
    if (++depth_ <= max_depth_) return true;
    fault_ = Fault::kTooDeep;
    return false;
  }
  bool close(Kind kind) {
    if (--depth_ != 1) return true;
    aim(kind);
    if (target_) target_->text.assign(value_begin_, seen);
    return true;
  }

  size_t max_depth_;
  std::span<Field> fields_;
  size_t depth_ = 0;
  bool root_is_object_ = false;
  Field* named_ = nullptr;   // the field whose name was read last; null if nobody asked for it
  Field* target_ = nullptr;  // the field that the current value goes into
  const char* value_begin_ = nullptr;
  Fault fault_ = Fault::kNone;
};

}  // namespace

Fault read_object(std::string_view text, size_t max_depth, std::span<Field> fields) {
  // The lexer takes a zero byte for the end of the text and passes over a byte order mark.
  if (text.find('\0') != std::string_view::npos) return Fault::kNotJson;
  if (!text.empty() && static_cast<uint8_t>(text.front()) == 0xEF) return Fault::kNotJson;
  Handler handler(max_depth, fields);
  const char* end = text.data() + text.size();
  const bool ok = nlohmann::json::sax_parse(Cursor(text.data(), &handler.seen),
                                            Cursor(end, &handler.seen), &handler);
  if (!ok) return handler.fault();
  return handler.root_is_object() ? Fault::kNone : Fault::kNotAnObject;
}

const char* to_string(Fault fault, const char* no_name) {
  switch (fault) {
    case Fault::kTooLong:
      return "too long";
    case Fault::kNotJson:
      return "not JSON";
    case Fault::kTooDeep:
      return "nested too deep";
    case Fault::kNotAnObject:
      return "not an object";
    case Fault::kNoName:
      return no_name;
    case Fault::kMissingField:
      return "missing field";
    case Fault::kWrongType:
      return "wrong type";
    case Fault::kOutOfRange:
      return "out of range";
    case Fault::kNone:
      break;
  }
  return "none";
}

void FieldReader::fail(Fault fault) {
  if (fault_ == Fault::kNone) fault_ = fault;
}

bool FieldReader::expect(size_t index, Kind kind) {
  if (fields_[index].kind == kind) return true;
  fail(fields_[index].kind == Kind::kAbsent ? Fault::kMissingField : Fault::kWrongType);
  return false;
}

std::string FieldReader::text(size_t index, size_t min_bytes, size_t max_bytes) {
  if (!expect(index, Kind::kString)) return {};
  const std::string& value = fields_[index].text;
  if (value.size() < min_bytes || value.size() > max_bytes) {
    fail(Fault::kOutOfRange);
    return {};
  }
  return value;
}

int64_t FieldReader::integer(size_t index, int64_t min, int64_t max) {
  if (!expect(index, Kind::kNumber)) return 0;
  const std::optional<Decimal> decimal = parse_decimal(fields_[index].text);
  if (!decimal || !decimal->is_integer()) {
    fail(Fault::kWrongType);
    return 0;
  }
  const std::optional<int64_t> value = decimal->to_integer();
  if (!value || *value < min || *value > max) {
    fail(Fault::kOutOfRange);
    return 0;
  }
  return *value;
}

bool FieldReader::boolean(size_t index) {
  return expect(index, Kind::kBoolean) && fields_[index].boolean;
}

double FieldReader::number(size_t index, double min, double max) {
  return expect(index, Kind::kNumber) ? number_or_text(index, min, max) : 0;
}

double FieldReader::number_or_text(size_t index, double min, double max) {
  const Kind kind = fields_[index].kind;
  if (kind != Kind::kString && !expect(index, Kind::kNumber)) return 0;
  const std::optional<Decimal> decimal = parse_decimal(fields_[index].text);
  if (!decimal) {
    fail(Fault::kWrongType);
    return 0;
  }
  const double value = decimal->to_double();
  if (value < min || value > max) {
    fail(Fault::kOutOfRange);
    return 0;
  }
  return value;
}

PeerId FieldReader::id(size_t index, size_t max_bytes) {
  const Field& field = fields_[index];
  const bool numeric = field.kind == Kind::kNumber;
  if (!numeric && !expect(index, Kind::kString)) return {};
  if (field.text.empty() || field.text.size() > max_bytes) {
    fail(Fault::kOutOfRange);
    return {};
  }
  return {field.text, numeric};
}

std::optional<std::string> FieldReader::optional_text(size_t index, size_t max_bytes) {
  if (!has(index)) return std::nullopt;
  return text(index, 0, max_bytes);
}

std::optional<int32_t> FieldReader::optional_int32(size_t index, int32_t min) {
  if (!has(index)) return std::nullopt;
  return static_cast<int32_t>(integer(index, min, INT32_MAX));
}

std::optional<MediaSequence> FieldReader::optional_sequence(size_t index, int64_t min) {
  if (!has(index)) return std::nullopt;
  return MediaSequence(integer(index, min, kMaxInteger));
}

}  // namespace hlsmesh::json

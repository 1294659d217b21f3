#include "protocol/json_reader.hpp"

#include "protocol/json_number.hpp"
#include "protocol/json_text.hpp"

namespace hlsmesh::json {
namespace {

bool is_number_character(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

void append_utf8(std::string &out, uint32_t character) {
  const auto push = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto push_rest = [&](uint32_t shift) { push(0x80 | (character >> shift & 0x3F)); };
  if (character < 0x80) return push(character);
  if (character < 0x800) {
    push(0xC0 | character >> 6);
  } else {
    if (character < 0x10000) {
      push(0xE0 | character >> 12);
    } else {
      push(0xF0 | character >> 18);
      push_rest(12);
    }
    push_rest(6);
  }
  push_rest(0);
}

// Reads a text from front to back, by recursion as deep as the text nests.
// Every function returns false once fault() is set.
class ObjectReader {
 public:
  ObjectReader(std::string_view text, size_t max_depth, std::span<Field> fields)
      : text_(text), max_depth_(max_depth), fields_(fields) {}

  Fault read() {
    Field root;
    if (!value(0, &root)) return fault_;
    skip_space();
    if (at_ != text_.size()) return Fault::kNotJson;
    return root.kind == Kind::kObject ? Fault::kNone : Fault::kNotAnObject;
  }

  // The string at the cursor; its value goes to `out` unless that is null.
  bool string(std::string *out) {
    ++at_;
    while (!take('"')) {
      size_t size = plain_run(text_, at_);
      if (size == 0) {
        if (peek() == '\\') {
          if (!escape(out)) return false;
          continue;
        }
        // The end of the text, or a control character.
        if (static_cast<uint8_t>(peek()) < 0x20) return refuse();
        const Sequence sequence = sequence_at(text_, at_);
        if (!sequence.well_formed) return refuse();
        size = sequence.size;
      }
      if (out != nullptr) out->append(text_, at_, size);
      at_ += size;
    }
    return true;
  }

 private:
  // 0 at the end of the text; a zero in the text is as unacceptable as its end.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool refuse() {
    fault_ = Fault::kNotJson;
    return false;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  // Reads one value with the space before it, and stores its kind and text in `field`, unless that
  // is null.
  bool value(size_t depth, Field *field) {
    skip_space();
    const size_t begin = at_;
    const char first = peek();
    Kind kind = Kind::kNull;
    switch (first) {
      case '{':
        kind = Kind::kObject;
        if (!elements(depth + 1, '}')) return false;
        break;
      case '[':
        kind = Kind::kArray;
        if (!elements(depth + 1, ']')) return false;
        break;
      case '"':
        kind = Kind::kString;
        if (!string(nullptr)) return false;
        break;
      case 't':
      case 'f':
        kind = Kind::kBoolean;
        if (!word(first == 't' ? "true" : "false")) return false;
        break;
      case 'n':
        if (!word("null")) return false;
        break;
      default:
        kind = Kind::kNumber;
        while (is_number_character(peek())) ++at_;
        if (!parse_decimal(text_.substr(begin, at_ - begin))) return refuse();
    }
    if (field == nullptr) return true;
    field->kind = kind;
    field->boolean = first == 't';
    field->raw = text_.substr(begin, at_ - begin);
    return true;
  }

  // Reads the members after the opening bracket at the cursor, up to and including `close`.
  bool elements(size_t depth, char close) {
    if (depth > max_depth_) {
      fault_ = Fault::kTooDeep;
      return false;
    }
    ++at_;
    skip_space();
    if (take(close)) return true;
    do {
      Field *field = nullptr;
      if (close == '}' && !name(depth, field)) return false;
      if (!value(depth, field)) return false;
      skip_space();
    } while (take(','));
    return take(close) || refuse();
  }

  // Reads an object's next name and its colon. Sets `field` to the caller's field of that name, if
  // there is one and the object is the outermost.
  bool name(size_t depth, Field *&field) {
    skip_space();
    std::string name;
    if (peek() != '"') return refuse();
    if (!string(depth == 1 ? &name : nullptr)) return false;
    if (depth == 1) {
      for (Field &candidate : fields_) {
        if (candidate.name == name) field = &candidate;
      }
    }
    skip_space();
    return take(':') || refuse();
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return refuse();
    at_ += expected.size();
    return true;
  }

  bool escape(std::string *out) {
    ++at_;
    uint32_t character = 0;
    const char letter = peek();
    ++at_;
    switch (letter) {
      case '"':
      case '\\':
      case '/':
        character = static_cast<uint8_t>(letter);
        break;
      case 'b':
        character = '\b';
        break;
      case 'f':
        character = '\f';
        break;
      case 'n':
        character = '\n';
        break;
      case 'r':
        character = '\r';
        break;
      case 't':
        character = '\t';
        break;
      case 'u': {
        if (!code_unit(character)) return false;
        if ((character & 0xF800) != 0xD800) break;
        // Of the surrogates, only a high one with a low one after it makes a character.
        uint32_t low = 0;
        if (character >= 0xDC00 || !take('\\') || !take('u')) return refuse();
        if (!code_unit(low)) return false;
        if ((low & 0xFC00) != 0xDC00) return refuse();
        character = 0x10000 + ((character & 0x3FF) << 10) + (low & 0x3FF);
        break;
      }
      default:
        return refuse();
    }
    if (out != nullptr) append_utf8(*out, character);
    return true;
  }

  // Four hexadecimal digits.
  bool code_unit(uint32_t &unit) {
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      // Makes letters lower case, and turns no other character into a letter or digit.
      const char lower = static_cast<char>(c | 0x20);
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        digit = static_cast<uint32_t>(lower - 'a') + 10;
      } else {
        return refuse();
      }
      unit = unit << 4 | digit;
    }
    return true;
  }

  std::string_view text_;
  size_t max_depth_;
  std::span<Field> fields_;
  size_t at_ = 0;
  Fault fault_ = Fault::kNone;
};

}  // namespace

Fault read_object(std::string_view text, size_t max_depth, std::span<Field> fields) {
  return ObjectReader(text, max_depth, fields).read();
}

std::string unquoted(std::string_view literal) {
  std::string value;
  ObjectReader(literal, 0, {}).string(&value);
  return value;
}

bool Field::is_string(std::string_view value) const {
  return kind == Kind::kString && unquoted(raw) == value;
}

size_t index_of(std::span<const std::string_view> names, std::string_view value) {
  size_t index = 0;
  while (index < names.size() && names[index] != value) ++index;
  return index;
}

const char *to_string(Fault fault, const char *no_name) {
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
  std::string value = unquoted(fields_[index].raw);
  if (value.size() < min_bytes || value.size() > max_bytes) {
    fail(Fault::kOutOfRange);
    return {};
  }
  return value;
}

int64_t FieldReader::integer(size_t index, int64_t min, int64_t max) {
  if (!expect(index, Kind::kNumber)) return 0;
  const std::optional<Decimal> decimal = parse_decimal(fields_[index].raw);
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
  const Field &field = fields_[index];
  const bool quoted = field.kind == Kind::kString;
  if (!quoted && !expect(index, Kind::kNumber)) return 0;
  const std::optional<Decimal> decimal =
      parse_decimal(quoted ? unquoted(field.raw) : std::string(field.raw));
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
  const Field &field = fields_[index];
  const bool numeric = field.kind == Kind::kNumber;
  if (!numeric) return {text(index, 1, max_bytes), false};
  if (field.raw.size() > max_bytes) {
    fail(Fault::kOutOfRange);
    return {};
  }
  return {std::string(field.raw), true};
}

std::string FieldReader::text_or_none(size_t index, size_t max_bytes) {
  return has(index) ? text(index, 0, max_bytes) : std::string();
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

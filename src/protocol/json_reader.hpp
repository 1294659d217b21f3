#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/ids.hpp"

// Checked reading of one JSON object (RFC 8259), which is what every message of both protocols is.
// Nothing here throws, and time and memory are proportional to the length of the input, however
// hostile it is.
namespace hlsmesh::json {

// The reasons for refusing a message, in the order of peer::ParseError and
// tracker_wire::ParseError.
enum class Fault : uint8_t {
  kTooLong,
  kNotJson,
  kTooDeep,
  kNotAnObject,
  kNoName,  // no `event` or `action`
  kMissingField,
  kWrongType,
  kOutOfRange,
  kNone,
};

// `no_name`: the text for kNoName.
const char* to_string(Fault fault, const char* no_name);

enum class Kind : uint8_t { kAbsent, kNull, kBoolean, kNumber, kString, kObject, kArray };

// One field that the caller wants to read.
struct Field {
  std::string_view name;
  Kind kind = Kind::kAbsent;
  bool boolean = false;
  // The value as it stands in the text, a string with its quotes; a view into that text.
  std::string_view raw = {};

  bool is_string(std::string_view value) const;
};

// The value of a JSON string, in UTF-8. `literal` is the string with its quotes and well-formed, as
// that of a field is.
std::string unquoted(std::string_view literal);

// Reads `text`, which must be a single JSON object nested no deeper than `max_depth` (the object
// itself is depth 1), and fills in `fields` by name. Other fields are checked for syntax and
// dropped. If a name occurs twice, the last one counts. Returns kNone, kNotJson, kTooDeep or
// kNotAnObject.
//
// It is stricter than JSON.parse in one point: an escaped lone surrogate, which UTF-8 cannot
// encode, is not JSON here. Numbers of any size are well-formed; their range is checked only in a
// field that is read.
Fault read_object(std::string_view text, size_t max_depth, std::span<Field> fields);

// Returns the index of `value` in `names`, or their number if it is not among them.
size_t index_of(std::span<const std::string_view> names, std::string_view value);

// Typed access to the fields that read_object filled in, valid as long as the text that was read.
// The first fault is kept, and values returned after it mean nothing: read all fields of a message,
// then check fault(). An optional field may also be null, which is what JSON.stringify makes of NaN
// and of infinities.
class FieldReader {
 public:
  explicit FieldReader(std::span<const Field> fields) : fields_(fields) {}

  bool has(size_t index) const {
    return fields_[index].kind != Kind::kAbsent && fields_[index].kind != Kind::kNull;
  }
  const Field& field(size_t index) const { return fields_[index]; }
  Fault fault() const { return fault_; }
  void fail(Fault fault);
  // Returns true if the field is of that kind; otherwise sets the fault.
  bool expect(size_t index, Kind kind);

  std::string text(size_t index, size_t min_bytes, size_t max_bytes);
  // Accepts any spelling of an integer, including 3.0 and 3e0.
  int64_t integer(size_t index, int64_t min, int64_t max);
  bool boolean(size_t index);
  double number(size_t index, double min, double max);
  // Accepts a number, or a string that holds one.
  double number_or_text(size_t index, double min, double max);
  // Accepts a string, or a number, whose text is kept.
  PeerId id(size_t index, size_t max_bytes);

  // Empty where it is absent.
  std::string text_or_none(size_t index, size_t max_bytes);
  std::optional<std::string> optional_text(size_t index, size_t max_bytes);
  std::optional<int32_t> optional_int32(size_t index, int32_t min);
  std::optional<MediaSequence> optional_sequence(size_t index, int64_t min);

 private:
  std::span<const Field> fields_;
  Fault fault_ = Fault::kNone;
};

}  // namespace hlsmesh::json

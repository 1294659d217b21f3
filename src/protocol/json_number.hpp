#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Conversion of JSON numbers from and to text without the C library: strtod and printf cost several
// KB of the shipped wasm and depend on a locale.
namespace hlsmesh::json {

// Integers beyond this are not exact in JavaScript, so no honest peer sends one.
inline constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;

// A number as its text spells it: the value is digits * 10^exponent.
struct Decimal {
  bool negative = false;
  bool truncated = false;  // digits beyond the 18th followed; the magnitude is a little larger
  uint64_t digits = 0;     // without trailing zeros unless truncated
  int32_t exponent = 0;

  bool is_integer() const { return exponent >= 0; }
  // nullopt if the value is not an integer or its magnitude is above kMaxInteger.
  std::optional<int64_t> to_integer() const;
  // Correctly rounded up to 15 digits and powers of ten up to 22, within a few units in the last
  // place beyond that. Infinite or zero if the exponent is out of range.
  double to_double() const;
};

// nullopt unless `text` is a number by the grammar of RFC 8259 section 6.
std::optional<Decimal> parse_decimal(std::string_view text);

void append_integer(std::string& out, int64_t value);
void append_unsigned(std::string& out, uint64_t value);

// The value with at most six decimals (finer than a byte in KB), without trailing zeros. A value
// that is not finite becomes 0, and a magnitude above kMaxInteger becomes kMaxInteger.
void append_double(std::string& out, double value);

}  // namespace hlsmesh::json

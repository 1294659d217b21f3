#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Numbers as JSON spells them, to and from text, without the C library: strtod and printf cost
// several kilobytes of the shipped wasm and depend on a locale.
namespace hlsmesh::json {

// Integers beyond this are not exact in JavaScript, so no honest peer sends one.
inline constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;

// What a number's text says: the value is digits * 10^exponent.
struct Decimal {
  bool negative = false;
  bool truncated = false;  // digits beyond the 18th followed; the magnitude is a little larger
  uint64_t digits = 0;     // without trailing zeros unless truncated
  int32_t exponent = 0;

  bool is_integer() const { return exponent >= 0; }
  // nullopt when it is not an integer or its magnitude is above kMaxInteger.
  std::optional<int64_t> to_integer() const;
  // Correctly rounded up to 15 digits and powers of ten up to 22, within a few units in the last
  // place beyond that; infinite or zero where the exponent is out of reach.
  double to_double() const;
};

// nullopt unless `text` is a number by the grammar of RFC 8259 section 6.
std::optional<Decimal> parse_decimal(std::string_view text);

void append_integer(std::string& out, int64_t value);
void append_unsigned(std::string& out, uint64_t value);

// The value to six decimals at most, trailing zeros dropped: finer than a byte in KB. What is not
// finite becomes 0, and magnitudes above kMaxInteger are cut to it.
void append_double(std::string& out, double value);

}  // namespace hlsmesh::json

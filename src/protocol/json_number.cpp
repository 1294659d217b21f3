#include "protocol/json_number.hpp"

#include <algorithm>
#include <cstddef>

namespace hlsmesh::json {
namespace {

// The number of digits that always fit into 64 bits, less one.
constexpr int32_t kMaxDigits = 18;

// Exponents are clamped to this while they are read. No double reaches it, and no message is so
// long that its digits could compensate for it.
constexpr int32_t kMaxExponent = 1'000'000;

// The powers of ten that a double holds exactly.
constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int32_t kMaxPower = 22;

constexpr double kDecimalsScale = 1e6;

bool is_digit(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

class DecimalReader {
 public:
  explicit DecimalReader(std::string_view text) : text_(text) {}

  std::optional<Decimal> read() {
    number_.negative = take('-');
    if (!is_digit(text_, at_)) return std::nullopt;
    if (!take('0')) digits(false);
    if (take('.')) {
      if (!is_digit(text_, at_)) return std::nullopt;
      digits(true);
    }
    int32_t exponent = 0;
    if (take('e') || take('E')) {
      const bool negative = take('-');
      if (!negative) take('+');
      if (!is_digit(text_, at_)) return std::nullopt;
      for (; is_digit(text_, at_); ++at_) {
        exponent = std::min(exponent * 10 + (text_[at_] - '0'), kMaxExponent);
      }
      if (negative) exponent = -exponent;
    }
    if (at_ != text_.size()) return std::nullopt;
    if (number_.digits == 0) {
      number_.exponent = 0;
      return number_;
    }
    number_.exponent += exponent;
    while (!number_.truncated && number_.digits % 10 == 0) {
      number_.digits /= 10;
      ++number_.exponent;
    }
    return number_;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void digits(bool fraction) {
    for (; is_digit(text_, at_); ++at_) {
      const uint64_t digit = static_cast<uint64_t>(text_[at_] - '0');
      if (taken_ < kMaxDigits) {
        number_.digits = number_.digits * 10 + digit;
        if (number_.digits != 0) ++taken_;
        if (fraction) --number_.exponent;
      } else {
        if (digit != 0) number_.truncated = true;
        if (!fraction) ++number_.exponent;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  int32_t taken_ = 0;  // significant digits so far
  Decimal number_;
};

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) { return DecimalReader(text).read(); }

std::optional<int64_t> Decimal::to_integer() const {
  if (!is_integer() || truncated) return std::nullopt;
  constexpr uint64_t kLimit = static_cast<uint64_t>(kMaxInteger);
  uint64_t value = digits;
  for (int32_t i = 0; i < exponent && value <= kLimit; ++i) value *= 10;
  if (value > kLimit) return std::nullopt;
  const int64_t magnitude = static_cast<int64_t>(value);
  return negative ? -magnitude : magnitude;
}

double Decimal::to_double() const {
  double value = static_cast<double>(digits);
  // A value of 18 digits is infinite or zero long before 400 powers of ten.
  int32_t power = std::clamp(exponent, -400, 400);
  while (power != 0) {
    const int32_t step = std::clamp(power, -kMaxPower, kMaxPower);
    value = step > 0 ? value * kPowersOfTen[step] : value / kPowersOfTen[-step];
    power -= step;
  }
  return negative ? -value : value;
}

void append_unsigned(std::string& out, uint64_t value) {
  char digits[20];  // 2^64 - 1 has twenty
  size_t first = sizeof digits;
  do {
    digits[--first] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  out.append(digits + first, sizeof digits - first);
}

void append_integer(std::string& out, int64_t value) {
  if (value < 0) out.push_back('-');
  const uint64_t bits = static_cast<uint64_t>(value);
  append_unsigned(out, value < 0 ? 0 - bits : bits);
}

void append_double(std::string& out, double value) {
  constexpr double kLimit = static_cast<double>(kMaxInteger);
  const bool negative = value < 0;
  double magnitude = negative ? -value : value;
  // Also false for NaN.
  if (!(magnitude <= kLimit)) magnitude = magnitude - magnitude == 0 ? kLimit : 0;

  uint64_t whole = static_cast<uint64_t>(magnitude);
  const double fraction = magnitude - static_cast<double>(whole);
  uint64_t decimals = static_cast<uint64_t>(fraction * kDecimalsScale + 0.5);
  if (decimals >= static_cast<uint64_t>(kDecimalsScale)) {
    decimals = 0;
    ++whole;
  }
  if (negative && (whole != 0 || decimals != 0)) out.push_back('-');
  append_unsigned(out, whole);
  if (decimals == 0) return;

  // A leading 1 keeps the zeros after the point; the point then takes its place.
  const size_t point = out.size();
  append_unsigned(out, decimals + static_cast<uint64_t>(kDecimalsScale));
  out[point] = '.';
  while (out.back() == '0') out.pop_back();
}

}  // namespace hlsmesh::json

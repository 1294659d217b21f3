#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/random.hpp"
#include "protocol/json_number.hpp"
#include "protocol/json_writer.hpp"

namespace hlsmesh::json {
namespace {

std::string written(double value) {
  std::string out;
  append_double(out, value);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

TEST_CASE("doubles are written to six decimals and never in a form JSON does not know") {
  CHECK(written(0) == "0");
  CHECK(written(-0.0) == "0");
  CHECK(written(1) == "1");
  CHECK(written(-2.5) == "-2.5");
  CHECK(written(0.000001) == "0.000001");
  CHECK(written(0.0000004) == "0");
  CHECK(written(-0.0000004) == "0");
  CHECK(written(0.9999996) == "1");
  CHECK(written(10.05) == "10.05");
  CHECK(written(308.8046875) == "308.804688");
  CHECK(written(9007199254740991.0) == "9007199254740991");
  CHECK(written(1e300) == "9007199254740991");
  CHECK(written(-1e300) == "-9007199254740991");
  CHECK(written(std::numeric_limits<double>::infinity()) == "0");
  CHECK(written(-std::numeric_limits<double>::infinity()) == "0");
  CHECK(written(std::numeric_limits<double>::quiet_NaN()) == "0");
  CHECK(written(std::numeric_limits<double>::denorm_min()) == "0");
}

TEST_CASE("integers are written to the ends of their range") {
  std::string out;
  append_integer(out, std::numeric_limits<int64_t>::min());
  out += ' ';
  append_integer(out, std::numeric_limits<int64_t>::max());
  out += ' ';
  append_unsigned(out, std::numeric_limits<uint64_t>::max());
  CHECK(out == "-9223372036854775808 9223372036854775807 18446744073709551615");
}

TEST_CASE("what a double is written as reads back to the same text") {
  Random random(20180817);
  for (int i = 0; i < 2000; ++i) {
    const double value = static_cast<double>(random.next() >> 12) / 1e9;
    const std::string text = written(value);
    const auto decimal = parse_decimal(text);
    REQUIRE(decimal.has_value());
    CHECK(written(decimal->to_double()) == text);
    CHECK(decimal->to_double() == Approx(value).margin(1e-6));
  }
}

TEST_CASE("short decimals convert exactly as the library converts them") {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = std::to_string(random.below(1'000'000'000)) + "." +
                             std::to_string(random.below(1'000'000)) + "e" +
                             std::to_string(static_cast<int>(random.below(30)) - 15);
    CAPTURE(text);
    const auto decimal = parse_decimal(text);
    REQUIRE(decimal.has_value());
    CHECK(decimal->to_double() == nlohmann::json::parse(text).get<double>());
  }
}

TEST_CASE("numbers out of a double's reach become infinite or zero") {
  CHECK(parse_decimal("1e400")->to_double() == std::numeric_limits<double>::infinity());
  CHECK(parse_decimal("-1e999999999999")->to_double() == -std::numeric_limits<double>::infinity());
  CHECK(parse_decimal("1e-400")->to_double() == 0);
  CHECK(parse_decimal("0e999")->to_double() == 0);
  CHECK(parse_decimal(std::string(5000, '9'))->to_double() ==
        std::numeric_limits<double>::infinity());
  CHECK(parse_decimal("1" + std::string(5000, '0') + "e-5000")->to_double() == Approx(1));
}

TEST_CASE("integers are recognised in any spelling") {
  CHECK(parse_decimal("3.000")->to_integer() == 3);
  CHECK(parse_decimal("300e-2")->to_integer() == 3);
  CHECK(parse_decimal("0.003e3")->to_integer() == 3);
  CHECK(parse_decimal("-0")->to_integer() == 0);
  CHECK(parse_decimal("-9007199254740991")->to_integer() == -9007199254740991);
  CHECK(parse_decimal("3." + std::string(5000, '0'))->to_integer() == 3);
  CHECK_FALSE(parse_decimal("9007199254740992")->to_integer().has_value());
  CHECK_FALSE(parse_decimal("18446744073709551619")->to_integer().has_value());
  CHECK_FALSE(parse_decimal("1e1000000000")->to_integer().has_value());
  CHECK_FALSE(parse_decimal("3.5")->to_integer().has_value());
  CHECK_FALSE(parse_decimal("3." + std::string(5000, '0') + "1")->is_integer());
}

TEST_CASE("what is not a JSON number is not read as one") {
  for (const char* text : {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "1 ", " 1", "0x1", "NaN",
                           "Infinity", "1,5", "--1", "1e1.5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_decimal(text).has_value());
  }
}

TEST_CASE("ill-formed UTF-8 is replaced part by maximal part") {
  const std::string r = "\xEF\xBF\xBD";
  CHECK(in_quotes("\xC0\x80") == "\"" + r + r + "\"");
  CHECK(in_quotes("\xED\xA0\x80") == "\"" + r + r + r + "\"");
  CHECK(in_quotes("\xF4\x90\x80\x80") == "\"" + r + r + r + r + "\"");
  CHECK(in_quotes("\xF0\x9F\x98") == "\"" + r + "\"");
  CHECK(in_quotes("\xF0\x9F\x98x") == "\"" + r + "x\"");
  CHECK(in_quotes("\x80"
                  "a\xBF") == "\"" + r + "a" + r + "\"");
  CHECK(in_quotes("\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xEE\x80\x80") ==
        "\"\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xEE\x80\x80\"");
}

TEST_CASE("any bytes written as a string are JSON") {
  Random random(42);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    const uint32_t size = random.below(12);
    for (uint32_t b = 0; b < size; ++b) bytes.push_back(static_cast<char>(random.below(256)));
    CHECK(nlohmann::json::accept(in_quotes(bytes)));
  }
}

}  // namespace
}  // namespace hlsmesh::json

#include "protocol/json_reader.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/random.hpp"

namespace hlsmesh::json {
namespace {

constexpr size_t kDepth = 8;

Fault read(std::string_view text) { return read_object(text, kDepth, {}); }

std::string read_text(const std::string& string) {
  std::array<Field, 1> fields = {{{"a"}}};
  const std::string text = "{\"a\":" + string + "}";
  REQUIRE(read_object(text, kDepth, fields) == Fault::kNone);
  CHECK(fields[0].raw == string);
  return unquoted(fields[0].raw);
}

// The same field in nlohmann's DOM.
void check_field(const Field& field, const nlohmann::json& object) {
  const auto found = object.find(std::string(field.name));
  if (found == object.end()) {
    CHECK(field.kind == Kind::kAbsent);
    return;
  }
  switch (field.kind) {
    case Kind::kNull:
      CHECK(found->is_null());
      CHECK(field.raw == "null");
      break;
    case Kind::kBoolean:
      CHECK(*found == field.boolean);
      break;
    case Kind::kString:
      CHECK(*found == unquoted(field.raw));
      break;
    case Kind::kNumber:
      CHECK(found->is_number());
      CHECK(*found == nlohmann::json::parse(field.raw));
      break;
    case Kind::kObject:
    case Kind::kArray:
      CHECK(found->is_object() == (field.kind == Kind::kObject));
      CHECK(*found == nlohmann::json::parse(field.raw));
      break;
    case Kind::kAbsent:
      FAIL("a field was missed");
  }
}

TEST_CASE("damaged texts are read as nlohmann/json reads them, or refused with it") {
  constexpr std::string_view kSeeds[] = {
      R"({"a":"x","b":[1,-2.5e1,{"a":null}],"c":true})",
      R"( { "b" : { "a" : [ ] , "" : { } } , "a" : "\u00e9\ud83d\ude00\n\/" } )",
      "{\"a\":\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",\"a\":false,\"b\":0.10E-2}",
      R"([{"a":1}])",
      R"({})",
      R"("a")",
  };
  constexpr std::string_view kBytes = "{}[]\",:\\udt0e-+. \n\x01\x7F\x80\xBF\xC3\xED\xA0\xF4";
  Random random(7);
  int accepted = 0;
  for (int i = 0; i < 40000; ++i) {
    std::string text(kSeeds[random.below(std::size(kSeeds))]);
    for (uint32_t edits = random.below(3); edits > 0 && !text.empty(); --edits) {
      const size_t at = random.below(static_cast<uint32_t>(text.size()));
      const char byte = kBytes[random.below(static_cast<uint32_t>(kBytes.size()))];
      switch (random.below(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.insert(at, 1, byte);
          break;
        default:
          text.erase(at, 1);
      }
    }
    CAPTURE(text);
    std::array<Field, 3> fields = {{{"a"}, {"b"}, {"c"}}};
    const Fault fault = read_object(text, kDepth, fields);
    const nlohmann::json judged = nlohmann::json::parse(text, nullptr, false);
    if (judged.is_discarded()) {
      CHECK(fault == Fault::kNotJson);
    } else if (!judged.is_object()) {
      CHECK(fault == Fault::kNotAnObject);
    } else {
      CHECK(fault == Fault::kNone);
      for (const Field& field : fields) check_field(field, judged);
      ++accepted;
    }
  }
  CHECK(accepted > 4000);
}

TEST_CASE("escapes of every kind become their characters") {
  CHECK(read_text(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(read_text(R"("\u0000")") == std::string(1, '\0'));
  CHECK(read_text(R"("\u007f\u0080\u07FF\u0800\uffff")") ==
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF");
  CHECK(read_text(R"("\ud800\udc00\uDBFF\uDFFF")") == "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

TEST_CASE("a lone surrogate and a cut escape are not JSON") {
  for (const char* string : {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")",
                             R"("\ud800\n")", R"("\u00g0")", R"("\u00)", R"("\x41")", R"("\)"}) {
    CAPTURE(string);
    CHECK(read(std::string("{\"a\":") + string + "}") == Fault::kNotJson);
  }
}

TEST_CASE("a zero byte and a byte order mark are not JSON wherever they stand") {
  using namespace std::string_view_literals;
  CHECK(read("{}\0"sv) == Fault::kNotJson);
  CHECK(read("\0{}"sv) == Fault::kNotJson);
  CHECK(read("{\"a\0\":1}"sv) == Fault::kNotJson);
  CHECK(read("\xEF\xBB\xBF{}") == Fault::kNotJson);
}

TEST_CASE("nesting is refused at the first bracket too many") {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CHECK(read(nested(kDepth)) == Fault::kNone);
  CHECK(read(nested(kDepth + 1)) == Fault::kTooDeep);
  CHECK(read("{\"a\":" + std::string(100'000, '[')) == Fault::kTooDeep);
}

}  // namespace
}  // namespace hlsmesh::json

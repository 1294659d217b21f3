#include "pack/grammar.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <vector>

using namespace hlsmesh::pack;

namespace {

void feed(Grammar& grammar, std::initializer_list<int> bytes) {
  for (const int byte : bytes) grammar.advance(static_cast<uint8_t>(byte));
}

// The fields of `bytes`, and that of what follows.
std::vector<Field> fields(Grammar& grammar, std::initializer_list<int> bytes) {
  std::vector<Field> out;
  for (const int byte : bytes) {
    out.push_back(grammar.field());
    grammar.advance(static_cast<uint8_t>(byte));
  }
  out.push_back(grammar.field());
  return out;
}

// A header and a code section of one function, as far as its first opcode.
Grammar at_code() {
  Grammar grammar;
  feed(grammar, {0, 'a', 's', 'm', 1, 0, 0, 0});
  feed(grammar, {10, 100, 1, 98, 0});
  return grammar;
}

}  // namespace

TEST_CASE("sections other than the code are skipped by their sizes") {
  Grammar grammar;
  feed(grammar, {0, 'a', 's', 'm', 1, 0, 0});
  REQUIRE(fields(grammar, {0, 1, 0x82, 0, 10, 10, 3}) ==
          std::vector{kOther, kSection, kSize, kSize, kOther, kOther, kSection, kSize});
}

TEST_CASE("after a function comes the next one, and after the last another section") {
  Grammar grammar;
  feed(grammar, {0, 'a', 's', 'm', 1, 0, 0, 0});
  // Two functions: one of an i32 local and two instructions, and an empty one.
  REQUIRE(fields(grammar, {10, 9, 2, 5, 1, 1, 0x7f, 0x01, 0x0b, 2, 0, 0x0b, 11}) ==
          std::vector{kSection, kSize, kCount, kSize, kLocals, kLocals, kLocals, kOpcode, kOpcode,
                      kSize, kLocals, kOpcode, kSection, kSize});
}

TEST_CASE("each instruction has its immediates") {
  const auto after = [](std::initializer_list<int> bytes) {
    Grammar grammar = at_code();
    feed(grammar, bytes);
    return grammar.field();
  };
  REQUIRE(after({0x6a}) == kOpcode);     // i32.add
  REQUIRE(after({0x0f}) == kOpcode);     // return
  REQUIRE(after({0x02}) == kImmediate);  // block
  REQUIRE(after({0x02, 0x40}) == kOpcode);
  REQUIRE(after({0x41, 0x80}) == kImmediate);  // i32.const
  REQUIRE(after({0x41, 0x80, 1}) == kOpcode);
  REQUIRE(after({0x28, 2}) == kFurther);  // i32.load
  REQUIRE(after({0x28, 2, 0}) == kOpcode);
  REQUIRE(after({0x0e, 2, 0, 1}) == kFurther);  // br_table
  REQUIRE(after({0x0e, 2, 0, 1, 0}) == kOpcode);
  REQUIRE(after({0x44, 0, 0, 0, 0, 0, 0, 0}) == kImmediate);  // f64.const
  REQUIRE(after({0x44, 0, 0, 0, 0, 0, 0, 0, 0}) == kOpcode);
  REQUIRE(after({0xfc, 10, 0}) == kFurther);  // memory.copy
  REQUIRE(after({0xfc, 10, 0, 0}) == kOpcode);
  REQUIRE(after({0xfc, 11, 0}) == kOpcode);  // memory.fill
  REQUIRE(after({0xfc, 2}) == kOpcode);      // i32.trunc_sat_f64_s
}

TEST_CASE("the grammar remembers opcodes, their immediates and the function that was called") {
  Grammar grammar = at_code();
  feed(grammar, {0x20, 3, 0x10, 0x81, 2, 0x20});
  REQUIRE(grammar.op(0) == 0x20);
  REQUIRE(grammar.op(1) == 0x10);
  REQUIRE(grammar.usual() == 3);
  REQUIRE(grammar.callee() == 0x8102);
}

TEST_CASE("the grammar counts operands") {
  Grammar grammar = at_code();
  const auto depth = [&](std::initializer_list<int> bytes) {
    feed(grammar, bytes);
    return grammar.depth();
  };
  REQUIRE(depth({0x20, 0, 0x41, 5}) == 2);     // local.get, i32.const
  REQUIRE(depth({0x6a}) == 1);                 // i32.add
  REQUIRE(depth({0x28, 2, 0}) == 1);           // i32.load
  REQUIRE(depth({0x20, 1, 0x36, 2, 0}) == 0);  // i32.store
  REQUIRE(depth({0x21, 0}) == 0);              // of a value that was not seen
  REQUIRE(depth({0x20, 0, 0x20, 1, 0x10, 3}) == 0);
}

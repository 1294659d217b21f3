#include "pack/coder.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "common/random.hpp"

using hlsmesh::Random;
using hlsmesh::pack::Packer;
using hlsmesh::pack::Unpacker;

namespace {

std::vector<uint8_t> packed(const std::vector<uint8_t>& bytes) {
  const auto packer = std::make_unique<Packer>();
  for (const uint8_t byte : bytes) packer->add(byte);
  return packer->finish();
}

std::vector<uint8_t> unpacked(std::vector<uint8_t> packed, size_t size) {
  packed.resize(packed.size() + 4);
  const auto unpacker = std::make_unique<Unpacker>(packed.data());
  std::vector<uint8_t> out;
  while (out.size() < size) out.push_back(unpacker->take());
  return out;
}

// The smallest module with every kind of field: a function that has locals, a branch table, a
// constant of each type, a load, memory.copy and a call.
std::vector<uint8_t> small_module() {
  constexpr char kBytes[] =
      "\0asm\1\0\0\0"
      "\1\4\1\x60\0\0"
      "\3\2\1\0"
      "\5\3\1\0\1"
      "\x0a\x36\1\x34\1\2\x7f"
      "\x02\x40\x41\0\x0e\1\0\0\x0b"
      "\x42\x80\x01\x1a\x44\0\0\0\0\0\0\xf0\x3f\x1a"
      "\x41\x80\x08\x28\2\4\x1a"
      "\x41\0\x41\0\x41\0\xfc\x0a\0\0"
      "\x44\0\0\0\0\0\0\xf0\x3f\xfc\2\x1a"
      "\x10\0\x0b";
  return {kBytes, kBytes + sizeof kBytes - 1};
}

}  // namespace

TEST_CASE("what was packed is unpacked as it was, whatever it is") {
  Random random(7);
  std::vector<uint8_t> noise(5'000);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random.below(256));
  // A header, and then what no grammar expects.
  std::vector<uint8_t> broken = small_module();
  broken.insert(broken.end(), noise.begin(), noise.end());
  for (const std::vector<uint8_t>& bytes :
       {std::vector<uint8_t>{}, std::vector<uint8_t>{0}, std::vector<uint8_t>{0xff}, small_module(),
        std::vector<uint8_t>(20'000, 0), std::vector<uint8_t>(20'000, 0xff), noise, broken}) {
    REQUIRE(unpacked(packed(bytes), bytes.size()) == bytes);
  }
}

TEST_CASE("repetitions cost next to nothing, and noise no more than itself") {
  REQUIRE(packed(std::vector<uint8_t>(20'000, 0x20)).size() < 60);
  Random random(8);
  std::vector<uint8_t> noise(20'000);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random.below(256));
  REQUIRE(packed(noise).size() < 22'000);
}

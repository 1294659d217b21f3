#pragma once

#include <cstdint>

namespace hlsmesh {

// SplitMix64 (Steele, Lea, Flood 2014): a seeded generator for jitter and tie-breaks. The standard
// distributions are not used anywhere, because their output differs between libraries. Never a
// source of secrets: those come from the driver.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // A number in [0, bound); bound must be positive. The bias of the high-bits product is below
  // 2^-32 for bounds under 2^32.
  constexpr uint32_t below(uint32_t bound) {
    return static_cast<uint32_t>(((next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
  }

 private:
  uint64_t state_;
};

}  // namespace hlsmesh

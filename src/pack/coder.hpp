#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pack/model.hpp"

namespace hlsmesh::pack {

// Arithmetic coding: a text is a number within [0, 1), and each bit narrows the interval of it in
// proportion to the model's guess. Both sides hold the 32 bits in which the ends may still differ.
class Interval {
 public:
  // Narrows it to the bit's part.
  void narrow(uint32_t guess, bool bit) {
    if (bit) {
      high_ = middle(guess);
    } else {
      low_ = middle(guess) + 1;
    }
  }
  // The last number of the part of a 1.
  uint32_t middle(uint32_t guess) const {
    return low_ + static_cast<uint32_t>(uint64_t{high_ - low_} * guess >> Model::kGuessBits);
  }
  // Whether both ends begin with the same byte; then drops it.
  bool settled() {
    if ((low_ ^ high_) >> 24 != 0) return false;
    low_ <<= 8;
    high_ = high_ << 8 | 0xff;
    return true;
  }
  uint32_t low() const { return low_; }

 private:
  uint32_t low_ = 0;
  uint32_t high_ = 0xffffffff;
};

// Packs bytes one after the other.
class Packer {
 public:
  void add(uint8_t byte) {
    for (int i = 7; i >= 0; --i) {
      const bool bit = (byte >> i & 1) != 0;
      interval_.narrow(model_.guess(), bit);
      model_.learn(bit);
      for (uint8_t first = top(); interval_.settled(); first = top()) out_.push_back(first);
    }
  }
  // What was added, packed, without its length. Nothing may be added after it.
  const std::vector<uint8_t>& finish() {
    // Zeros follow, as far as the unpacker is concerned: a number above the low end needs one byte.
    out_.push_back(static_cast<uint8_t>(top() + 1));
    return out_;
  }

 private:
  uint8_t top() const { return static_cast<uint8_t>(interval_.low() >> 24); }

  Model model_;
  Interval interval_;
  std::vector<uint8_t> out_;
};

// Gives the bytes back. It reads a few bytes beyond the packed ones, which must be zero.
class Unpacker {
 public:
  explicit Unpacker(const uint8_t* packed) : next_(packed) {
    for (int i = 0; i < 4; ++i) read();
  }

  uint8_t take() {
    uint32_t byte = 0;
    for (int i = 0; i < 8; ++i) {
      const uint32_t guess = model_.guess();
      const bool bit = number_ <= interval_.middle(guess);
      interval_.narrow(guess, bit);
      model_.learn(bit);
      byte = byte << 1 | (bit ? 1 : 0);
      while (interval_.settled()) read();
    }
    return static_cast<uint8_t>(byte);
  }

 private:
  void read() { number_ = number_ << 8 | *next_++; }

  Interval interval_;
  const uint8_t* next_;
  uint32_t number_ = 0;
  Model model_;
};

}  // namespace hlsmesh::pack

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "check.hpp"

namespace hlsmesh::fuzz {

// The bytes of an input that is a sequence of steps. At its end there are zeros.
class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ == size_; }
  uint8_t next() { return done() ? uint8_t{0} : data_[at_++]; }
  uint8_t below(uint8_t bound) { return static_cast<uint8_t>(next() % bound); }
  std::string_view text() {
    const size_t size = std::min<size_t>(next(), size_ - at_);
    const std::string_view text = view(data_ + at_, size);
    at_ += size;
    return text;
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

}  // namespace hlsmesh::fuzz

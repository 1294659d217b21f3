#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace hlsmesh {

// A set of pieces of one segment: numbers below kMost, one bit each. A larger number is in no set,
// and adding or removing it changes nothing.
class PieceSet {
 public:
  // A segment of 64 MiB, the largest that peers exchange, in pieces of 16 KiB.
  static constexpr uint32_t kMost = 4096;

  static PieceSet all() {
    PieceSet set;
    set.words_.fill(kAll);
    set.used_ = kWords;
    return set;
  }

  bool has(uint32_t piece) const {
    return piece < kMost && (words_[piece / kBits] >> (piece % kBits) & 1) != 0;
  }
  void add(uint32_t piece) { add(piece, piece); }
  // Both ends are included; nothing is added if `first` > `last`. A loop over bits: 133 bytes of
  // the shipped wasm less than one over words, and a segment has some 50 pieces. all() is for the
  // rest.
  void add(uint32_t first, uint32_t last) {
    if (last >= kMost) last = kMost - 1;
    if (first > last) return;
    used_ = std::max(used_, last / kBits + 1);
    for (; first <= last; ++first) words_[first / kBits] |= uint64_t{1} << (first % kBits);
  }
  void remove(uint32_t piece) {
    if (piece < kMost) words_[piece / kBits] &= ~(uint64_t{1} << (piece % kBits));
  }

  void add(const PieceSet& other) {
    used_ = std::max(used_, other.used_);
    for (uint32_t i = 0; i < other.used_; ++i) words_[i] |= other.words_[i];
  }
  void remove(const PieceSet& other) {
    for (uint32_t i = 0; i < std::min(used_, other.used_); ++i) words_[i] &= ~other.words_[i];
  }
  // Removes what `other` does not have.
  void keep(const PieceSet& other) {
    for (uint32_t i = 0; i < used_; ++i) words_[i] &= other.words_[i];
    used_ = std::min(used_, other.used_);
  }
  // Removes `count` and all that is larger.
  void cut(uint32_t count) {
    if (count >= kMost) return;
    const uint32_t kept = std::min(used_, (count + kBits - 1) / kBits);
    for (uint32_t i = kept; i < used_; ++i) words_[i] = 0;
    if (kept > 0 && count < kept * kBits) words_[kept - 1] &= kAll >> (kept * kBits - count);
    used_ = kept;
  }

  bool empty() const { return first() == kMost; }
  uint32_t count() const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < used_; ++i) count += static_cast<uint32_t>(std::popcount(words_[i]));
    return count;
  }
  // Returns the least member that is at least `from`, or kMost.
  uint32_t first(uint32_t from = 0) const { return seek(from, 0, used_ * kBits); }
  // Returns the least number that is at least `from` and is no member, or kMost: one past the run
  // of members that begins at `from`, and `from` itself if it is none.
  uint32_t run_end(uint32_t from) const { return seek(from, kAll, kMost); }
  bool intersects(const PieceSet& other) const {
    for (uint32_t i = 0; i < std::min(used_, other.used_); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }

  friend bool operator==(const PieceSet& a, const PieceSet& b) { return a.words_ == b.words_; }

 private:
  static constexpr uint32_t kBits = 64;
  static constexpr uint32_t kWords = kMost / kBits;
  static constexpr uint64_t kAll = ~uint64_t{0};

  // Returns the least number that is at least `from` and whose bit is not that of `flip`; looks at
  // numbers below `end`, and beyond it there is none.
  uint32_t seek(uint32_t from, uint64_t flip, uint32_t end) const {
    for (; from < end; from = (from | (kBits - 1)) + 1) {
      const uint64_t rest = (words_[from / kBits] ^ flip) >> (from % kBits);
      if (rest != 0) return from + static_cast<uint32_t>(std::countr_zero(rest));
    }
    return kMost;
  }

  uint32_t used_ = 0;  // words beyond these are 0
  std::array<uint64_t, kWords> words_{};
};

}  // namespace hlsmesh

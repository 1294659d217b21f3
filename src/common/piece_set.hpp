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

  PieceSet() {}
  // Of kMost places a common segment uses one word: copies are of what is used.
  PieceSet(const PieceSet& other) { *this = other; }
  PieceSet& operator=(const PieceSet& other) {
    used_ = other.used_;
    for (uint32_t i = 0; i < used_; ++i) words_[i] = other.words_[i];
    return *this;
  }

  // All numbers below `count`.
  static PieceSet all(uint32_t count = kMost) {
    PieceSet set;
    if (count > 0) set.add(0, count - 1);
    return set;
  }

  bool has(uint32_t piece) const {
    return piece / kBits < used_ && (words_[piece / kBits] >> (piece % kBits) & 1) != 0;
  }
  void add(uint32_t piece) { add(piece, piece); }
  // Both ends are included; nothing is added if `first` > `last`.
  void add(uint32_t first, uint32_t last) {
    last = std::min(last, kMost - 1);
    if (first > last) return;
    use(last + 1);
    for (; first <= last; first = (first | (kBits - 1)) + 1) {
      const uint32_t end = std::min(last, first | (kBits - 1));
      words_[first / kBits] |= kAll >> (kBits - 1 - end % kBits) & kAll << (first % kBits);
    }
  }
  void remove(uint32_t piece) {
    if (piece / kBits < used_) words_[piece / kBits] &= ~(uint64_t{1} << (piece % kBits));
  }

  void add(const PieceSet& other) {
    use(other.used_ * kBits);
    for (uint32_t i = 0; i < other.used_; ++i) words_[i] |= other.words_[i];
  }
  void remove(const PieceSet& other) {
    for (uint32_t i = 0; i < std::min(used_, other.used_); ++i) words_[i] &= ~other.words_[i];
  }
  // Removes what `other` does not have.
  void keep(const PieceSet& other) {
    used_ = std::min(used_, other.used_);
    for (uint32_t i = 0; i < used_; ++i) words_[i] &= other.words_[i];
  }
  // Removes `count` and all that is larger.
  void cut(uint32_t count) {
    if (count >= kMost) return;
    used_ = std::min(used_, (count + kBits - 1) / kBits);
    if (count < used_ * kBits) words_[used_ - 1] &= kAll >> (used_ * kBits - count);
  }

  bool empty() const { return first() == kMost; }
  uint32_t count() const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < used_; ++i) count += static_cast<uint32_t>(std::popcount(words_[i]));
    return count;
  }
  // Returns the least member that is at least `from`, or kMost.
  uint32_t first(uint32_t from = 0) const { return seek(from, 0, used_ * kBits); }
  // Returns the largest member, or kMost.
  uint32_t last() const {
    for (uint32_t i = used_; i-- > 0;) {
      if (words_[i] != 0) {
        return i * kBits + kBits - 1 - static_cast<uint32_t>(std::countl_zero(words_[i]));
      }
    }
    return kMost;
  }
  // Returns the least number that is at least `from` and is no member, or kMost: one past the run
  // of members that begins at `from`, and `from` itself if it is none.
  uint32_t run_end(uint32_t from) const {
    const uint32_t end = seek(from, kAll, used_ * kBits);
    return end == kMost ? std::min(std::max(from, used_ * kBits), kMost) : end;
  }
  bool intersects(const PieceSet& other) const {
    for (uint32_t i = 0; i < std::min(used_, other.used_); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }

  friend bool operator==(const PieceSet& a, const PieceSet& b) {
    for (uint32_t i = 0; i < std::max(a.used_, b.used_); ++i) {
      if (a.word(i) != b.word(i)) return false;
    }
    return true;
  }

 private:
  static constexpr uint32_t kBits = 64;
  static constexpr uint32_t kWords = kMost / kBits;
  static constexpr uint64_t kAll = ~uint64_t{0};

  uint64_t word(uint32_t i) const { return i < used_ ? words_[i] : 0; }
  // Uses the words of the numbers below `end`, at least.
  void use(uint32_t end) {
    while (used_ * kBits < end) words_[used_++] = 0;
  }

  // Returns the least number that is at least `from` and whose bit is not that of `flip`; looks at
  // numbers below `end`, and beyond it there is none.
  uint32_t seek(uint32_t from, uint64_t flip, uint32_t end) const {
    for (; from < end; from = (from | (kBits - 1)) + 1) {
      const uint64_t rest = (words_[from / kBits] ^ flip) >> (from % kBits);
      if (rest != 0) return from + static_cast<uint32_t>(std::countr_zero(rest));
    }
    return kMost;
  }

  uint32_t used_ = 0;  // words; those beyond have no meaning
  std::array<uint64_t, kWords> words_;
};

}  // namespace hlsmesh

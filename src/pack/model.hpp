#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "pack/grammar.hpp"

namespace hlsmesh::pack {

// Guesses the bits of a WebAssembly module, each from all before it, by context mixing: six
// contexts each guess by how the bit was when the context was the same, and a mixer weights their
// guesses by how good they have been (M. Mahoney, "Adaptive Weighing of Context Models for Lossless
// Data Compression", 2005). The same bits give the same guesses everywhere: WebAssembly and the
// compilers' defaults leave no freedom in +, -, * and / of floats.
class Model {
 public:
  // Guesses are of 2^16.
  static constexpr int kGuessBits = 16;

  Model() {
    // The integral of 1 / (p * (1 - p)), from 1/2 on.
    constexpr float kStep = 1.0f / kGuesses;
    for (int i = kGuesses / 2; i < kGuesses - 1; ++i) {
      const float p = static_cast<float>(i + 1) * kStep;
      stretched_[i + 1] = stretched_[i] + kStep / (p * (1 - p));
    }
    for (int i = 0; i < kGuesses / 2; ++i) stretched_[i] = -stretched_[kGuesses - 1 - i];
    find_contexts();
  }

  // How probable it is that the next bit is 1, within (0, 2^16).
  uint32_t guess() {
    const Field field = grammar_.field();
    by_place_ = weights_of_place_[field][grammar_.place()];
    by_op_ = weights_of_op_[grammar_.op(0)][field];
    by_bits_ = weights_of_bits_[field][bits_];
    float sum = 0;
    for (size_t i = 0; i < kContexts; ++i) {
      slots_[i] = &tables_[i][mixed(contexts_[i], bits_) >> (32 - kTableBits)];
      inputs_[i] = stretched_[slots_[i]->guess + kGuesses / 2];
      sum += (kFirstWeight + by_place_[i] + by_op_[i] + by_bits_[i]) * inputs_[i];
    }
    guess_ = squash(sum);
    return std::clamp<uint32_t>(static_cast<uint32_t>(guess_ * kGuesses), 1, kGuesses - 1);
  }

  // The bit that was guessed last was `bit`.
  void learn(bool bit) {
    constexpr float kRate = 0.005f;
    const float error = ((bit ? 1.0f : 0.0f) - guess_) * kRate;
    for (size_t i = 0; i < kContexts; ++i) {
      const float change = error * inputs_[i];
      by_place_[i] += change;
      by_op_[i] += change;
      by_bits_[i] += change;
      slots_[i]->learn(bit);
    }
    bits_ = bits_ << 1 | (bit ? 1 : 0);
    if (bits_ < 256) return;
    before_ = before_ << 8 | (bits_ & 0xff);
    grammar_.advance(static_cast<uint8_t>(bits_));
    bits_ = 1;
    find_contexts();
  }

 private:
  static constexpr int kGuesses = 1 << kGuessBits;
  static constexpr size_t kContexts = 6;
  // One more: 0.1 KB less of the engine, and twice the memory, which is 6 MiB.
  static constexpr int kTableBits = 19;
  static constexpr float kFirstWeight = 0.2f;

  // What one context has seen of one bit.
  struct Slot {
    int16_t guess = 0;  // of 2^16, less a half
    int16_t seen = 0;

    void learn(bool bit) {
      constexpr int16_t kMost = 14;
      const int target = bit ? INT16_MAX : INT16_MIN;
      guess = static_cast<int16_t>(guess + (target - guess) * 2 / (2 * seen + 3));
      if (seen < kMost) ++seen;
    }
  };

  static uint32_t mixed(uint32_t hash, uint32_t value) {
    hash = (hash ^ value) * 0x9e3779b1u;
    return hash ^ hash >> 15;
  }

  // 1 / (1 + e^-x), nearly.
  static float squash(float x) {
    float power = 1 + std::clamp(x, -12.0f, 12.0f) / 256;
    for (int i = 0; i < 8; ++i) power *= power;
    return power / (1 + power);
  }

  void find_contexts() {
    const Grammar& at = grammar_;
    const bool immediate = at.field() >= kImmediate;
    const uint32_t place = at.field() << 28 | at.place() << 24;
    // With the bytes of the number so far.
    const uint32_t here = mixed(place, at.place() > 0 ? before_ & 0xff : 0);
    const uint32_t ops = static_cast<uint32_t>(at.op(0) << 8 | at.op(1));
    const uint32_t older = static_cast<uint32_t>(at.op(2) << 8 | at.op(3));
    contexts_[0] = mixed(place, immediate ? at.op(0) : at.depth());
    contexts_[1] = mixed(before_ & 0xffff, 0);
    contexts_[2] = mixed(here, ops);
    contexts_[3] = mixed(contexts_[2], older);
    contexts_[4] = mixed(here, mixed(at.usual(), at.op(0)));
    contexts_[5] = mixed(here, at.callee());
  }

  Grammar grammar_;
  uint32_t before_ = 0;  // the last four bytes
  uint32_t bits_ = 1;    // a 1, and the byte's bits so far
  float guess_ = 0;
  uint32_t contexts_[kContexts];
  float inputs_[kContexts];
  Slot* slots_[kContexts];
  float* by_place_ = nullptr;
  float* by_op_ = nullptr;
  float* by_bits_ = nullptr;
  float weights_of_place_[kFields][Grammar::kPlaces][kContexts] = {};
  float weights_of_op_[256][kFields][kContexts] = {};
  float weights_of_bits_[kFields][256][kContexts] = {};
  float stretched_[kGuesses] = {};
  Slot tables_[kContexts][1 << kTableBits];
};

}  // namespace hlsmesh::pack

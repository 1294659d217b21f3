#pragma once

#include <cstddef>
#include <cstdint>

namespace hlsmesh::pack {

// What a byte of a WebAssembly module is.
enum Field : uint32_t {
  kOther,      // the header, and what other sections than that of the code hold
  kSection,    // a section's number
  kSize,       // of a section, or of a function's body
  kCount,      // of functions
  kLocals,     // declarations of a function's locals
  kOpcode,     // of an instruction
  kImmediate,  // the first that follows an opcode
  kFurther,    // a later one
  kFields
};

// Follows the grammar of WebAssembly 1.0, of memory.copy and memory.fill, and of the conversions
// that do not trap, from byte to byte. It takes anything, and follows somehow what is no module.
class Grammar {
 public:
  static constexpr size_t kHistory = 4;
  static constexpr uint32_t kPlaces = 8;

  // Of the next byte.
  Field field() const { return field_; }
  // Its number within the field, below kPlaces.
  uint32_t place() const { return place_ < kPlaces ? place_ : kPlaces - 1; }
  // The opcode that was read last, the one before it, and so on.
  uint8_t op(size_t back) const { return ops_[back]; }
  // The immediate that followed the last opcode the time before; the last one of several.
  uint32_t usual() const { return usual_[ops_[0]]; }
  // About how many operands the stack holds, as far as the last opcodes tell: calls and branches
  // are taken to leave none.
  uint32_t depth() const { return depth_; }
  // The function that was called last.
  uint32_t callee() const { return usual_[kCall]; }

  void advance(uint8_t byte) {
    const bool goes_on = byte >= 0x80;  // of a number
    number_ |= (byte & 0x7fu) << (7 * place_ % 32);
    value_ = value_ << 8 | byte;
    ++place_;
    switch (field_) {
      case kOther:
        if (--left_ == 0) begin(kSection);
        break;
      case kSection:
        in_code_ = byte == kCodeSection;
        begin(kSize);
        break;
      case kSize:
        if (goes_on) return;
        left_ = number_;
        if (functions_ > 0) {
          body_ = number_;
          begin(kLocals);
          return;
        }
        begin(in_code_ ? kCount : kOther);
        break;
      case kCount:
        if (goes_on) return;
        functions_ = number_;
        begin(kSize);
        break;
      case kLocals:
        if (place_ == 1) left_ = 2u * byte + 1;
        if (--left_ == 0) begin(kOpcode);
        break;
      case kOpcode:
        for (size_t i = kHistory - 1; i > 0; --i) ops_[i] = ops_[i - 1];
        ops_[0] = byte;
        left_ = immediates(byte);
        follow_depth(byte);
        begin(left_ > 0 ? kImmediate : kOpcode);
        break;
      default:
        if (ops_[0] == kDouble ? place_ < 8 : goes_on) break;
        usual_[ops_[0]] = value_;
        if (field_ == kImmediate) left_ += more_immediates(byte);
        begin(--left_ > 0 ? kFurther : kOpcode);
    }
    if (body_ > 0 && --body_ == 0) begin(--functions_ > 0 ? kSize : kSection);
  }

 private:
  static constexpr uint8_t kCodeSection = 10;
  static constexpr uint32_t kHeaderBytes = 8;
  static constexpr uint8_t kBranchTable = 0x0e;
  static constexpr uint8_t kCall = 0x10;
  static constexpr uint8_t kIndirectCall = 0x11;
  static constexpr uint8_t kDouble = 0x44;
  static constexpr uint8_t kPrefix = 0xfc;
  static constexpr uint8_t kCopy = 10;  // after the prefix
  static constexpr uint8_t kFill = 11;

  static uint32_t immediates(uint8_t op) {
    const auto within = [op](uint8_t low, uint8_t high) { return op >= low && op <= high; };
    if (op == kIndirectCall || within(0x28, 0x3e)) return 2;  // loads and stores
    // Blocks, branches and calls; variables; memory and constants.
    return (within(0x02, 0x04) || within(0x0c, kBranchTable) || op == kCall || within(0x20, 0x24) ||
            within(0x3f, 0x42) || op == kDouble || op == kPrefix)
               ? 1
               : 0;
  }

  void follow_depth(uint8_t op) {
    constexpr uint8_t kGetLocal = 0x20;
    constexpr uint8_t kSetLocal = 0x21;
    constexpr uint8_t kSelect = 0x1b;
    constexpr uint8_t kZero64 = 0x50;
    const auto within = [op](uint8_t low, uint8_t high) { return op >= low && op <= high; };
    const auto take = [this](uint32_t count) { depth_ -= depth_ < count ? depth_ : count; };
    if (op <= kIndirectCall) depth_ = 0;
    if (op == kGetLocal || within(0x41, kDouble)) ++depth_;  // constants
    if (op == kSetLocal || (within(0x46, 0xa6) && op != kZero64))
      take(1);                                         // most have two operands
    if (op == kSelect || within(0x36, 0x3e)) take(2);  // stores
  }

  // How many more immediates there are if this is the first one's last byte.
  uint32_t more_immediates(uint8_t byte) const {
    if (ops_[0] == kBranchTable) return byte + 1u;
    if (ops_[0] != kPrefix) return 0;
    return byte == kCopy ? 2 : byte == kFill ? 1 : 0;
  }

  void begin(Field field) {
    field_ = field;
    place_ = 0;
    number_ = 0;
    value_ = 0;
  }

  Field field_ = kOther;
  uint32_t place_ = 0;
  uint32_t number_ = 0;           // the field, read as a number
  uint32_t value_ = 0;            // its last four bytes
  uint32_t left_ = kHeaderBytes;  // of a list, or of an instruction's immediates
  uint32_t body_ = 0;             // bytes left of a function's body
  uint32_t functions_ = 0;        // left, with the one that is being read
  uint32_t depth_ = 0;
  bool in_code_ = false;
  uint8_t ops_[kHistory] = {};
  uint32_t usual_[256] = {};
};

}  // namespace hlsmesh::pack

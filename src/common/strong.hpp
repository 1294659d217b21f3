#pragma once

namespace hlsmesh {

// A value that cannot be mistaken for another of the same representation. `Tag` names the kind and
// is never defined.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  friend constexpr bool operator==(Strong a, Strong b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Strong a, Strong b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(Strong a, Strong b) { return a.value_ < b.value_; }
  friend constexpr bool operator>(Strong a, Strong b) { return b < a; }
  friend constexpr bool operator<=(Strong a, Strong b) { return !(b < a); }
  friend constexpr bool operator>=(Strong a, Strong b) { return !(a < b); }

 private:
  Rep value_{};
};

}  // namespace hlsmesh

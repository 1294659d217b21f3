#pragma once

#include <cstdint>

#include "common/random.hpp"

namespace hlsmesh::study {

// A figure that differs from viewer to viewer, such as the rate of an access line. Drawing from it
// gives the same digits on every platform: it uses only operations whose result IEEE 754 fixes.
class Spread {
 public:
  constexpr Spread() = default;
  static Spread constant(double value);
  static Spread uniform(double low, double high);
  // `sigma`: the standard deviation of the natural logarithm. Both must be positive.
  static Spread lognormal(double median, double sigma);

  Spread at_most(double limit) const;
  Spread times(double factor) const;

  double draw(Random& random) const;
  // For the JSON form.
  template <class Uniform, class Lognormal>
  auto visit(const Uniform& uniform, const Lognormal& lognormal) const {
    return kind_ == Kind::kUniform ? uniform(a_, b_) : lognormal(a_, b_, limit_);
  }
  // The largest value that may be drawn; infinite for a lognormal spread without a limit.
  double highest() const;

 private:
  enum class Kind : uint8_t { kUniform, kLognormal };

  Kind kind_ = Kind::kUniform;
  double a_ = 0;  // the lower bound, or the median
  double b_ = 0;  // the upper bound, or sigma
  double limit_ = 1e300;
};

// A number in [0, 1) with 32 random bits.
double unit(Random& random);

}  // namespace hlsmesh::study

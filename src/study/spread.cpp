#include "study/spread.hpp"

#include <algorithm>
#include <cassert>

namespace hlsmesh::study {
namespace {

// The sum of twelve uniform numbers less its mean: of variance 1, and normal to within 3 sigma.
double normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += unit(random);
  return sum;
}

// e^x for |x| up to about 20: (1 + x/2^20)^(2^20) by twenty squarings, good to five digits.
double exponential(double x) {
  double power = 1 + x / 1'048'576;
  for (int i = 0; i < 20; ++i) power *= power;
  return power;
}

}  // namespace

double unit(Random& random) { return static_cast<double>(random.next() >> 32) / 4'294'967'296.0; }

Spread Spread::constant(double value) { return uniform(value, value); }

Spread Spread::uniform(double low, double high) {
  assert(low <= high);
  Spread out;
  out.a_ = low;
  out.b_ = high;
  return out;
}

Spread Spread::lognormal(double median, double sigma) {
  assert(median > 0 && sigma > 0);
  Spread out;
  out.kind_ = Kind::kLognormal;
  out.a_ = median;
  out.b_ = sigma;
  return out;
}

Spread Spread::at_most(double limit) const {
  Spread out = *this;
  out.limit_ = std::min(limit_, limit);
  return out;
}

Spread Spread::times(double factor) const {
  assert(factor >= 0);
  Spread out = *this;
  out.a_ *= factor;
  if (kind_ == Kind::kUniform) out.b_ *= factor;
  return out;
}

double Spread::draw(Random& random) const {
  const double value = kind_ == Kind::kUniform ? a_ + (b_ - a_) * unit(random)
                                               : a_ * exponential(b_ * normal(random));
  return std::min(value, limit_);
}

double Spread::highest() const { return kind_ == Kind::kUniform ? std::min(b_, limit_) : limit_; }

}  // namespace hlsmesh::study

#pragma once

#include <algorithm>
#include <cstdint>
#include <list>

#include "common/ids.hpp"
#include "common/random.hpp"

namespace hlsmesh {

// What a peer has given of a segment.
struct Gift {
  PeerId giver;
  uint32_t pieces = 0;
  // One of those pieces, each as likely: the giver cannot know which. SpotChecks may look at it.
  uint32_t probe = 0;
  // The CDN has brought that piece as well, so nothing in it is the giver's any more.
  bool replaced = false;

  // `count` more pieces, from `first` on.
  void add(uint32_t first, uint32_t count, Random& random) {
    pieces += count;
    const uint32_t drawn = random.below(pieces);
    if (drawn >= count) return;
    probe = first + drawn;
    replaced = false;
  }
};

using Gifts = std::list<Gift>;

// That of the giver, or the end.
inline Gifts::iterator gift_of(Gifts& gifts, const PeerId& giver) {
  return std::find_if(gifts.begin(), gifts.end(),
                      [&](const Gift& each) { return each.giver == giver; });
}

inline bool has_given(const Gifts& gifts, const PeerId& giver) {
  return std::any_of(gifts.begin(), gifts.end(),
                     [&](const Gift& each) { return each.giver == giver; });
}

}  // namespace hlsmesh

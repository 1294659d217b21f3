#pragma once

#include <algorithm>
#include <cstdint>
#include <list>

#include "common/ids.hpp"
#include "common/piece_set.hpp"

namespace hlsmesh {

// What a peer has brought of a segment on its way: of pieces that the CDN brings as well nothing is
// the peer's any more.
struct Delivery {
  PeerId giver;
  PieceSet pieces;
};

using Deliveries = std::list<Delivery>;

// What a peer has given of a whole segment.
struct Gift {
  PeerId giver;
  uint32_t pieces = 0;
  // One of those pieces, each as likely: the giver cannot know which. SpotChecks may look at it.
  // PieceSet::kMost: there is none, since the CDN has brought some of each.
  uint32_t probe = 0;
};

using Gifts = std::list<Gift>;

// That of the giver, or nullptr.
inline Delivery* delivery_of(Deliveries& deliveries, const PeerId& giver) {
  const auto found = std::find_if(deliveries.begin(), deliveries.end(),
                                  [&](const Delivery& each) { return each.giver == giver; });
  return found == deliveries.end() ? nullptr : &*found;
}

// `list`: Deliveries or Gifts.
template <typename List>
bool has_given(const List& list, const PeerId& giver) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& each) { return each.giver == giver; });
}

}  // namespace hlsmesh

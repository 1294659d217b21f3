#pragma once

#include <map>
#include <set>
#include <utility>

#include "common/time.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Layers below the CDN that are filled. Fan-outs of two and more reach a hundred thousand peers in
// 17; the bound is for channels where everybody has room for one, and it bounds find_parent().
inline constexpr int32_t kMaxLayer = 32;

// Who feeds whom in one channel. Chooses, and does nothing else: whoever asks makes the link.
//
// The rule: the lowest layer with a free slot, in it the parent with the fewest children, of those
// the one that entered first. A parent always entered before its child, whatever links break and
// are made anew, so no chain of parents can lead back to where it began.
//
// The index is by (layer, children), each with its peers in the order of entering. A search looks
// at the first peer of each place in the index, of which there are at most kMaxLayer x the largest
// child limit, and past those that are held down; every change costs O(log n).
class Matching {
 public:
  // `peer` entered, or its layer or number of children changed.
  void update(Peer& peer);
  // `peer` left.
  void remove(Peer& peer);

  // The parent to introduce to `child`, or nullptr.
  Peer* find_parent(const Peer& child, TimeMs now) const;

 private:
  std::map<std::pair<int32_t, int32_t>, std::map<JoinOrder, Peer*>> free_slots_;
};

}  // namespace hlsmesh::tracker

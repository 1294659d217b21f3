#pragma once

#include <cstdint>

#include "client/download/shelf.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// What the player says of the bytes that it was given. Bytes that it refused, or that have less
// media than is usual in the stream, are shared with nobody.
class Verdicts {
 public:
  explicit Verdicts(Shelf& shelf) : shelf_(shelf) {}

  // See Engine::on_verdict. Calls blame(giver, alone) for each bad segment and each peer
  // that gave of it; `alone`: nobody else did.
  template <class Blame>
  void judge(LoadId load, double seconds, Blame blame) {
    shelf_.receipts.for_each([&](const SegmentKey& key, Receipt& receipt) {
      if (is_about(receipt, load, seconds) && is_bad(key, receipt, load, seconds)) {
        for (const Gift& gift : receipt.gifts) blame(gift.giver, receipt.gifts.size() == 1);
      }
    });
  }
  // Whoever gave one bad segment gave others too: all of them leave the cache.
  void distrust(const PeerId& giver);
  // Another presentation begins.
  void forget();

 private:
  static bool is_about(const Receipt& receipt, LoadId load, double seconds);
  // Notes what the player made of it; true if a peer cut or falsified it.
  bool is_bad(const SegmentKey& key, Receipt& receipt, LoadId load, double seconds);
  // The share that `seconds` are of what a segment usually has in this stream; 1: all.
  double share_of_usual(const Receipt& receipt, double seconds);

  Shelf& shelf_;
  // Of its listed duration, that the player finds in a segment of the CDN; and in how many it did,
  // in this presentation.
  double usual_share_ = 1;
  int32_t shares_seen_ = 0;
};

}  // namespace hlsmesh

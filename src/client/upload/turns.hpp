#pragma once

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/upload/peer_ledger.hpp"
#include "client/upload/uplink.hpp"
#include "client/upload/upload_budget.hpp"
#include "client/upload/uploader.hpp"

namespace hlsmesh {

// Whose turn it is: which child may be sent a segment now, which must wait, and which is refused.
// What others need comes first (PeerLedger), then what the line carries (Uplink), then what the
// site allows (UploadBudget).
class Turns {
 public:
  explicit Turns(PeerLedger& ledger) : ledger_(ledger) {}

  UploadBudget budget;
  Uplink uplink;

  struct Child {
    PeerHandle peer;
    int32_t number = 0;  // in the ledger
  };
  // `others`: children that are being sent a segment. `last`: the request cannot wait any longer.
  // After kNow the segment counts as sent.
  SegmentShelf::Turn take(TimeMs now, Child child, int32_t others, SegmentBuffer& segment,
                          bool last);

  // Whether the child may be sent `bytes` of pieces; if so, they count as sent.
  bool admit(TimeMs now, Child child, size_t bytes);
  // Whether pieces may be sent to the child now: all together may have what the site allows, or
  // else kShare of the line; and a burst.
  bool may_send(TimeMs now, int32_t child);

  // When requests that wait for the line may have their turn.
  TimeMs next_due() const { return line_free_at_; }
  void on_timeout(TimeMs now) {
    if (now >= line_free_at_) line_free_at_ = kNever;
  }

 private:
  // As far as the line is concerned.
  SegmentShelf::Turn of_line(TimeMs now, Child child, int32_t others, const SegmentBuffer& segment,
                             bool last);

  PeerLedger& ledger_;
  TimeMs line_free_at_ = kNever;  // when held requests may have their turn
};

}  // namespace hlsmesh

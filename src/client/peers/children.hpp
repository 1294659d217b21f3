#pragma once

#include "client/download/downloads.hpp"
#include "client/download/shelf.hpp"
#include "client/peers/peer_table.hpp"
#include "client/stats.hpp"
#include "client/upload/turns.hpp"

namespace hlsmesh {

// Serves the peers that ask us: what they may have, and whose turn it is.
class Children final : private SegmentShelf {
 public:
  Children(PeerTable& table, PeerLedger& ledger, Downloads& downloads, EngineStats& stats)
      : table_(table), ledger_(ledger), downloads_(downloads), stats_(stats), turns_(ledger) {}

  Turns& turns() { return turns_; }
  const Turns& turns() const { return turns_; }

  // Sends to each what can be sent now; those who were sent no more than their share lately have
  // the first turn.
  void pump(TimeMs now);
  // A child's channel has lost `gone` bytes since its last report.
  void on_writable(TimeMs now, PeerSession& child, size_t gone);
  void on_ended(PeerSession& child);

 private:
  void pump(TimeMs now, PeerSession& child);
  // That are being sent a segment.
  int32_t served(TimeMs now) const;

  SegmentPtr find(TimeMs now, const peer::Fields& request) override;
  bool coming(TimeMs now, const peer::Fields& request) override;
  MediaSequence newest(TimeMs now) override;
  Turn turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) override;

  PeerTable& table_;
  PeerLedger& ledger_;
  Downloads& downloads_;
  EngineStats& stats_;
  Turns turns_;
};

}  // namespace hlsmesh

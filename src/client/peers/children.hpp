#pragma once

#include <list>

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

  // Whether anybody may be given anything: the site and the viewer's connection allow it, and there
  // is something left to give.
  bool serves() const { return may_upload_ && !turns_.budget.over(); }
  bool allowed() const { return may_upload_; }
  void allow(bool allowed) { may_upload_ = allowed; }

  bool line_full() const { return line_full_; }

  void set_live(bool live) { live_ = live; }
  // Whether neighbors hear of the pieces of a segment one after another, as the line carries them,
  // so that what they have lies in one place, and whoever fetches beside us fetches the rest.
  void set_in_order(bool in_order) { in_order_ = in_order; }

  // Sends to each what can be sent now; those who were sent much more than their share lately have
  // the last turn.
  void pump(TimeMs now);
  // Sends neighbors the pieces that they have asked for.
  void send_pieces(TimeMs now);
  // Sends pieces of a segment that have just come to those who wait for them.
  void pass_on(TimeMs now, const SegmentPtr& body);
  PieceOrders::Reaction on_want(TimeMs now, PeerSession& session, peer::Fields&& want) {
    return session.orders.on_want(now, std::move(want), session.link.channel, *this);
  }
  // A child's channel has lost `gone` bytes since its last report.
  void on_writable(TimeMs now, PeerSession& child, size_t gone);
  void on_ended(PeerSession& child);

 private:
  void pump(TimeMs now, PeerSession& child);
  // Tells neighbors which pieces of the body, or of all if it is nullptr, are here, and sends
  // pieces.
  void pump_pieces(TimeMs now, const SegmentPtr& body = {});
  // The children that are being sent a segment.
  int32_t served(TimeMs now) const;

  SegmentPtr find(TimeMs now, const peer::Fields& request) override;
  bool coming(TimeMs now, const peer::Fields& request) override;
  SegmentPtr find_any(TimeMs now, const peer::Fields& want) override;
  bool may_give(const SegmentPtr& body) override;
  bool may_begin(TimeMs now, PeerHandle to, SegmentBuffer& segment) override;
  void note_given(PeerHandle to, SegmentBuffer& segment) override;
  bool admit(TimeMs now, PeerHandle to, SegmentBuffer& segment, size_t bytes) override;
  bool passes_on(PeerHandle neighbor) override { return table_.find(neighbor)->neighbor.passes_on; }
  bool is_live() override { return live_; }
  PieceSet& spread(const SegmentBuffer& body) override { return spread_of(body).sent; }
  PieceSet doubted(TimeMs now, const SegmentBuffer& body) override;
  uint32_t told_before(TimeMs now, const SegmentBuffer& body, PieceSet held) override;
  void add_held(PeerHandle neighbor, const SegmentBuffer& body, PieceSet& held) override;
  bool line_has_room(TimeMs now, PeerHandle to, size_t bytes) override;
  MediaSequence newest(TimeMs now) override;
  Turn turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) override;

  PeerTable& table_;
  PeerLedger& ledger_;
  Downloads& downloads_;
  EngineStats& stats_;
  Turns turns_;
  struct Spread {
    SegmentKey key;
    PieceSet sent{};
    TimeMs told_at = kNever;  // in order, for the first time
  };
  Spread& spread_of(const SegmentBuffer& body);
  std::list<Spread> spreads_;  // of the latest segments
  PeerHandle turn_;            // whoever was sent pieces last
  bool line_full_ = false;     // pieces wait until the line has room for them
  bool line_refused_ = false;  // line_has_room() has said so since pump_pieces() began
  bool may_upload_ = false;
  bool in_order_ = false;
  bool live_ = false;
};

}  // namespace hlsmesh

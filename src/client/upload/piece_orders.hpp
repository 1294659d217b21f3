#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "client/clock.hpp"
#include "client/link/channel.hpp"
#include "client/upload/uploader.hpp"
#include "common/piece_set.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// What one neighbor wants of us (protocol section 5): it hears which pieces we hold of the segments
// that it named, and gets those that it asks for.
class PieceOrders {
 public:
  // Transfers that a neighbor may have open.
  static constexpr size_t kMostOpen = 16;
  // A neighbor that takes nothing for this long while pieces wait for it is gone.
  static constexpr DurationMs kStalled{30'000};

  enum class Reaction { kNews, kNothing, kOffence };
  // kNothing: it changed nothing, or it was answered at once. kOffence: it opens one transfer too
  // many, or one whose number is not new.
  Reaction on_want(TimeMs now, peer::Fields want, Channel& channel, SegmentShelf& shelf);
  void on_cancel(const peer::Fields& cancel);

  // Says what there is to say: pieces that have come, segments that will not. `fresh`: of this
  // body, of which something has just come, and of those that are not there yet; nullptr: of all.
  void tell(TimeMs now, Channel& channel, SegmentShelf& shelf, const SegmentPtr& fresh = {});
  // Sends one message of pieces that were asked for, if one can be sent now. `again`: of pieces
  // that were sent to somebody before. Returns its media bytes.
  size_t send(TimeMs now, Channel& channel, SegmentShelf& shelf, bool again);

  bool empty() const { return orders_.empty(); }
  // Whether pieces were asked for that have not been sent.
  bool busy() const;
  // Whether something is to be sent, or to come.
  bool waits() const;
  // Whether it waits for pieces of this body, or for one that is not there yet.
  bool waits_for(const SegmentPtr& body) const;
  // When there is something to say; kNever: not before something comes.
  TimeMs next_due() const;

 private:
  struct Order {
    peer::Fields want;
    SegmentPtr body;  // nullptr: none of it is here yet
    size_t size = 0;  // of the segment, as the neighbor is told
    PieceSet told;    // what we hold, and it knows of or holds itself
    PieceSet queued;  // what it has asked for
    // Digests that it has asked for, and that were not sent: from this piece's on.
    size_t digests_from = SIZE_MAX;
    bool digests_asked = false;  // they are sent once

    bool owes_digests() const {
      return body != nullptr && body->digests() != nullptr &&
             digests_from < body->digests()->count();
    }
    uint32_t sent = 0;       // pieces, each time that one is sent
    TimeMs tell_at{};        // before, nothing more is told
    bool held_back = false;  // it is told of more once earlier pieces are sent
    TimeMs until{};  // until when we look for the segment, or wait for a word of the neighbor
  };

  // Whether the order is kept, its body found or still looked for; else it must be refused.
  static bool stands(TimeMs now, PeerHandle to, SegmentShelf& shelf, Order& order);
  static void tell(TimeMs now, Channel& channel, SegmentShelf& shelf, Order& order);
  // Sends one message of digests that were asked for, if it can be sent now; 0 else, or its bytes.
  static size_t send_digests(TimeMs now, Channel& channel, SegmentShelf& shelf, Order& order);
  // Of all that was not sent, or of `pieces`.
  static void lack(TimeMs now, Channel& channel, SegmentShelf& shelf, const Order& order,
                   const PieceSet& pieces = {});

  std::list<Order> orders_;
  uint32_t last_transfer_ = 0;
};

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "client/download/neighbor.hpp"
#include "client/download/parent.hpp"
#include "client/link/link.hpp"
#include "client/peers/reach.hpp"
#include "client/token_bucket.hpp"
#include "client/upload/peer_ledger.hpp"
#include "client/upload/piece_orders.hpp"
#include "client/upload/uploader.hpp"

namespace hlsmesh {

// One peer connection, from the moment it is dialled or its offer admitted until it is closed. The
// side that dials is the child and asks; the other is the parent and serves (protocol section 2).
//
//   connecting --channel open--> open --CLOSE, loss, misbehaviour, silence--> ended
//       | 10 s, failure
//       v
//     ended
struct PeerSession {
  // Messages that neither ask nor answer, each counted once and once more for every KB of it. An
  // honest peer says a KEEPALIVE and an ACK in 10 s; one of a later extension may have more to say.
  // REQUESTs are bounded by their answers (Channel::flooded), answers by our REQUESTs.
  static constexpr int64_t kChatterBurst = 128;
  static constexpr DurationMs kChatterInterval{60};

  PeerSession(CommandQueue& commands, PeerHandle peer, const PeerId& remote_id, const PeerId& own,
              size_t queue_bytes)
      : handle(peer), remote(remote_id), own_id(own), link(commands, peer, queue_bytes) {}
  PeerSession(const PeerSession&) = delete;
  PeerSession& operator=(const PeerSession&) = delete;

  const PeerHandle handle;
  const PeerId remote;
  const PeerId own_id;  // our name when it began; a tracker that restarts gives us another
  TimeMs started_at{};
  bool polluted = false;  // it has sent what nobody sends who checks what it passes on
  bool ended = false;     // it leaves the table when the event that ended it is over
  SignalAllowance signals;
  Reach reach;
  TokenBucket chatter{kChatterBurst, kChatterInterval};
  Link link;
  std::optional<Parent> parent;  // we dialled
  Neighbor neighbor{handle, remote, link};
  PieceOrders orders;
  int32_t number = 0;  // in the ledger

  // --- a child: it dialled
  std::optional<Uploader> uploader;
  bool full = false;  // of our packets, so that the channel drains without a pause
  TimeMs asked_at{};  // when it last asked for a segment, or opened
  uint64_t sent_bytes = 0;

  bool open() const { return link.open; }
  // Nothing waits to be sent to it.
  bool served() const { return uploader->idle() && !orders.waits(); }
  bool is_parent() const { return parent.has_value(); }

  // When a child that asks for nothing makes room for others. The longest segments last some 20 s:
  // one that plays and asks us asks several times within this.
  TimeMs mute_at() const { return asked_at + DurationMs(60'000); }

  // `<initiator id>-<other id>`, the same on both sides.
  std::string dc_id() const {
    const PeerId& initiator = is_parent() ? own_id : remote;
    const PeerId& other = is_parent() ? remote : own_id;
    return initiator.text + "-" + other.text;
  }
};

}  // namespace hlsmesh

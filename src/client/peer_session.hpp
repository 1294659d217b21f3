#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/channel.hpp"
#include "client/liveness.hpp"
#include "client/peer_ledger.hpp"
#include "client/requester.hpp"
#include "client/token_bucket.hpp"
#include "client/uploader.hpp"
#include "client/usefulness.hpp"

namespace hlsmesh {

// One peer connection, from the moment it is dialled or its offer admitted until it is closed. The
// side that dials is the child and asks; the other is the parent and serves (protocol section 3).
//
//   connecting --channel open--> open --CLOSE, loss, misbehaviour, silence--> gone
//       | 10 s, failure
//       v
//      gone
struct PeerSession {
  // Messages that neither ask nor answer, each counted once and once more for every KB of it. An
  // honest peer says a KEEPALIVE and an ACK in 10 s; one of a later level may have more to say.
  // REQUESTs are bounded by their answers (Channel::flooded), answers by our REQUESTs.
  static constexpr int64_t kChatterBurst = 128;
  static constexpr DurationMs kChatterInterval{60};

  PeerSession(CommandQueue& commands, PeerHandle peer, PeerId remote_id, PeerId own,
              size_t queue_bytes)
      : handle(peer),
        remote(std::move(remote_id)),
        own_id(std::move(own)),
        channel(commands, peer, queue_bytes) {}

  PeerHandle handle;
  PeerId remote;
  PeerId own_id;  // our name when the connection began; a tracker that restarts gives us another
  TimeMs started_at{};
  TimeMs opened_at{};
  bool open = false;
  bool ended = false;  // it is gone when the event that ended it is over
  bool full = false;   // of our packets, so that the channel drains without a pause
  int32_t level = 0;   // extension level that the peer has shown; 0: version 1
  SignalAllowance signals;
  TokenBucket chatter{kChatterBurst, kChatterInterval};
  Channel channel;
  Liveness liveness;
  Usefulness usefulness;
  std::optional<Requester> requester;    // we dialled: the peer is our parent
  std::optional<Uploader> uploader;      // it dialled: the peer is our child
  int32_t child = 0;                     // its number in the ledger then
  std::optional<MediaSequence> current;  // newest sn in its cache, as it last said
  TimeMs current_at{};
  TimeMs ahead_after{};  // it is not asked before for what the player does not want yet
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;

  bool is_parent() const { return requester.has_value(); }

  // `<initiator id>-<other id>`, the same on both sides.
  std::string dc_id() const {
    const PeerId& initiator = is_parent() ? own_id : remote;
    const PeerId& other = is_parent() ? remote : own_id;
    return initiator.text + "-" + other.text;
  }

  // Whether it is worth asking for `sn`, by what it last said of its cache. It is taken to gain a
  // segment a second since, far more than anyone plays, and to answer for some that it has yet to
  // get.
  bool may_have(TimeMs now, MediaSequence sn) const {
    if (!current) return true;
    constexpr int64_t kAhead = 3;
    const int64_t gained = (now - current_at).count() / 1000;
    return sn.value() <= current->value() + kAhead + gained;
  }
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <optional>

#include "client/link/channel.hpp"
#include "client/link/liveness.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// The data channel of one connection: what we send on it, whether the other side is alive, and what
// it has said of itself.
struct Link {
  Link(CommandQueue& commands, PeerHandle peer, size_t queue_bytes)
      : channel(commands, peer, queue_bytes) {}

  Channel channel;
  Liveness liveness;
  bool open = false;
  TimeMs opened_at{};
  int32_t extension = 0;                 // that the other side has shown; 0: version 1
  std::optional<MediaSequence> current;  // newest sn in its cache, as it last said
  TimeMs current_at{};

  void on_open(TimeMs now, size_t max_message_bytes) {
    open = true;
    opened_at = now;
    channel.open(now, max_message_bytes);
    liveness.start(now);
  }
  void on_current(TimeMs now, std::optional<MediaSequence> said) {
    if (!said) return;
    current = said;
    current_at = now;
  }
  // It has shown that it holds pieces of `sn`.
  void on_held(TimeMs now, MediaSequence sn) {
    if (current && *current < sn) on_current(now, sn);
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

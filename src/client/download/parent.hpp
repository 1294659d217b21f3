#pragma once

#include <cstdint>
#include <utility>

#include "client/download/download.hpp"
#include "client/download/requester.hpp"
#include "client/download/usefulness.hpp"
#include "client/link/link.hpp"

namespace hlsmesh {

// A peer that we ask: a source of segments for as long as its channel is open.
struct Parent final : Source {
  // `remote` and `channel` must outlive it.
  Parent(PeerHandle handle, const PeerId& remote, Link& channel)
      : Source(handle), id(remote), link(channel) {}

  const PeerId& id;
  Link& link;
  Requester requester;
  Usefulness usefulness;
  TimeMs ahead_after{};  // it is not asked before for what the player does not want yet
  uint64_t received_bytes = 0;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>

#include "client/download/download.hpp"
#include "client/download/piece_asks.hpp"
#include "client/download/words.hpp"
#include "client/link/link.hpp"

namespace hlsmesh {

// A peer that exchanges pieces with us, parent or child: a source of the pieces that it holds for
// as long as its channel is open.
struct Neighbor final : Source {
  // `remote` and `channel` must outlive it.
  Neighbor(PeerHandle handle, const PeerId& remote, Link& channel)
      : Source(handle), id(remote), link(channel) {}

  const PeerId& id;
  Link& link;
  bool is_parent = false;  // we may wait for what it is going to have
  bool passes_on = false;  // it has told us of what it holds
  double up = 0;           // its uplink as it says, bytes per millisecond; 0: not known
  double behind_ms = 0;    // it learns of live segments so much later than we; 0: not known
  bool we_lead = false;    // it has told us to fetch first
  TimeMs leads_after{};    // before, it is not named to fetch first for its line
  Words words;
  PieceAsks asks;
  TimeMs ahead_after{};  // before, it is asked for nothing that no load waits for
  uint64_t received_bytes = 0;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/inputs.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// The upload of a peer, and the number of children that it allows.
//
// An announced upload (upBW) counts as it is: limit = upBW / child_kbps, at least 1, or 0 if it is
// 0. A peer that announced none has the default of its device. The rates that its children report
// are a lower bound on its upload: they raise the limit above the default once the peer has shown
// that it can feed more, and never lower it, since children may be few or ask for little. No peer
// gets more children than it announced (slots).

// Processes a child's report, sent at `now`: what it received is divided among its open parents,
// and each parent's upload is measured again.
void account(Peer& child, const tracker_wire::Statistics& report, TimeMs now,
             const TrackerConfig& config);

// Returns the number of children that the peer may have.
int32_t child_limit(const Peer& peer, const TrackerConfig& config);

}  // namespace hlsmesh::tracker

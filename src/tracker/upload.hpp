#pragma once

#include <cstdint>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/peer.hpp"
#include "tracker/tracker.hpp"

namespace hlsmesh::tracker {

// What a peer can upload, and how many children that is good for.
//
// What it announced (upBW) counts as it is: limit = upBW / child_kbps, at least 1, unless it is 0.
// Who announced nothing has the default of its device. What its children report to get from it is
// a lower bound on its upload, and gives it more children than the default once it has shown that
// it can feed them; it never takes children away, since children may be few or ask for little.
// No peer is given more children than it says it takes (slots).

// Takes in a child's report, which it sends at `now`: what it got is shared out among its open
// parents, and each parent's upload is measured anew.
void account(Peer& child, const tracker_wire::Statistics& report, TimeMs now,
             const TrackerConfig& config);

// How many children the peer may have.
int32_t child_limit(const Peer& peer, const TrackerConfig& config);

}  // namespace hlsmesh::tracker

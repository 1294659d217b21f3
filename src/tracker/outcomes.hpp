#pragma once

#include "protocol/tracker_messages.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// The introduction of the two opened. Both are in a room, and linked.
void note_opened(Peer& child, Peer& parent);

// The child itself says that the introduction failed. `answered`: the parent had answered the
// offer, so that it was there. Of a failure for another reason than the way between the two,
// nothing is noted. It counts against the child alone: nobody can make another one hard to reach.
void note_failed(Peer& child, Peer& parent, tracker_wire::EndReason reason, bool answered);

}  // namespace hlsmesh::tracker

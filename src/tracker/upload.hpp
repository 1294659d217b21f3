#pragma once

#include <cstdint>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/inputs.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// The upload of a peer, and the number of children that it allows.
//
// Every peer begins with no more than the default of its device; it gets fewer if it announced less
// (upBW), and none if it announced 0. More must be earned: the peer's own reports and those of its
// children at other addresses must both say that it fed so much. What children report never lowers
// a limit, since they may be few or ask for little. An announced upload may be used up to twice
// what was shown; without one, the limit is what was shown. No peer gets more children than it
// announced (slots), and no phone more than max_children_mobile.

// What a socket may report that its peer loaded: report_kbps on average, and a minute's worth after
// a pause.
class ReportCredit {
 public:
  explicit ReportCredit(TimeMs opened_at);

  // Reduces a report to what the peer can have loaded. Returns true if anything was cut.
  bool bound(tracker_wire::Statistics& report, TimeMs now, const TrackerConfig& config);

 private:
  double kb_ = 0;
  TimeMs at_;
};

// Processes a child's report, sent at `now`: what it received is divided among its open parents,
// and each parent's upload is measured again.
void account(Peer& child, const tracker_wire::Statistics& report, TimeMs now,
             const TrackerConfig& config);

// Sets the number of children that the peer may have.
void set_child_limit(Peer& peer, TimeMs now, const TrackerConfig& config);

}  // namespace hlsmesh::tracker

#pragma once

#include <string>
#include <vector>

#include "common/ids.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::tracker {

// A connected peer whose channel another engine runs, with all that is needed to enter it again if
// that engine is lost.
struct Elsewhere {
  // Its `enter`, without the token. The fields `parents` and `children` count those whose ids are
  // not known here.
  tracker_wire::Enter enter;
  // The ids of those to whom it is connected, as far as the peer's own messages tell.
  std::vector<PeerId> parents;
  std::vector<PeerId> children;

  // `self` is the peer's id.
  void note(const PeerId& self, const tracker_wire::PeerMessage& message);
  // The engine that runs the channel has told the peer to end its connection to `other`, which the
  // peer need not report.
  void parted(const PeerId& other);
  // Returns the `enter` of a peer that comes back with the connections that it has.
  tracker_wire::Enter resumed() const;

 private:
  void ended(const PeerId& self, const std::string& dc_id);
};

}  // namespace hlsmesh::tracker

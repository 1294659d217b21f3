#pragma once

#include <string>
#include <vector>

#include "common/ids.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::tracker {

// What is known here of a peer whose channel another engine runs: enough to enter it anew, should
// that engine be lost.
struct Elsewhere {
  // What it entered with, without its token. `parents` and `children` count those that have no name
  // here.
  tracker_wire::Enter enter;
  // By name those whose connections stand, as far as the peer's own messages tell.
  std::vector<PeerId> parents;
  std::vector<PeerId> children;

  // `self` is the peer's id.
  void note(const PeerId& self, const tracker_wire::PeerMessage& message);
  // The `enter` of a peer that comes back with the connections it has.
  tracker_wire::Enter resumed() const;

 private:
  void ended(const PeerId& self, const std::string& dc_id);
};

}  // namespace hlsmesh::tracker

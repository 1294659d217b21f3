#pragma once

#include "client/command_queue.hpp"
#include "client/inputs.hpp"
#include "client/peers/peers.hpp"
#include "client/token_bucket.hpp"
#include "client/tracker/tracker_session.hpp"

namespace hlsmesh {

// How connections begin: whom the tracker names is dialled, who offers is answered, or either is
// told at once that it is not.
class Dialling {
 public:
  Dialling(CommandQueue& commands, TrackerSession& tracker, Peers& peers,
           const EngineLimits& limits);

  // What the tracker says of other peers; not before its `accept`.
  void on_message(TimeMs now, const tracker_wire::TrackerFields& message);
  // The browser made no connection: none is asked of it for a while.
  void on_connection_refused(TimeMs now);
  // Another device plays, and gets its bytes elsewhere: no connection is made meanwhile.
  void set_remote(bool remote) { remote_ = remote; }

 private:
  void on_connect(TimeMs now, const PeerId& to);
  void on_signal(TimeMs now, const tracker_wire::TrackerFields& signal);
  // Answers an offer that is not taken, so that whoever made it need not wait.
  void refuse(TimeMs now, const PeerId& id);
  // Whether no connection is to be made now, in either role.
  bool paused(TimeMs now) const {
    return now < from_ || remote_ || tracker_.viewers() < limits_.min_viewers;
  }

  CommandQueue& commands_;
  TrackerSession& tracker_;
  Peers& peers_;
  const EngineLimits& limits_;
  TokenBucket dials_;
  TokenBucket answers_;
  TimeMs from_{};  // no connection is made before
  bool remote_ = false;
};

}  // namespace hlsmesh

#pragma once

#include <string_view>

#include "client/commands.hpp"

namespace hlsmesh {

// What is seen of a connection on its way, and what that tells if it never opens.
class Reach {
 public:
  void on_own_signal(std::string_view json) {
    // An address that a STUN or TURN server told, as the candidates of both spell it.
    for (const std::string_view kind : {"typ srflx", "typ relay"}) {
      mapped_ = mapped_ || json.find(kind) != std::string_view::npos;
    }
  }
  void on_their_signal() { answered_ = true; }
  // ICE has begun to try pairs of addresses.
  void on_checking() { checked_ = true; }

  // Why a connection that never opened ended by `end`. `local_denied`: the browser would have to be
  // allowed to use the local network; it then tries nothing, and says nothing.
  PeerEnd why(PeerEnd end, bool local_denied) const {
    if (end != PeerEnd::kFailed && end != PeerEnd::kTimedOut) return end;
    if (!answered_) return end == PeerEnd::kFailed ? PeerEnd::kNoWebrtc : PeerEnd::kNoAnswer;
    if (!checked_ && local_denied) return PeerEnd::kNoPermission;
    return mapped_ ? PeerEnd::kNoRoute : PeerEnd::kNoUdp;
  }

 private:
  bool mapped_ = false;
  bool answered_ = false;
  bool checked_ = false;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh {

// The commands for the driver. Their order is significant.
enum class TrackerCommandKind : int32_t {
  kNone = 0,
  kSend = 1,   // conn, text
  kPing = 2,   // conn: a WebSocket ping frame
  kClose = 3,  // conn, code: WebSocket close code, text: reason; no on_closed is due for it
  // conn, code: number of the request, text: the channel, a line feed, and the token, which may be
  // empty. on_authorized() answers; a later request of the same conn replaces this one.
  kAuthorize = 4,
  // conn, text: a message for the engine that runs the peer's channel (on_elsewhere()).
  kForward = 5,
  // text: the name of a query parameter that is the only difference between channels. It either
  // selects another video, or separates viewers of the same one. Sent once for such channels.
  kSplit = 6,
};

// Views stay valid until the next call of a method of the tracker that is not const.
struct TrackerCommand {
  TrackerCommandKind kind = TrackerCommandKind::kNone;
  ConnId conn;
  int32_t code = 0;
  std::string_view text;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh {

// What the driver must do. The order of commands is significant.
enum class TrackerCommandKind : int32_t {
  kNone = 0,
  kSend = 1,   // conn, text
  kPing = 2,   // conn: a WebSocket ping frame
  kClose = 3,  // conn, code: WebSocket close code, text: reason; no on_closed is due for it
  // conn, code: number of the request, text: the channel, a line feed, and the token, which may be
  // empty. on_authorized() answers; a later request of the same conn has taken the place of this.
  kAuthorize = 4,
  // conn, text: what the engine that runs the peer's channel must hear of it (on_elsewhere()).
  kForward = 5,
  // text: the name of a query parameter in which alone channels differ. Either it selects another
  // video, or it parts viewers of one. Said once of such channels.
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

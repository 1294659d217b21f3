#pragma once

#include <cstdint>
#include <string_view>

#include "common/bytes.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// What the driver must do. The order of commands is significant; each is to be carried out before
// the next.
enum class CommandKind : int32_t {
  kNone = 0,
  // Tracker socket.
  // Open the WebSocket to tracker number `code`, the preferred one being 0, and get the token that
  // the site wants us to enter with; answer with on_socket_open when both are there, or with
  // on_socket_closed.
  kSocketOpen = 1,
  kSocketSend = 2,   // text
  kSocketClose = 3,  // close it; no on_socket_closed is due for it
  // Peer connections; `peer` names them.
  kPeerDial = 4,    // create a connection and its one ordered, reliable data channel; make an offer
  kPeerAnswer = 5,  // create a connection that waits for the other side's offer and channel
  kPeerSignal = 6,  // text: JSON of a description or candidate from the other side
  kPeerClose = 7,   // close channel and connection; nothing more may be reported about this peer
  kChannelSendText = 8,    // text
  kChannelSendBinary = 9,  // one message: the bytes of `text`, then data
  // Player's loads; `load` names them.
  // Fetch the segment of `load` from the CDN; `code` names the fetch. The driver answers with
  // on_fetch_done or on_fetch_failed, and may hand in the body before, as it comes. A load that is
  // aborted, or answered by kLoadDone, takes its fetches with it.
  // t0, t1: both 0, and it is fetched exactly as the player would have, and answers the load.
  // Otherwise only the segment's bytes from t0 to t1, exclusive and 0 for its end, are wanted, and
  // the player hears nothing of it: kLoadDone or a further kFetch answers the load. Only for loads
  // with SegmentLoad::streams. A negative `code` is a check of what peers gave: it may also be
  // about the load that has just ended, and goes on when its load ends.
  kFetch = 10,
  // code: bytes arrived so far; aux: size in all. At the first byte, then at most once in 50 ms.
  kLoadProgress = 11,
  // data: the segment; code: kPeer; t0, t1: first byte and end of its transfer, which may lie in
  // the past. A peer is one source on the viewer's line, and the player is to know of the line: a
  // transfer counts as no longer than the CDN would have taken for its body. Not issued for a load
  // that went to the CDN: the driver has those bytes already.
  kLoadDone = 12,
  // Word for the page.
  kEvent = 13,  // code: EventCode; peer, load, text where the code says so
  // Call list_segment for each segment of the playlist that the player follows in the track of kind
  // `code`, in its order, of which a part lies between t0 and t1, in seconds of the timeline. They
  // replace what was listed before.
  kListSegments = 14,
  // The token runs out: get a fresh one and report it with on_socket_open. Asked again later if
  // that does not happen.
  kRenewToken = 15,
  // Get the digests of the segments of the rendition of kind `code` and number `aux`; answer with
  // on_digests or on_no_digests.
  kFetchDigests = 16,
};

// bufferedAmountLowThreshold that the driver gives each data channel: what an urgent message waits
// behind, at most, and enough for the time until the engine has heard of it.
inline constexpr uint32_t kLowWaterBytes = 16 * 1024;

enum class LoadSource : int32_t { kPeer = 1, kCdn = 2 };

enum class EventCode : int32_t {
  kTrackerConnected = 1,     // text: own peer id
  kTrackerDisconnected = 2,  // aux: milliseconds until the next attempt
  kTrackerRejected = 3,      // text: the tracker's reason; aux: milliseconds until the next attempt
  kPeerOpened = 4,           // peer; text: its id
  kPeerClosed = 5,           // peer; text: its id; aux: PeerEnd
  kSegmentCached = 6,        // a segment became complete; text: url; code in aux: LoadSource
  kFallback = 7,        // load; aux: FallbackReason: a transfer from a peer ended in a CDN fetch
  kPeerMisbehaved = 8,  // peer; text: what it did
  // No connection to a peer opened within a minute of the tracker's `accept`; aux: how many were
  // begun. At most once.
  kAlone = 9,
  // The player loads low-latency parts, which are not shared: no tracker and no peer is connected.
  kPartsOnly = 10,
  // The CDN gave other bytes than the publisher's digests are of; text: url. They are played, and
  // not shared.
  kUnlikeDigest = 11,
};

enum class PeerEnd : int32_t {
  kClosedByPeer = 0,
  kClosedByUs = 1,
  kFailed = 2,
  kTimedOut = 3,
  kMisbehaved = 4,
  kDisconnectedByTracker = 5,
  kRefused = 6,  // it turned our offer down
  kUseless = 7,  // a parent that gave nothing, a child that asked for nothing
  // It never opened, and as far as signals tell because:
  kNoAnswer = 8,      // the other side has not answered
  kNoPermission = 9,  // the browser has not been allowed to use the local network
  kNoUdp = 10,        // no STUN or TURN server told us our address
  kNoRoute = 11,      // both sides have addresses, and none reaches the other
  kNoWebrtc = 12,     // the browser makes no connection: a policy, or too many exist
};

enum class FallbackReason : int32_t {
  kLack = 1,
  kTimeout = 2,
  kWrongSegment = 3,
  kPeerLost = 4,
  kProtocol = 5,
  kNoMemory = 6
};

// One instruction. Views stay valid until the next call of any method of the engine that is not
// const.
struct Command {
  CommandKind kind = CommandKind::kNone;
  PeerHandle peer;
  LoadId load;
  int32_t code = 0;
  double aux = 0;
  double t0 = 0;  // milliseconds on the engine's clock
  double t1 = 0;
  std::string_view text;
  ByteView data;
};

}  // namespace hlsmesh

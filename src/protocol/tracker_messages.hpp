#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/ids.hpp"

namespace hlsmesh::tracker_wire {

// Messages of the WebSocket between a peer and its tracker (protocol section 3). Either end may be
// hostile, so only parsed messages are acted on. A message that exceeds one of these limits is
// malformed.
inline constexpr size_t kMaxTextBytes =
    64 * 1024;  // an SDP offer with many candidates stays under 20 KiB
inline constexpr size_t kMaxChannelBytes = 2048;              // `channel`
inline constexpr size_t kMaxIdBytes = 128;                    // peer ids
inline constexpr size_t kMaxDcIdBytes = 2 * kMaxIdBytes + 1;  // two ids and a dash
inline constexpr size_t kMaxFieldBytes = 256;                 // `browser`, `os`, `reason` …
inline constexpr size_t kMaxTokenBytes = 4096;                // `token`
inline constexpr size_t kMaxDepth = 16;                       // nesting, `data` objects included

// `data` as a JSON string, quotes and escapes included. An accepted signal must still fit into a
// message when it is relayed as a string; this leaves space for the longest id with all characters
// escaped.
inline constexpr size_t kMaxDataBytes = 62 * 1024;

// `cdn`, `p2p`, `up`. A report covers seconds, so a terabyte in one is a lie, which would drown the
// channel's totals.
inline constexpr double kMaxReportKb = 1e9;

// `played`, `stalled`, `stalls`, `first`: seconds, and their number. No report covers 30 years.
inline constexpr double kMaxPlayback = 1e9;

// `level`. hls.js counts from 0 and has -1 before it has chosen; some clients report a bitrate
// instead.
inline constexpr double kMinLevel = -1;
inline constexpr double kMaxLevel = 1e9;

// The extension that this build speaks on the WebSocket (protocol section 4), and the first one
// whose speakers answer `ping`.
inline constexpr int32_t kExtension = 2;
inline constexpr int32_t kPingExtension = 2;

enum class Device { kPc, kMobile };  // "PC", "mobile"; any other value means PC

// The `data` of a `signal`: the JSON text of a description or a candidate. It is a JSON string on
// the wire and is kept as one, so that a tracker relays it character by character.
class SignalData {
 public:
  SignalData() = default;  // none
  explicit SignalData(std::string_view text);
  // `literal` is a well-formed JSON string with its quotes.
  static SignalData from_literal(std::string_view literal);

  std::string text() const;
  const std::string& literal() const { return literal_; }

 private:
  std::string literal_;
};

// ---- peer → tracker

struct Enter {
  std::string channel;
  std::string browser;  // empty if absent: clients that come back do not repeat it
  Device device = Device::kPc;
  std::string os;
  // The fields of extension 1, which a version-1 tracker ignores.
  std::optional<int32_t> hlsmesh;   // the peer's extension
  std::optional<bool> live;         // as the peer's playlist says, if it knows
  std::optional<int32_t> parents;   // parents it still has from before it lost its tracker
  std::optional<int32_t> children;  // children that it still has from before
  std::optional<int32_t> up_bw;     // `upBW`: upload that it may be asked for, kbit/s
  std::optional<int32_t> wants;     // the number of parents that it asks for
  std::optional<int32_t> slots;     // the most children that it takes
  std::optional<bool> idle;         // it has been paused for a while and gains no segments
  // Set if its site compares viewers with and without peers: true if this one is without.
  std::optional<bool> control{};
  std::optional<int32_t> quorum{};  // viewers in the channel before it may be introduced
  std::string token{};              // admits it, if the tracker requires one; may be empty
};

struct Leave {};

struct SignalTo {
  PeerId to_peer_id;
  SignalData data;  // received as a string or as an object
};

struct DcOpened {
  std::string dc_id;
};
// Why a connection ended, if that affects when the two should be introduced again: the field
// `reason` (extension 1) of dc_closed and dc_failed. An unknown word means kNone.
enum class EndReason {
  kNone,
  kRefused,     // "refused": the other side refused the offer, or the reporter the `connect`
  kUseless,     // "useless": the connection was open, but nobody used it
  kSilent,      // "silent": the other side did not answer in time
  kMisbehaved,  // "misbehaved": it broke the protocol, or sent other bytes
  // Of connections that never opened, as far as the reporter can tell.
  kPermission,  // "permission": the browser has not been allowed to use the local network
  kUdp,         // "udp": no STUN or TURN server told the reporter its address
  kNat,         // "nat": both sides have addresses, and none reaches the other
  kPolicy,      // "policy": the browser makes no connection
  // Of an open one: "polluted": it sent a piece that has not the digest which it had found it to
  // have. Said only to a tracker that counts such reports (Accept::agree).
  kPolluted,
};
inline constexpr size_t kEndReasonCount = 10;

struct DcClosed {
  std::string dc_id;
  EndReason reason = EndReason::kNone;
};
struct DcFailed {
  std::string dc_id;
  EndReason reason = EndReason::kNone;
};

struct Statistics {
  double level = 0;  // accepted as a number or as a numeric string
  double cdn_kb = 0;
  double p2p_kb = 0;
  std::optional<double> up_kb;  // extension 1, `up`: KB uploaded since the last report
  std::optional<bool> idle{};   // extension 1: as in `enter`
  // Extension 1, what its player did since the last report: seconds that it played or wanted to,
  // how many of them it stalled, and how often.
  std::optional<double> played{};
  std::optional<double> stalled{};
  std::optional<double> stalls{};
  std::optional<double> first_frame{};  // seconds from the source to its first frame; told once
  // Extension 1, of a shadow, since the last report: loads; those that would have asked the CDN for
  // something; and those for which peers brought other bytes than the CDN. Then `cdn` and `p2p` are
  // what would have come from either.
  std::optional<double> loads{};
  std::optional<double> missed{};
  std::optional<double> wrong{};

  // What the player had of either: a shadow's has all from the CDN.
  double played_cdn_kb() const { return loads ? cdn_kb + p2p_kb : cdn_kb; }
  double played_p2p_kb() const { return loads ? 0 : p2p_kb; }
};

// Asks for a Pong. Extension 2.
struct Ping {};

struct UnknownAction {
  std::string action;
};

using PeerMessage = std::variant<Enter, Leave, SignalTo, DcOpened, DcClosed, DcFailed, Statistics,
                                 Ping, UnknownAction>;

// ---- tracker → peer

struct Accept {
  bool live = true;
  PeerId peer_id;
  std::optional<int32_t> hlsmesh;   // the tracker's extension
  std::optional<int32_t> token_ms;  // the time for which the token admits; absent: no limit
  std::string reason{};             // why the peer is introduced to nobody; empty: it may be
  // The independent addresses whose word it takes for true; absent: nobody's.
  std::optional<int32_t> agree{};
};

struct Connect {
  PeerId to_peer_id;
};

struct SignalFrom {
  PeerId from_peer_id;
  SignalData data;
};

struct Reject {
  std::string reason;  // may be empty
};

struct Disconnect {
  PeerId peer_id;  // `to_peer_id`, or `peer_id` if that is missing
};

struct Pong {
  // Sent unasked: so many viewers, the receiver's quorum, are in the channel.
  std::optional<int32_t> viewers{};
};

using TrackerMessage =
    std::variant<Accept, Connect, SignalFrom, Reject, Disconnect, Pong, UnknownAction>;

enum class ParseError {
  kTooLong,
  kNotJson,
  kTooDeep,
  kNotAnObject,
  kNoAction,
  kMissingField,
  kWrongType,
  kOutOfRange,
};
const char* to_string(ParseError error);

using PeerParseResult = std::variant<PeerMessage, ParseError>;
using TrackerParseResult = std::variant<TrackerMessage, ParseError>;

// They never throw and never read past `text`. Unknown fields are ignored. Clients of 2018 add
// `channel` and `peer_id` to every message; these are read only in the messages that have them.
PeerParseResult parse_from_peer(std::string_view text);
TrackerParseResult parse_from_tracker(std::string_view text);

std::string serialize(const PeerMessage& message);
std::string serialize(const TrackerMessage& message);
// One function for each message that a viewer's engine sends: a std::variant of all of them would
// be more to download.
std::string serialize(const Enter& message);
std::string serialize(const Leave& message);
std::string serialize(const SignalTo& message);
std::string serialize(const DcOpened& message);
std::string serialize(const DcClosed& message);
std::string serialize(const DcFailed& message);
std::string serialize(const Statistics& message);
std::string serialize(const Ping& message);

std::string to_string(const PeerMessage& message);
std::string to_string(const TrackerMessage& message);

// In the order of TrackerMessage.
enum class TrackerAction : uint8_t {
  kAccept,
  kConnect,
  kSignal,
  kReject,
  kDisconnect,
  kPong,
  kUnknown,
};

// A tracker's message of any kind, with the fields of all kinds; a field that the kind does not
// have is empty. A viewer's engine reads this form, for the same reason.
struct TrackerFields {
  TrackerAction action = TrackerAction::kUnknown;
  bool live = false;
  PeerId peer_id{};  // kAccept: the receiver's; else the other peer's
  std::optional<int32_t> hlsmesh{};
  std::optional<int32_t> token_ms{};
  std::optional<int32_t> viewers{};
  std::optional<int32_t> agree{};
  std::string reason{};  // of kUnknown: the name of the action
  SignalData data{};
};
// As parse_from_tracker(), into `fields`, which must be newly made. Returns nullopt on success.
std::optional<ParseError> read_from_tracker(std::string_view text, TrackerFields& fields);

// The kind of a signal's `data`. Only an offer may open a connection, and a refusal ends one that
// has not opened.
enum class SignalKind { kOffer, kAnswer, kCandidate, kRefusal, kOther };
SignalKind classify_signal(std::string_view data);

// The `data` that refuses an offer. A peer of version 1 finds neither `type` nor `candidate` in it.
inline constexpr std::string_view kRefusal = R"({"refused":true})";

}  // namespace hlsmesh::tracker_wire

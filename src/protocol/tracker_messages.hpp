#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/ids.hpp"

namespace hlsmesh::tracker_wire {

// Messages of the WebSocket between a peer and its tracker (protocol section 3). Both ends are
// hostile to each other until parsed. Limits on what is accepted; beyond one of them a message is
// malformed.
inline constexpr size_t kMaxTextBytes =
    64 * 1024;  // an SDP offer with many candidates stays under 20 KiB
inline constexpr size_t kMaxChannelBytes = 2048;              // `channel`
inline constexpr size_t kMaxIdBytes = 128;                    // peer ids
inline constexpr size_t kMaxDcIdBytes = 2 * kMaxIdBytes + 1;  // two ids and a dash
inline constexpr size_t kMaxFieldBytes = 256;                 // `browser`, `os`, `reason` …
inline constexpr size_t kMaxTokenBytes = 4096;                // `token`
inline constexpr size_t kMaxDepth = 16;                       // nesting, `data` objects included

// `data` as a JSON string, quotes and escapes included. What is admitted must still fit in a
// message when it is relayed as a string: this leaves room for the longest id, all escaped.
inline constexpr size_t kMaxDataBytes = 62 * 1024;

// `cdn`, `p2p`, `up`: a report spans seconds, and a terabyte in one is a lie that would drown the
// channel's totals.
inline constexpr double kMaxReportKb = 1e9;

// `level`: hls.js counts from 0 and says -1 before it has chosen; some report a bitrate instead.
inline constexpr double kMinLevel = -1;
inline constexpr double kMaxLevel = 1e9;

// The extension that this build speaks on the WebSocket (protocol section 4), and the first one
// whose speakers answer `ping`.
inline constexpr int32_t kExtensionLevel = 2;
inline constexpr int32_t kPingLevel = 2;

enum class Device { kPc, kMobile };  // "PC", "mobile"; anything else reads as PC

// What a `signal` carries: the JSON text of a description or a candidate. It stands on the wire as
// a JSON string and is kept as that, so that a tracker passes on what came, character by character.
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
  std::string browser;  // empty when absent: clients that come back do not repeat it
  Device device = Device::kPc;
  std::string os;
  // Extension fields; a version-1 tracker ignores them.
  std::optional<int32_t> hlsmesh;   // extension level
  std::optional<bool> live;         // what the peer's playlist says, where it knows
  std::optional<int32_t> parents;   // parents it still has from before it lost its tracker
  std::optional<int32_t> children;  // children, likewise
  std::optional<int32_t> up_bw;     // `upBW`: upload bandwidth in kbit/s that it may be asked for
  std::optional<int32_t> wants;     // parents in all that it asks for, in place of the usual number
  std::optional<int32_t> slots;     // children in all that it takes
  std::optional<bool> idle;         // it has been paused for a while, and gains no segments
  std::string token{};              // what admits it, where the tracker asks; empty when absent
};

struct Leave {};

struct SignalTo {
  PeerId to_peer_id;
  SignalData data;  // whether it came as a string or as an object
};

struct DcOpened {
  std::string dc_id;
};
// Why a connection ended, where that bears on when the two should meet again. Extension `reason` of
// dc_closed and dc_failed; a word that this build does not know reads as kNone.
enum class EndReason {
  kNone,
  kRefused,     // "refused": the other side turned the offer down, or the reporter the `connect`
  kUseless,     // "useless": nothing came of the connection, though it stood
  kSilent,      // "silent": the other side did not answer, or too slowly
  kMisbehaved,  // "misbehaved": it broke the protocol, or its bytes were not the segment's
};

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
  std::optional<double> up_kb;  // extension `up`: KB uploaded since the last report
  std::optional<bool> idle{};   // extension: as in `enter`
};

// Asks for a Pong. Level 2.
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
  std::optional<int32_t> hlsmesh;   // extension level of the tracker
  std::optional<int32_t> token_ms;  // for how long the token admits; absent: for ever
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
  PeerId peer_id;  // seen as `to_peer_id` and as `peer_id`; both are read
};

struct Pong {};

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

// Never throw, never read past `text`; unknown fields are ignored; `channel` and `peer_id` fields
// that old clients add to every message are read only where the table has them.
PeerParseResult parse_from_peer(std::string_view text);
TrackerParseResult parse_from_tracker(std::string_view text);

std::string serialize(const PeerMessage& message);
std::string serialize(const TrackerMessage& message);
// One type each, for a viewer's engine: all of a std::variant's types are more to download.
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

// A tracker's message of any kind, with the fields of all kinds: the form in which a viewer's
// engine reads it, for the same reason. What a kind does not have is empty.
struct TrackerFields {
  TrackerAction action = TrackerAction::kUnknown;
  bool live = false;
  PeerId peer_id{};  // kAccept: the receiver's; else the other peer's
  std::optional<int32_t> hlsmesh{};
  std::optional<int32_t> token_ms{};
  std::string reason{};  // of kUnknown: the name of the action
  SignalData data{};
};
// As parse_from_tracker(): nullopt when `fields`, which must be as new, holds the message now.
std::optional<ParseError> read_from_tracker(std::string_view text, TrackerFields& fields);

// What a signal's `data` holds, as far as an engine must know to admit it: only an offer may open a
// connection, and a refusal ends one that has not opened.
enum class SignalKind { kOffer, kAnswer, kCandidate, kRefusal, kOther };
SignalKind classify_signal(std::string_view data);

// The `data` that turns an offer down. A peer of version 1 finds neither `type` nor `candidate` in
// it.
inline constexpr std::string_view kRefusal = R"({"refused":true})";

}  // namespace hlsmesh::tracker_wire

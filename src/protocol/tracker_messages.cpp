#include "protocol/tracker_messages.hpp"

#include <array>
#include <utility>

#include "protocol/json_reader.hpp"
#include "protocol/json_writer.hpp"

namespace hlsmesh::tracker_wire {
namespace {

using json::Fault;
using json::FieldReader;
using json::Kind;

static_assert(static_cast<int>(ParseError::kTooLong) == static_cast<int>(Fault::kTooLong));
static_assert(static_cast<int>(ParseError::kNoAction) == static_cast<int>(Fault::kNoName));
static_assert(static_cast<int>(ParseError::kOutOfRange) == static_cast<int>(Fault::kOutOfRange));

enum FieldIndex : size_t {
  kAction,
  kPeerId,
  kToPeerId,
  kFromPeerId,
  kData,
  kHlsmesh,
  kLive,
  kReason,
  kTokenMs,
  kViewers,
  kAgree,
  kTrackerFieldCount,  // a tracker sends none of the others
  kChannel = kTrackerFieldCount,
  kBrowser,
  kDevice,
  kOs,
  kParents,
  kChildren,
  kUpBw,
  kDcId,
  kLevel,
  kCdn,
  kP2p,
  kUp,
  kToken,
  kWants,
  kSlots,
  kIdle,
  kControl,
  kQuorum,
  kPlayed,
  kStalled,
  kStalls,
  kFirst,
  kLoads,
  kMissed,
  kWrong,
  kFieldCount,
};

constexpr std::string_view kFieldNames[kFieldCount] = {
    "action",   "peer_id", "to_peer_id", "from_peer_id", "data",    "hlsmesh", "live",    "reason",
    "token_ms", "viewers", "agree",      "channel",      "browser", "device",  "os",      "parents",
    "children", "upBW",    "dc_id",      "level",        "cdn",     "p2p",     "up",      "token",
    "wants",    "slots",   "idle",       "control",      "quorum",  "played",  "stalled", "stalls",
    "first",    "loads",   "missed",     "wrong"};

// An object stands for its own JSON text. An end-of-candidates mark becomes null.
SignalData read_data(FieldReader& fields) {
  const json::Field& data = fields.field(kData);
  const bool stands = data.kind == Kind::kObject || data.kind == Kind::kNull;
  if (!stands) fields.expect(kData, Kind::kString);
  SignalData signal = stands ? SignalData(data.raw) : SignalData::from_literal(data.raw);
  if (signal.literal().size() > kMaxDataBytes) fields.fail(Fault::kOutOfRange);
  return signal;
}

std::optional<bool> read_flag(FieldReader& fields, FieldIndex index) {
  return fields.has(index) ? std::optional(fields.boolean(index)) : std::nullopt;
}

std::optional<double> read_playback(FieldReader& fields, FieldIndex index) {
  return fields.has(index) ? std::optional(fields.number(index, 0, kMaxPlayback)) : std::nullopt;
}

// By EndReason.
constexpr std::string_view kEndReasons[kEndReasonCount] = {
    "",           "refused", "useless", "silent", "misbehaved",
    "permission", "udp",     "nat",     "policy", "polluted"};

template <class Message>
Message read_end(FieldReader& fields) {
  Message message;
  message.dc_id = fields.text(kDcId, 1, kMaxDcIdBytes);
  const std::string reason = fields.text_or_none(kReason, kMaxFieldBytes);
  const size_t index = json::index_of(kEndReasons, reason);
  if (index < std::size(kEndReasons)) message.reason = static_cast<EndReason>(index);
  return message;
}

Enter read_enter(FieldReader& fields) {
  Enter message;
  message.channel = fields.text(kChannel, 1, kMaxChannelBytes);
  message.browser = fields.text_or_none(kBrowser, kMaxFieldBytes);
  if (fields.field(kDevice).is_string("mobile")) message.device = Device::kMobile;
  message.os = fields.text_or_none(kOs, kMaxFieldBytes);
  message.hlsmesh = fields.optional_int32(kHlsmesh, 0);
  if (fields.has(kLive)) message.live = fields.boolean(kLive);
  message.parents = fields.optional_int32(kParents, 0);
  message.children = fields.optional_int32(kChildren, 0);
  message.up_bw = fields.optional_int32(kUpBw, 0);
  message.wants = fields.optional_int32(kWants, 1);
  message.slots = fields.optional_int32(kSlots, 0);
  message.idle = read_flag(fields, kIdle);
  message.control = read_flag(fields, kControl);
  message.quorum = fields.optional_int32(kQuorum, 1);
  message.token = fields.text_or_none(kToken, kMaxTokenBytes);
  return message;
}

Statistics read_statistics(FieldReader& fields) {
  Statistics message;
  message.level = fields.number_or_text(kLevel, kMinLevel, kMaxLevel);
  message.cdn_kb = fields.number(kCdn, 0, kMaxReportKb);
  message.p2p_kb = fields.number(kP2p, 0, kMaxReportKb);
  if (fields.has(kUp)) message.up_kb = fields.number(kUp, 0, kMaxReportKb);
  message.idle = read_flag(fields, kIdle);
  message.played = read_playback(fields, kPlayed);
  message.stalled = read_playback(fields, kStalled);
  message.stalls = read_playback(fields, kStalls);
  message.first_frame = read_playback(fields, kFirst);
  message.loads = read_playback(fields, kLoads);
  message.missed = read_playback(fields, kMissed);
  message.wrong = read_playback(fields, kWrong);
  return message;
}

PeerMessage read_from_peer(const std::string& action, FieldReader& fields) {
  if (action == "enter") return read_enter(fields);
  if (action == "leave") return Leave{};
  if (action == "signal") return SignalTo{fields.id(kToPeerId, kMaxIdBytes), read_data(fields)};
  if (action == "dc_opened") return DcOpened{fields.text(kDcId, 1, kMaxDcIdBytes)};
  if (action == "dc_closed") return read_end<DcClosed>(fields);
  if (action == "dc_failed") return read_end<DcFailed>(fields);
  if (action == "statistics") return read_statistics(fields);
  if (action == "ping") return Ping{};
  return UnknownAction{action};
}

// By TrackerAction, as far as it is known.
constexpr std::string_view kTrackerActions[] = {"accept", "connect",    "signal",
                                                "reject", "disconnect", "pong"};

void read_fields(FieldReader& fields, TrackerFields& out) {
  switch (out.action) {
    case TrackerAction::kAccept:
      out.live = fields.boolean(kLive);
      out.peer_id = fields.id(kPeerId, kMaxIdBytes);
      out.hlsmesh = fields.optional_int32(kHlsmesh, 0);
      out.token_ms = fields.optional_int32(kTokenMs, 0);
      out.reason = fields.text_or_none(kReason, kMaxFieldBytes);
      out.agree = fields.optional_int32(kAgree, 1);
      break;
    case TrackerAction::kPong:
      out.viewers = fields.optional_int32(kViewers, 1);
      break;
    case TrackerAction::kConnect:
      out.peer_id = fields.id(kToPeerId, kMaxIdBytes);
      break;
    case TrackerAction::kSignal:
      out.peer_id = fields.id(kFromPeerId, kMaxIdBytes);
      out.data = read_data(fields);
      break;
    case TrackerAction::kReject:
      out.reason = fields.text_or_none(kReason, kMaxFieldBytes);
      break;
    case TrackerAction::kDisconnect:
      // `peer_id` may be the receiver's own, as in any message; it counts only if the other field
      // is missing.
      out.peer_id = fields.id(fields.has(kToPeerId) ? kToPeerId : kPeerId, kMaxIdBytes);
      break;
    default:
      break;
  }
}

TrackerMessage message_of(TrackerFields fields) {
  switch (fields.action) {
    case TrackerAction::kAccept:
      return Accept{fields.live,     std::move(fields.peer_id), fields.hlsmesh,
                    fields.token_ms, std::move(fields.reason),  fields.agree};
    case TrackerAction::kConnect:
      return Connect{std::move(fields.peer_id)};
    case TrackerAction::kSignal:
      return SignalFrom{std::move(fields.peer_id), std::move(fields.data)};
    case TrackerAction::kReject:
      return Reject{std::move(fields.reason)};
    case TrackerAction::kDisconnect:
      return Disconnect{std::move(fields.peer_id)};
    case TrackerAction::kPong:
      return Pong{fields.viewers};
    case TrackerAction::kUnknown:
      break;
  }
  return UnknownAction{std::move(fields.reason)};
}

// A viewer's engine has the names that it reads alone, and not those of a tracker's.
template <size_t count>
constexpr std::array<std::string_view, count> first_names() {
  std::array<std::string_view, count> names;
  for (size_t i = 0; i < count; ++i) names[i] = kFieldNames[i];
  return names;
}

// Both directions share everything but the table of actions. `read_message(action, fields)` reads
// the other fields, of which only the first `count` may occur.
template <size_t count, class ReadMessage>
std::optional<ParseError> read(std::string_view text, ReadMessage read_message) {
  if (text.size() > kMaxTextBytes) return ParseError::kTooLong;
  static constexpr std::array<std::string_view, count> kNames = first_names<count>();
  json::Field table[count];
  for (size_t i = 0; i < count; ++i) table[i].name = kNames[i];
  const Fault syntax = json::read_object(text, kMaxDepth, table);
  if (syntax != Fault::kNone) return static_cast<ParseError>(syntax);

  FieldReader fields(table);
  if (!fields.has(kAction)) return ParseError::kNoAction;
  std::string action = fields.text(kAction, 0, kMaxTextBytes);
  if (fields.fault() == Fault::kNone) read_message(std::move(action), fields);
  if (fields.fault() != Fault::kNone) return static_cast<ParseError>(fields.fault());
  return std::nullopt;
}

// Writes the fields of each type of message.
template <json::Style kStyle>
class Put {
 public:
  void operator()(const Enter& message) {
    action("enter");
    out_.text("channel", message.channel);
    out_.text("browser", message.browser);
    out_.text("device", message.device == Device::kMobile ? "mobile" : "PC");
    out_.text("os", message.os);
    put_integer("hlsmesh", message.hlsmesh);
    if (message.live) out_.boolean("live", *message.live);
    put_integer("parents", message.parents);
    put_integer("children", message.children);
    put_integer("upBW", message.up_bw);
    put_integer("wants", message.wants);
    put_integer("slots", message.slots);
    put_flag("idle", message.idle);
    put_flag("control", message.control);
    put_integer("quorum", message.quorum);
    if (!message.token.empty()) {
      // More people read logs than may enter with this token.
      out_.text("token", kStyle == json::Style::kWire ? message.token : "*");
    }
  }
  void operator()(const Leave&) { action("leave"); }
  void operator()(const SignalTo& message) {
    action("signal");
    out_.id("to_peer_id", message.to_peer_id);
    put_data(message.data);
  }
  void operator()(const DcOpened& message) { put_dc("dc_opened", message.dc_id, EndReason::kNone); }
  void operator()(const DcClosed& message) { put_dc("dc_closed", message.dc_id, message.reason); }
  void operator()(const DcFailed& message) { put_dc("dc_failed", message.dc_id, message.reason); }
  void operator()(const Statistics& message) {
    action("statistics");
    out_.number("level", message.level);
    out_.number("cdn", message.cdn_kb);
    out_.number("p2p", message.p2p_kb);
    put_number("up", message.up_kb);
    put_flag("idle", message.idle);
    put_number("played", message.played);
    put_number("stalled", message.stalled);
    put_number("stalls", message.stalls);
    put_number("first", message.first_frame);
    put_number("loads", message.loads);
    put_number("missed", message.missed);
    put_number("wrong", message.wrong);
  }
  void operator()(const Ping&) { action("ping"); }
  void operator()(const Pong& message) {
    action("pong");
    put_integer("viewers", message.viewers);
  }
  void operator()(const Accept& message) {
    action("accept");
    out_.boolean("live", message.live);
    out_.id("peer_id", message.peer_id);
    put_integer("hlsmesh", message.hlsmesh);
    put_integer("token_ms", message.token_ms);
    if (!message.reason.empty()) out_.text("reason", message.reason);
    put_integer("agree", message.agree);
  }
  void operator()(const Connect& message) {
    action("connect");
    out_.id("to_peer_id", message.to_peer_id);
  }
  void operator()(const SignalFrom& message) {
    action("signal");
    out_.id("from_peer_id", message.from_peer_id);
    put_data(message.data);
  }
  void operator()(const Reject& message) {
    action("reject");
    out_.text("reason", message.reason);
  }
  void operator()(const Disconnect& message) {
    action("disconnect");
    out_.id("to_peer_id", message.peer_id);
  }
  void operator()(const UnknownAction& message) { out_.unknown("action", message.action); }

  std::string take() { return out_.take(); }

 private:
  void action(const char* name) { out_.name("action", name); }
  void put_integer(const char* field, std::optional<int32_t> value) {
    if (value) out_.integer(field, *value);
  }
  void put_data(const SignalData& data) {
    if (kStyle == json::Style::kWire) return out_.json("data", data.literal());
    out_.text("data", data.text());
  }
  void put_number(const char* field, std::optional<double> value) {
    if (value) out_.number(field, *value);
  }
  void put_flag(const char* field, std::optional<bool> value) {
    if (value) out_.boolean(field, *value);
  }
  void put_dc(const char* name, std::string_view dc_id, EndReason reason) {
    action(name);
    out_.text("dc_id", dc_id);
    if (reason != EndReason::kNone) {
      out_.text("reason", kEndReasons[static_cast<size_t>(reason)]);
    }
  }

  json::MessageWriter<kStyle> out_;
};

template <class Message>
std::string wire(const Message& message) {
  Put<json::Style::kWire> put;
  put(message);
  return put.take();
}

template <class AnyMessage>
std::string log(const AnyMessage& message) {
  Put<json::Style::kLog> put;
  std::visit(put, message);
  return put.take();
}

}  // namespace

SignalData::SignalData(std::string_view text) { json::append_string(literal_, text); }

SignalData SignalData::from_literal(std::string_view literal) {
  SignalData data;
  data.literal_ = literal;
  return data;
}

std::string SignalData::text() const { return json::unquoted(literal_); }

const char* to_string(ParseError error) {
  return json::to_string(static_cast<Fault>(error), "no action");
}

PeerParseResult parse_from_peer(std::string_view text) {
  PeerMessage message;
  const std::optional<ParseError> error =
      read<kFieldCount>(text, [&message](const std::string& action, FieldReader& fields) {
        message = read_from_peer(action, fields);
      });
  if (error) return *error;
  return message;
}

std::optional<ParseError> read_from_tracker(std::string_view text, TrackerFields& out) {
  return read<kTrackerFieldCount>(text, [&out](std::string action, FieldReader& fields) {
    out.action = static_cast<TrackerAction>(json::index_of(kTrackerActions, action));
    if (out.action == TrackerAction::kUnknown) out.reason = std::move(action);
    read_fields(fields, out);
  });
}

TrackerParseResult parse_from_tracker(std::string_view text) {
  TrackerFields fields;
  if (const std::optional<ParseError> error = read_from_tracker(text, fields)) return *error;
  return message_of(std::move(fields));
}

std::string serialize(const PeerMessage& message) {
  return std::visit([](const auto& one) { return wire(one); }, message);
}
std::string serialize(const TrackerMessage& message) {
  return std::visit([](const auto& one) { return wire(one); }, message);
}
std::string serialize(const Enter& message) { return wire(message); }
std::string serialize(const Leave& message) { return wire(message); }
std::string serialize(const SignalTo& message) { return wire(message); }
std::string serialize(const DcOpened& message) { return wire(message); }
std::string serialize(const DcClosed& message) { return wire(message); }
std::string serialize(const DcFailed& message) { return wire(message); }
std::string serialize(const Statistics& message) { return wire(message); }
std::string serialize(const Ping& message) { return wire(message); }

std::string to_string(const PeerMessage& message) { return log(message); }
std::string to_string(const TrackerMessage& message) { return log(message); }

SignalKind classify_signal(std::string_view data) {
  if (data.size() > kMaxTextBytes) return SignalKind::kOther;
  json::Field fields[] = {{"type"}, {"sdp"}, {"candidate"}, {"refused"}};
  const auto& [type, sdp, candidate, refused] = fields;
  if (json::read_object(data, kMaxDepth, fields) != Fault::kNone) return SignalKind::kOther;
  if (sdp.kind == Kind::kString) {
    if (type.is_string("offer")) return SignalKind::kOffer;
    if (type.is_string("answer")) return SignalKind::kAnswer;
  }
  // RTCIceCandidateInit, or an object that holds one.
  if (candidate.kind == Kind::kObject || candidate.kind == Kind::kString) {
    return SignalKind::kCandidate;
  }
  if (refused.boolean) return SignalKind::kRefusal;
  return SignalKind::kOther;
}

}  // namespace hlsmesh::tracker_wire

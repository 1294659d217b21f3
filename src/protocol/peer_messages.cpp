#include "protocol/peer_messages.hpp"

#include <utility>

#include "protocol/json_number.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/json_writer.hpp"

namespace hlsmesh::peer {
namespace {

using json::Fault;
using json::FieldReader;
using json::MessageWriter;

static_assert(static_cast<int>(ParseError::kTooLong) == static_cast<int>(Fault::kTooLong));
static_assert(static_cast<int>(ParseError::kNoEvent) == static_cast<int>(Fault::kNoName));
static_assert(static_cast<int>(ParseError::kOutOfRange) == static_cast<int>(Fault::kOutOfRange));

enum FieldIndex : size_t {
  kEvent,
  kUrl,
  kSn,
  kAttachments,
  kSize,
  kCurrent,
  kRendition,
  kHlsmesh,
};

// `current` of a peer whose cache is empty.
constexpr int64_t kNothingCached = -1;

std::optional<MediaSequence> read_current(FieldReader& fields) {
  return fields.optional_sequence(kCurrent, kNothingCached);
}

std::string read_url(FieldReader& fields) { return fields.text(kUrl, 1, kMaxUrlBytes); }

MediaSequence read_sn(FieldReader& fields) {
  return MediaSequence(fields.integer(kSn, 0, json::kMaxInteger));
}

std::optional<std::string> read_rendition(FieldReader& fields) {
  return fields.optional_text(kRendition, kMaxRenditionBytes);
}

template <class T>
T read_keep_alive(FieldReader& fields) {
  T message;
  message.current = read_current(fields);
  message.hlsmesh = fields.optional_int32(kHlsmesh, 0);
  return message;
}

Request read_request(FieldReader& fields) {
  Request message;
  message.url = read_url(fields);
  message.sn = read_sn(fields);
  message.rendition = read_rendition(fields);
  return message;
}

Binary read_binary(FieldReader& fields) {
  Binary message;
  message.attachments = fields.integer(kAttachments, 1, kMaxAttachments);
  message.url = read_url(fields);
  message.sn = read_sn(fields);
  message.size = fields.integer(kSize, 1, kMaxSegmentBytes);
  message.current = read_current(fields);
  message.rendition = read_rendition(fields);
  return message;
}

Lack read_lack(FieldReader& fields) {
  Lack message;
  message.url = read_url(fields);
  message.sn = fields.optional_sequence(kSn, 0);
  message.current = read_current(fields);
  message.rendition = read_rendition(fields);
  return message;
}

Message read_message(const std::string& event, FieldReader& fields) {
  if (event == "KEEPALIVE") return read_keep_alive<KeepAlive>(fields);
  if (event == "KEEPALIVE-ACK") return read_keep_alive<KeepAliveAck>(fields);
  if (event == "REQUEST") return read_request(fields);
  if (event == "BINARY") return read_binary(fields);
  if (event == "LACK") return read_lack(fields);
  if (event == "CLOSE") return Close{};
  if (event == "ERROR") return Error{};
  return Unknown{event};
}

// Writes each type of message.
class Put {
 public:
  explicit Put(MessageWriter::Style style) : style_(style), out_(style) {}

  void operator()(const KeepAlive& message) {
    event("KEEPALIVE");
    put_sequence("current", message.current);
    put_level(message.hlsmesh);
  }
  void operator()(const KeepAliveAck& message) {
    event("KEEPALIVE-ACK");
    put_sequence("current", message.current);
    put_level(message.hlsmesh);
  }
  void operator()(const Request& message) {
    event("REQUEST");
    out_.text("url", message.url);
    put_sequence("sn", message.sn);
    put_rendition(message.rendition);
  }
  void operator()(const Binary& message) {
    event("BINARY");
    out_.integer("attachments", message.attachments);
    out_.text("url", message.url);
    put_sequence("sn", message.sn);
    out_.integer("size", message.size);
    put_sequence("current", message.current);
    put_rendition(message.rendition);
  }
  void operator()(const Lack& message) {
    event("LACK");
    out_.text("url", message.url);
    put_sequence("sn", message.sn);
    put_sequence("current", message.current);
    put_rendition(message.rendition);
  }
  void operator()(const Close&) { event("CLOSE"); }
  void operator()(const Error&) { event("ERROR"); }
  void operator()(const Unknown& message) {
    if (style_ == MessageWriter::Style::kWire) {
      event(message.event);
    } else {
      event("unknown");
      out_.text("event", message.event);
    }
  }

  std::string take() { return out_.take(); }

 private:
  void event(std::string_view name) { out_.name("event", name); }
  void put_sequence(std::string_view field, std::optional<MediaSequence> value) {
    if (value) out_.integer(field, value->value());
  }
  void put_level(std::optional<int32_t> value) {
    if (value) out_.integer("hlsmesh", *value);
  }
  void put_rendition(const std::optional<std::string>& value) {
    if (value) out_.text("rendition", *value);
  }

  MessageWriter::Style style_;
  MessageWriter out_;
};

std::string put(const Message& message, MessageWriter::Style style) {
  Put visitor(style);
  std::visit(visitor, message);
  return visitor.take();
}

}  // namespace

const char* to_string(ParseError error) {
  return json::to_string(static_cast<Fault>(error), "no event");
}

ParseResult parse(std::string_view text) {
  if (text.size() > kMaxTextBytes) return ParseError::kTooLong;
  json::Field table[] = {{"event"}, {"url"},     {"sn"},        {"attachments"},
                         {"size"},  {"current"}, {"rendition"}, {"hlsmesh"}};
  const Fault syntax = json::read_object(text, kMaxDepth, table);
  if (syntax != Fault::kNone) return static_cast<ParseError>(syntax);

  FieldReader fields(table);
  if (!fields.has(kEvent)) return ParseError::kNoEvent;
  const std::string event = fields.text(kEvent, 0, kMaxTextBytes);
  if (fields.fault() != Fault::kNone) return static_cast<ParseError>(fields.fault());
  Message message = read_message(event, fields);
  if (fields.fault() != Fault::kNone) return static_cast<ParseError>(fields.fault());
  return message;
}

std::string serialize(const Message& message) { return put(message, MessageWriter::Style::kWire); }

std::string to_string(const Message& message) { return put(message, MessageWriter::Style::kLog); }

}  // namespace hlsmesh::peer

#include "protocol/peer_messages.hpp"

#include <utility>

#include "protocol/json_number.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh::peer {
namespace {

using json::Fault;

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
  kTransfer,
  kPieces,
  kWithin,
  kLead,
  kUp,
  kBehind,
  kDigests,
};

// `current` of a peer whose cache is empty.
constexpr int64_t kNothingCached = -1;

// By Event, as far as it is known.
constexpr std::string_view kEvents[] = {"KEEPALIVE", "KEEPALIVE-ACK", "REQUEST", "BINARY", "LACK",
                                        "WANT",      "CANCEL",        "HAVE",    "CLOSE",  "ERROR"};

// A LACK names either a segment or a transfer, which `fields` must have already.
bool names_segment(const Fields& fields) {
  return fields.event >= Event::kRequest && fields.event <= Event::kHave &&
         (fields.event == Event::kWant ? fields.rendition.has_value() : fields.transfer == 0);
}

void read_fields(json::FieldReader& fields, Fields& out) {
  const bool binary = out.event == Event::kBinary;
  const bool lack = out.event == Event::kLack;
  const bool want = out.event == Event::kWant;
  const bool have = out.event == Event::kHave;
  // A WANT of a transfer that is open does not name the segment again.
  if (want) out.rendition = fields.optional_text(kRendition, kMaxRenditionBytes);
  if (want || out.event == Event::kCancel || ((lack || have) && fields.has(kTransfer))) {
    out.transfer = static_cast<uint32_t>(fields.integer(kTransfer, 1, kMaxTransfer));
    if (!out.rendition && (have || want || fields.has(kPieces))) {
      out.pieces = fields.text(kPieces, 1, kMostPieceText);
      PieceSet pieces;
      if (!from_text(out.pieces, pieces)) fields.fail(Fault::kOutOfRange);
      if ((have || want) && fields.has(kDigests)) out.digests = fields.boolean(kDigests);
    }
  }
  if (binary) out.attachments = fields.integer(kAttachments, 1, kMaxAttachments);
  if (names_segment(out)) {
    out.url = fields.text(kUrl, 1, kMaxUrlBytes);
    // Only a LACK may have no `sn`.
    if (!lack) fields.expect(kSn, json::Kind::kNumber);
    out.sn = fields.optional_sequence(kSn, 0);
    if (out.event > Event::kLack) fields.expect(kRendition, json::Kind::kString);
    out.rendition = fields.optional_text(kRendition, kMaxRenditionBytes);
  }
  if (binary || (have && out.transfer != 0)) out.size = fields.integer(kSize, 1, kMaxSegmentBytes);
  if (out.event <= Event::kLack && out.event != Event::kRequest) {
    out.current = fields.optional_sequence(kCurrent, kNothingCached);
  }
  if (out.event <= Event::kKeepAliveAck) out.hlsmesh = fields.optional_int32(kHlsmesh, 0);
  if (want && out.rendition) out.within = fields.integer(kWithin, 0, kMaxWithinMs);
  if (out.event > Event::kKeepAliveAck) return;
  if (fields.has(kLead)) out.lead = fields.boolean(kLead);
  if (fields.has(kUp)) out.up = fields.integer(kUp, 1, kMaxUp);
  if (fields.has(kBehind)) out.behind = fields.integer(kBehind, 1, kMaxBehindMs);
}

// `Writer`: that of the wire or that of a log.
template <class Writer>
std::string write_with(const Fields& fields) {
  Writer out;
  if (fields.event == Event::kUnknown) {
    out.unknown("event", fields.url);
    return out.take();
  }
  out.name("event", kEvents[static_cast<size_t>(fields.event)]);
  const bool binary = fields.event == Event::kBinary;
  if (fields.transfer != 0) out.integer("transfer", fields.transfer);
  if (binary) out.integer("attachments", fields.attachments);
  if (names_segment(fields)) out.text("url", fields.url);
  if (fields.sn) out.integer("sn", fields.sn->value());
  if (fields.size > 0) out.integer("size", fields.size);
  if (fields.current) out.integer("current", fields.current->value());
  if (fields.hlsmesh) out.integer("hlsmesh", *fields.hlsmesh);
  if (fields.rendition) out.text("rendition", *fields.rendition);
  if (!fields.pieces.empty()) out.text("pieces", fields.pieces);
  if (fields.digests) out.boolean("digests", true);
  if (fields.event == Event::kWant && fields.rendition) out.integer("within", fields.within);
  if (fields.lead) out.boolean("lead", true);
  if (fields.up > 0) out.integer("up", fields.up);
  if (fields.behind > 0) out.integer("behind", fields.behind);
  return out.take();
}

std::optional<std::string> pieces_of(Fields& fields) {
  if (fields.pieces.empty()) return std::nullopt;
  return std::move(fields.pieces);
}

std::optional<uint32_t> transfer_of(const Fields& fields) {
  if (fields.transfer == 0) return std::nullopt;
  return fields.transfer;
}

Message message_of(Fields fields) {
  switch (fields.event) {
    case Event::kKeepAlive:
      return KeepAlive{fields.current, fields.hlsmesh, fields.lead, fields.up, fields.behind};
    case Event::kKeepAliveAck:
      return KeepAliveAck{fields.current, fields.hlsmesh, fields.lead, fields.up, fields.behind};
    case Event::kRequest:
      return Request{std::move(fields.url), *fields.sn, std::move(fields.rendition)};
    case Event::kBinary:
      return Binary{fields.attachments, std::move(fields.url), *fields.sn,
                    fields.size,        fields.current,        std::move(fields.rendition)};
    case Event::kLack:
      return Lack{std::move(fields.url),       fields.sn,           fields.current,
                  std::move(fields.rendition), transfer_of(fields), pieces_of(fields)};
    case Event::kWant:
      return Want{fields.transfer,
                  std::move(fields.url),
                  fields.sn.value_or(MediaSequence()),
                  std::move(fields.rendition),
                  fields.within,
                  pieces_of(fields),
                  fields.digests};
    case Event::kCancel:
      return Cancel{fields.transfer, pieces_of(fields)};
    case Event::kHave:
      return Have{std::move(fields.url),
                  fields.sn.value_or(MediaSequence()),
                  fields.rendition.value_or(""),
                  transfer_of(fields),
                  fields.size,
                  std::move(fields.pieces),
                  fields.digests};
    case Event::kClose:
      return Close{};
    case Event::kError:
      return Error{};
    case Event::kUnknown:
      break;
  }
  return Unknown{std::move(fields.url)};
}

// Writes the fields of each type of message, except the event.
struct FieldsOf {
  Fields operator()(const KeepAlive& message) {
    Fields fields;
    fields.current = message.current;
    fields.hlsmesh = message.hlsmesh;
    fields.lead = message.lead;
    fields.up = message.up;
    fields.behind = message.behind;
    return fields;
  }
  Fields operator()(const KeepAliveAck& message) {
    return (*this)(
        KeepAlive{message.current, message.hlsmesh, message.lead, message.up, message.behind});
  }
  Fields operator()(const Request& message) {
    return (*this)(Lack{message.url, message.sn, std::nullopt, message.rendition});
  }
  Fields operator()(const Binary& message) {
    Fields fields = (*this)(Lack{message.url, message.sn, message.current, message.rendition});
    fields.attachments = message.attachments;
    fields.size = message.size;
    return fields;
  }
  Fields operator()(const Lack& message) {
    Fields fields;
    fields.url = message.url;
    fields.sn = message.sn;
    fields.current = message.current;
    fields.rendition = message.rendition;
    fields.transfer = message.transfer.value_or(0);
    fields.pieces = message.pieces.value_or(std::string());
    return fields;
  }
  Fields operator()(const Want& message) {
    Fields fields;
    fields.transfer = message.transfer;
    fields.pieces = message.pieces.value_or(std::string());
    fields.digests = message.digests;
    if (!message.rendition) return fields;
    fields.url = message.url;
    fields.sn = message.sn;
    fields.rendition = message.rendition;
    fields.within = message.within;
    return fields;
  }
  Fields operator()(const Cancel& message) {
    Fields fields;
    fields.transfer = message.transfer;
    fields.pieces = message.pieces.value_or(std::string());
    return fields;
  }
  Fields operator()(const Have& message) {
    if (!message.transfer) {
      return (*this)(Lack{message.url, message.sn, std::nullopt, message.rendition});
    }
    Fields fields;
    fields.transfer = *message.transfer;
    fields.size = message.size;
    fields.pieces = message.pieces;
    fields.digests = message.digests;
    return fields;
  }
  Fields operator()(const Close&) { return {}; }
  Fields operator()(const Error&) { return {}; }
  Fields operator()(const Unknown& message) {
    Fields fields;
    fields.url = message.event;
    return fields;
  }
};

Fields fields_of(const Message& message) {
  Fields fields = std::visit(FieldsOf(), message);
  fields.event = static_cast<Event>(message.index());
  return fields;
}

}  // namespace

const char* to_string(ParseError error) {
  return json::to_string(static_cast<Fault>(error), "no event");
}

std::optional<ParseError> read(std::string_view text, Fields& fields) {
  if (text.size() > kMaxTextBytes) return ParseError::kTooLong;
  json::Field table[] = {{"event"},   {"url"},       {"sn"},      {"attachments"}, {"size"},
                         {"current"}, {"rendition"}, {"hlsmesh"}, {"transfer"},    {"pieces"},
                         {"within"},  {"lead"},      {"up"},      {"behind"},      {"digests"}};
  const Fault syntax = json::read_object(text, kMaxDepth, table);
  if (syntax != Fault::kNone) return static_cast<ParseError>(syntax);

  json::FieldReader reader(table);
  if (!reader.has(kEvent)) return ParseError::kNoEvent;
  std::string event = reader.text(kEvent, 0, kMaxTextBytes);
  fields.event = static_cast<Event>(json::index_of(kEvents, event));
  if (fields.event == Event::kUnknown) fields.url = std::move(event);
  read_fields(reader, fields);
  if (reader.fault() != Fault::kNone) return static_cast<ParseError>(reader.fault());
  return std::nullopt;
}

ParseResult parse(std::string_view text) {
  Fields fields;
  if (const std::optional<ParseError> error = read(text, fields)) return *error;
  return message_of(std::move(fields));
}

std::string write(const Fields& fields) { return write_with<json::WireWriter>(fields); }

std::string serialize(const Message& message) { return write(fields_of(message)); }

std::string to_string(const Message& message) {
  return write_with<json::LogWriter>(fields_of(message));
}

}  // namespace hlsmesh::peer

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/ids.hpp"

namespace hlsmesh::peer {

// Messages of the data channel (protocol section 2). Each struct is one event. Every value of these
// types can be sent, and the engine acts only on what was parsed into one of them.
//
// A message that exceeds one of these limits is malformed.
inline constexpr size_t kMaxTextBytes = 16 * 1024;             // one control message
inline constexpr size_t kMaxDepth = 8;                         // nesting; our own messages are flat
inline constexpr size_t kMaxUrlBytes = 4096;                   // `url`
inline constexpr size_t kMaxRenditionBytes = 1024;             // `rendition`
inline constexpr int64_t kMaxSegmentBytes = 64 * 1024 * 1024;  // `size`
inline constexpr int64_t kMaxAttachments = 64 * 1024;  // `attachments`: 64 MiB in messages of 1 KiB
inline constexpr int64_t kMaxTransfer = INT32_MAX;     // `transfer`
inline constexpr int64_t kMaxWithinMs = INT32_MAX;     // `within`
inline constexpr int64_t kMaxUp = INT32_MAX;           // `up`
inline constexpr int64_t kMaxBehindMs = 60'000;        // `behind`

// The extension that this build speaks; absent in version-1 messages (protocol section 4).
inline constexpr int32_t kExtension = 2;
// The first one whose speakers exchange pieces (protocol section 5).
inline constexpr int32_t kPieceExtension = 2;

struct KeepAlive {
  std::optional<MediaSequence> current;
  std::optional<int32_t> hlsmesh;  // the sender's extension
  bool lead = false;               // extension 2: whoever gets it is to fetch first
  int64_t up = 0;                  // extension 2: the sender's measured uplink, KB/s; 0: not known
  // Extension 2: how much later than whoever gets it the sender learns of live segments, in
  // milliseconds; 0: not known, or not later.
  int64_t behind = 0;
};

struct KeepAliveAck {
  std::optional<MediaSequence> current;
  std::optional<int32_t> hlsmesh;
  bool lead = false;
  int64_t up = 0;
  int64_t behind = 0;
};

struct Request {
  std::string url;
  MediaSequence sn;
  std::optional<std::string> rendition;  // extension 1: the rendition's signature
};

struct Binary {
  int64_t attachments = 0;
  std::string url;
  MediaSequence sn;
  int64_t size = 0;
  std::optional<MediaSequence> current;
  std::optional<std::string> rendition;  // extension: echoed from the request
};

struct Lack {
  std::string url;
  std::optional<MediaSequence> sn;  // some clients of 2018 send `current` in its place
  std::optional<MediaSequence> current;
  std::optional<std::string> rendition;  // extension: echoed from the request
  // Extension 2: the number of a WANT. The message then has none of `url`, `sn` and `rendition`.
  std::optional<uint32_t> transfer{};
  std::optional<std::string> pieces{};  // with `transfer` alone; all that were not sent if none
};

// Extension 2. `pieces` is a text that from_text() of piece_text.hpp reads.
//
// With a rendition it opens the transfer, and has no `pieces`. Without, it asks for pieces of one
// that is open, and has none of `url`, `sn` and `within`.
struct Want {
  uint32_t transfer = 0;
  std::string url{};
  MediaSequence sn{};
  std::optional<std::string> rendition{};
  int64_t within = 0;  // milliseconds from now; later the segment is of no use
  std::optional<std::string> pieces{};
  bool digests = false;  // with `pieces`: the digests of all pieces come first
};

struct Cancel {
  uint32_t transfer = 0;
  std::optional<std::string> pieces;  // the whole transfer if none
};

// Without `transfer` a segment comes or is there: `url`, `sn` and `rendition`. With one the sender
// holds more pieces of what was wanted: `size` and `pieces`.
struct Have {
  std::string url{};
  MediaSequence sn{};
  std::string rendition{};
  std::optional<uint32_t> transfer{};
  int64_t size = 0;  // bytes of the whole segment
  std::string pieces{};
  bool digests = false;  // the sender has the digests of all pieces
};

struct Close {};

struct Error {};

// A well-formed message with an unknown event. It is ignored and is no error.
struct Unknown {
  std::string event;
};

using Message = std::variant<KeepAlive, KeepAliveAck, Request, Binary, Lack, Want, Cancel, Have,
                             Close, Error, Unknown>;

enum class ParseError {
  kTooLong,
  kNotJson,
  kTooDeep,
  kNotAnObject,
  kNoEvent,
  kMissingField,
  kWrongType,
  kOutOfRange,
};
const char* to_string(ParseError error);

using ParseResult = std::variant<Message, ParseError>;

// Never throws and never reads past `text`. Unknown fields are ignored. If a field occurs twice,
// the last one counts.
ParseResult parse(std::string_view text);

// Returns the JSON text to send. Bytes of strings that are not UTF-8 become U+FFFD.
std::string serialize(const Message& message);

// Returns one line for logs and test failures, with long strings shortened.
std::string to_string(const Message& message);

// In the order of Message.
enum class Event : uint8_t {
  kKeepAlive,
  kKeepAliveAck,
  kRequest,
  kBinary,
  kLack,
  kWant,
  kCancel,
  kHave,
  kClose,
  kError,
  kUnknown,
};

// A message of any kind, with the fields of all kinds; a field that the kind does not have is
// empty. A viewer's engine reads and writes this form, since a std::variant brings code for each of
// its types: 1 KB of the shipped wasm in all, gzipped.
struct Fields {
  Event event = Event::kUnknown;
  std::string url;  // of kUnknown: the name of the event
  std::optional<MediaSequence> sn{};
  std::optional<MediaSequence> current{};
  std::optional<std::string> rendition{};
  std::optional<int32_t> hlsmesh{};
  int64_t attachments = 0;
  int64_t size = 0;
  uint32_t transfer = 0;  // 0: none
  std::string pieces{};   // empty: none; otherwise a text that from_text() reads
  int64_t within = 0;
  bool lead = false;   // of a KEEPALIVE: whoever gets it is to fetch first
  int64_t up = 0;      // of a KEEPALIVE: the sender's uplink, KB/s; 0: not known
  int64_t behind = 0;  // of a KEEPALIVE, milliseconds; 0: not known, or not behind
  bool digests =
      false;  // of a HAVE or WANT with pieces: those of all pieces are there, or asked for
};

// As parse(), into `fields`, which must be newly made. Returns nullopt on success.
std::optional<ParseError> read(std::string_view text, Fields& fields);
// As serialize().
std::string write(const Fields& fields);

}  // namespace hlsmesh::peer

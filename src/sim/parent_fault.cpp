#include "sim/parent_fault.hpp"

#include <algorithm>
#include <string>

#include "protocol/data_frame.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

// How far a lie about the size is off: less than a packet, so that only the sum tells.
constexpr int64_t kSizeLie = 1000;
// What a boaster says of the size of a segment that it has not seen.
constexpr int64_t kUsualSize = 300'000;
// How far ahead it says that it is.
constexpr int64_t kBoast = 3;

constexpr milliseconds kLate{1'900};
constexpr milliseconds kDrip{1'300};
constexpr milliseconds kEmpty{100};
constexpr int64_t kForLong = 10'000;  // times

Message text_message(const std::string& text) {
  Message out;
  out.text = true;
  out.own.assign(text.begin(), text.end());
  out.size = text.size();
  return out;
}

Message text_message(const peer::Fields& fields) { return text_message(peer::write(fields)); }

std::optional<peer::Fields> read(const Message& message) {
  peer::Fields out;
  if (peer::read(message.as_text(), out)) return std::nullopt;
  return out;
}

Message bytes_message(std::string head, std::vector<uint8_t> bytes) {
  Message out;
  out.size = head.size() + bytes.size();
  out.head = std::move(head);
  out.own = std::move(bytes);
  return out;
}

peer::DataHeader header_of(const Message& data) {
  peer::DataHeader out;
  peer::read_data_header({reinterpret_cast<const uint8_t*>(data.head.data()), data.head.size()},
                         out);
  return out;
}

std::string text_of(const peer::DataHeader& header) {
  std::string out(peer::kDataHeaderBytes, '\0');
  peer::write_data_header(header, reinterpret_cast<uint8_t*>(out.data()));
  return out;
}

// The same header before the media bytes [from, from + length) of the message.
Message part_of(const Message& message, size_t from, size_t length) {
  Message out = message;
  out.piece.offset += from;
  if (out.piece.body != nullptr) out.piece.bytes = out.piece.bytes.subspan(from, length);
  if (out.piece.body == nullptr) {
    const auto begin = message.own.begin() + static_cast<std::ptrdiff_t>(from);
    out.own.assign(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  out.size = out.head.size() + length;
  return out;
}

// As many bytes as the message has, of an answer that a proxy made up.
Message spoiled(const Message& message) {
  return bytes_message(message.head, std::vector<uint8_t>(message.bytes().size(), '<'));
}

// One bit far from the beginning is another.
Message flipped(const Message& message) {
  const ByteView media = message.bytes();
  std::vector<uint8_t> bytes(media.begin(), media.end());
  if (!bytes.empty()) bytes[bytes.size() - 1 - bytes.size() / 4] ^= 4;
  return bytes_message(message.head, std::move(bytes));
}

// As of another segment of the same size.
Message other_media(const Message& message) {
  constexpr ptrdiff_t kHead = 64;
  const ByteView media = message.bytes();
  std::vector<uint8_t> bytes(media.begin(), media.end());
  std::fill(bytes.begin() + std::min(kHead, std::ssize(bytes)), bytes.end(), uint8_t{0x10});
  return bytes_message(message.head, std::move(bytes));
}

peer::Fields lack_of(const peer::Fields& asked) {
  peer::Fields out;
  out.event = peer::Event::kLack;
  out.transfer = asked.transfer;
  if (asked.event == peer::Event::kWant) return out;
  out.url = asked.url;
  out.sn = asked.sn;
  out.rendition = asked.rendition;
  return out;
}

}  // namespace

bool FaultyParent::hears(PeerHandle, const Message& message) {
  if (!message.text || fault_ == ParentFault::kNone) return true;
  const std::optional<peer::Fields> said = read(message);
  if (!said) return true;
  if (said->event == peer::Event::kCancel) return fault_ != ParentFault::kDeaf;
  const bool want = said->event == peer::Event::kWant;
  if (!want && said->event != peer::Event::kRequest) return true;
  const bool first = !want || said->rendition.has_value();
  switch (fault_) {
    case ParentFault::kIgnores:
      return false;
    case ParentFault::kLacks:
      if (first) say(text_message(lack_of(*said)));
      return false;
    case ParentFault::kLateLacks:
      if (first) say(text_message(lack_of(*said)), kLate);
      return false;
    case ParentFault::kBoasts: {
      if (!want) return true;
      peer::Fields have;
      have.event = peer::Event::kHave;
      have.transfer = said->transfer;
      have.size = kUsualSize;
      have.pieces = "0-";
      if (first) say(text_message(have));
      return false;
    }
    default:
      return true;
  }
}

std::optional<Message> FaultyParent::pass(Time now, PeerHandle peer, Message message) {
  if (fault_ == ParentFault::kNone) return message;
  if (fault_ == ParentFault::kSilent) return std::nullopt;
  if (message.text) return announced(peer, message);
  return message.head.empty() ? packet(peer, std::move(message))
                              : data(now, peer, std::move(message));
}

std::optional<Message> FaultyParent::announced(PeerHandle peer, const Message& original) {
  const std::optional<peer::Fields> said = read(original);
  if (!said) return original;
  if (said->event == peer::Event::kBinary) return header(peer, original);
  if (said->event == peer::Event::kHave) return have(original);
  const bool alive =
      said->event == peer::Event::kKeepAlive || said->event == peer::Event::kKeepAliveAck;
  if (fault_ != ParentFault::kBoasts || !alive || !said->current) return original;
  peer::Fields boast = *said;
  boast.current = MediaSequence(said->current->value() + kBoast);
  return text_message(boast);
}

// --- version 1

std::optional<Message> FaultyParent::header(PeerHandle peer, const Message& original) {
  peer::Fields out = *read(original);
  Following& following = following_[peer];
  const auto repeat_in_place = [&](size_t bytes, Duration every) {
    following.drop = std::exchange(out.attachments, peer::kMaxAttachments);
    say(bytes_message("", std::vector<uint8_t>(bytes)), every, out.attachments);
  };
  switch (fault_) {
    case ParentFault::kClaimsMore:
      out.size += kSizeLie;
      break;
    case ParentFault::kClaimsLess:
      out.size -= kSizeLie;
      break;
    case ParentFault::kChangesSize: {
      peer::Fields other = out;
      other.size += kSizeLie;
      say(text_message(other));
      break;
    }
    case ParentFault::kWrongSegment:
      out.sn = MediaSequence(out.sn->value() + 1);
      break;
    case ParentFault::kNeverSends:
      following.drop = out.attachments;
      break;
    case ParentFault::kStopsMidway:
    case ParentFault::kClosesMidway:
      following.pass = 1;
      following.drop = out.attachments - 1;
      break;
    case ParentFault::kGarbage:
      following.drop = out.attachments;
      return text_message("{\"event\":\"BINARY\",");
    case ParentFault::kDrips:
      repeat_in_place(1, kDrip);
      break;
    case ParentFault::kEmptyPackets:
      repeat_in_place(0, kEmpty);
      break;
    case ParentFault::kUnasked:
      say(original);
      return bytes_message("", std::vector<uint8_t>(100));
    default:
      return original;
  }
  return text_message(out);
}

std::optional<Message> FaultyParent::packet(PeerHandle peer, Message message) {
  Following& following = following_[peer];
  if (following.pass > 0) {
    --following.pass;
    closes_ = fault_ == ParentFault::kClosesMidway;
    return message;
  }
  if (following.drop > 0) {
    --following.drop;
    return std::nullopt;
  }
  if (fault_ == ParentFault::kWrongBytes) return spoiled(message);
  if (fault_ == ParentFault::kFlipsBits) return flipped(message);
  if (fault_ == ParentFault::kOtherMedia) return other_media(message);
  if (fault_ == ParentFault::kCuts) return part_of(message, 0, message.size / 2);
  if (fault_ == ParentFault::kTwice) say(message);
  return message;
}

// --- extension 2

std::optional<Message> FaultyParent::have(const Message& original) {
  peer::Fields out = *read(original);
  if (out.transfer == 0) {
    if (fault_ != ParentFault::kBoasts) return original;
    for (int64_t ahead = 1; ahead <= kBoast; ++ahead) {
      out.sn = MediaSequence(out.sn->value() + 1);
      say(text_message(out));
    }
    return original;
  }
  switch (fault_) {
    case ParentFault::kClaimsMore:
      out.size += kSizeLie;
      return text_message(out);
    case ParentFault::kClaimsLess:
      out.size = std::max<int64_t>(out.size - kSizeLie, 1);
      return text_message(out);
    case ParentFault::kGarbage:
      return text_message("{\"event\":\"HAVE\",");
    default:
      return original;
  }
}

std::optional<Message> FaultyParent::data(Time now, PeerHandle peer, Message message) {
  Following& following = following_[peer];
  peer::DataHeader header = header_of(message);
  const size_t bytes = message.bytes().size();
  const bool first = following.begun.insert(header.transfer).second;
  // Digests, whose bytes stand in the head.
  if (header.digests) return message;
  const auto with_header = [&] {
    Message out = message;
    out.head = text_of(header);
    return out;
  };
  switch (fault_) {
    case ParentFault::kClaimsMore:
    case ParentFault::kChangesSize:
      header.size += kSizeLie;
      return with_header();
    case ParentFault::kClaimsLess:
      header.size -= std::min<uint32_t>(header.size - 1, kSizeLie);
      return with_header();
    case ParentFault::kWrongSegment:
      header.size += peer::kWirePieceBytes;
      message = spoiled(message);
      return with_header();
    case ParentFault::kWrongBytes:
      return spoiled(message);
    case ParentFault::kFlipsBits:
      return flipped(message);
    case ParentFault::kOtherMedia:
      return other_media(message);
    case ParentFault::kNeverSends:
      return std::nullopt;
    case ParentFault::kStopsMidway:
      return first ? std::optional(message) : std::nullopt;
    case ParentFault::kClosesMidway:
      closes_ = true;
      return message;
    case ParentFault::kCuts:
      return part_of(message, 0, bytes / 2 + 1);
    case ParentFault::kDrips:
      for (size_t from = 0; from < bytes; from += peer::kWirePieceBytes) {
        following.free_at = std::max(following.free_at, now) + kDrip;
        Message piece =
            part_of(message, from, std::min<size_t>(bytes - from, peer::kWirePieceBytes));
        piece.head = text_of(header);
        ++header.piece;
        say(std::move(piece), following.free_at - now);
      }
      return std::nullopt;
    case ParentFault::kEmptyPackets:
      if (first) say(bytes_message(message.head, {}), kEmpty, kForLong);
      return std::nullopt;
    case ParentFault::kTwice:
      say(message);
      return message;
    case ParentFault::kUnasked:
      header.transfer += 1'000;
      say(with_header());
      return message;
    default:
      return message;
  }
}

void show_at_most(int32_t extension, Message& message) {
  if (extension >= peer::kExtension || !message.text) return;
  if (message.as_text().find("\"hlsmesh\"") == std::string_view::npos) return;
  std::optional<peer::Fields> said = read(message);
  if (!said || !said->hlsmesh || *said->hlsmesh <= extension) return;
  said->hlsmesh = extension;
  said->lead = false;
  message = text_message(*said);
}

}  // namespace hlsmesh::sim

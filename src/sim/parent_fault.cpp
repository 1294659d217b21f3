#include "sim/parent_fault.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/peer_messages.hpp"

namespace hlsmesh::sim {
namespace {

// How far a lie about the size is off: less than a packet, so that only the sum tells.
constexpr int64_t kSizeLie = 1000;

Message text_message(const std::string& text) {
  Message out;
  out.text = true;
  out.own.assign(text.begin(), text.end());
  out.size = text.size();
  return out;
}

}  // namespace

std::optional<Message> FaultyParent::pass(PeerHandle peer, Message message) {
  if (fault_ == ParentFault::kNone) return message;
  if (fault_ == ParentFault::kSilent) return std::nullopt;
  if (message.text) return header(peer, message);
  Following& following = following_[peer];
  if (following.pass > 0) {
    --following.pass;
    return message;
  }
  if (following.drop > 0) {
    --following.drop;
    return std::nullopt;
  }
  return message;
}

std::optional<Message> FaultyParent::header(PeerHandle peer, const Message& original) {
  const peer::ParseResult parsed = peer::parse(original.as_text());
  const auto* message = std::get_if<peer::Message>(&parsed);
  const auto* announced = message == nullptr ? nullptr : std::get_if<peer::Binary>(message);
  if (announced == nullptr) return original;
  peer::Binary out = *announced;
  switch (fault_) {
    case ParentFault::kLacks:
      following_[peer] = {0, out.attachments};
      return text_message(peer::serialize(peer::Lack{out.url, out.sn, out.current, out.rendition}));
    case ParentFault::kClaimsMore:
      out.size += kSizeLie;
      break;
    case ParentFault::kClaimsLess:
      out.size -= kSizeLie;
      break;
    case ParentFault::kWrongSegment:
      out.sn = MediaSequence(out.sn.value() + 1);
      break;
    case ParentFault::kStopsMidway:
      following_[peer] = {1, out.attachments - 1};
      break;
    case ParentFault::kGarbage:
      following_[peer] = {0, out.attachments};
      return text_message("{\"event\":\"BINARY\",");
    case ParentFault::kDrips:
    case ParentFault::kEmptyPackets: {
      following_[peer] = {0, out.attachments};
      const bool drips = fault_ == ParentFault::kDrips;
      Message packet;
      packet.own.resize(drips ? 1 : 0);
      packet.size = packet.own.size();
      out.attachments = peer::kMaxAttachments;
      repeated_ = Repeated{packet, std::chrono::milliseconds(drips ? 1'300 : 100), out.attachments};
      break;
    }
    case ParentFault::kLateLacks:
      following_[peer] = {0, out.attachments};
      repeated_ = Repeated{
          text_message(peer::serialize(peer::Lack{out.url, out.sn, out.current, out.rendition})),
          std::chrono::milliseconds(1'900), 1};
      return std::nullopt;
    case ParentFault::kNone:
    case ParentFault::kSilent:
      break;
  }
  return text_message(peer::serialize(out));
}

}  // namespace hlsmesh::sim

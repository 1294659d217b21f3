#include "client/link/channel.hpp"

#include <cassert>
#include <utility>

namespace hlsmesh {

void Channel::open(TimeMs now, size_t max_message_bytes) {
  packet_bytes_ = std::min(kPacketBytes, packet_limit_);
  if (max_message_bytes > 0) packet_bytes_ = std::min(packet_bytes_, max_message_bytes);
  packet_bytes_ = std::max<size_t>(packet_bytes_, 1);
  text_at_ = now;
}

void Channel::send(TimeMs now, const peer::Fields& message) {
  std::string text = peer::write(message);
  const double drained = to_ms(now - text_at_) * kTextBytesPerMs;
  text_level_ = std::max(0.0, text_level_ - drained) + static_cast<double>(text.size());
  text_at_ = now;
  commands_.push(CommandKind::kChannelSendText, std::move(text)).peer = peer_;
}

void Channel::send(TimeMs now, const SegmentPtr& segment, size_t offset, size_t length) {
  assert(has_room(length));
  if (queued() == 0) moved_at_ = now;
  in_commands_ += length;
  commands_.push(CommandKind::kChannelSendBinary, segment, offset, length).peer = peer_;
}

void Channel::send(TimeMs now, const peer::DataHeader& header, const SegmentPtr& segment,
                   size_t offset, size_t length) {
  assert(has_piece_room(length + peer::kDataHeaderBytes));
  if (queued() == 0) moved_at_ = now;
  std::string text(peer::kDataHeaderBytes, '\0');
  peer::write_data_header(header, reinterpret_cast<uint8_t*>(text.data()));
  in_commands_ += length + peer::kDataHeaderBytes;
  commands_.push(CommandKind::kChannelSendBinary, segment, offset, length, std::move(text)).peer =
      peer_;
}

void Channel::send(TimeMs now, const peer::DataHeader& header, ByteView bytes) {
  assert(has_piece_room(bytes.size() + peer::kDataHeaderBytes));
  if (queued() == 0) moved_at_ = now;
  std::string text(peer::kDataHeaderBytes, '\0');
  peer::write_data_header(header, reinterpret_cast<uint8_t*>(text.data()));
  text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  in_commands_ += text.size();
  commands_.push(CommandKind::kChannelSendBinary, std::move(text)).peer = peer_;
}

void Channel::on_handed_over(size_t bytes) {
  assert(bytes <= in_commands_);
  in_commands_ -= bytes;
  in_channel_ += bytes;
}

}  // namespace hlsmesh

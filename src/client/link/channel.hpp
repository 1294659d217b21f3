#pragma once

#include <algorithm>
#include <cstddef>

#include "client/clock.hpp"
#include "client/command_queue.hpp"
#include "protocol/data_frame.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// The sending half of one data channel, with the engine's own count of what waits in its queue.
// Packets are bounded by that count and wait for the driver's reports. Control messages are not:
// they are small, and no report may ever come for them; they are bounded by rate instead.
class Channel {
 public:
  // Protocol section 2: packet 60 KiB.
  static constexpr size_t kPacketBytes = 61'440;
  Channel(CommandQueue& commands, PeerHandle peer, size_t queue_bytes)
      : commands_(commands),
        peer_(peer),
        packet_limit_(queue_bytes - std::min(kTextBurstBytes, queue_bytes / 4)) {}

  // `max_message_bytes`: the connection's limit on one message; 0 when it has none.
  void open(TimeMs now, size_t max_message_bytes);

  PeerHandle peer() const { return peer_; }
  // The largest packet that may be sent.
  size_t packet_bytes() const { return packet_bytes_; }
  bool has_room(size_t bytes) const { return queued() + bytes <= std::min(packet_limit_, fill_); }
  // Pieces are sent when they come, and what waits in front of them delays them.
  bool has_piece_room(size_t bytes) const {
    return queued() == 0 || queued() + bytes <= std::min(packet_limit_, fill_ - kFill + kPieceFill);
  }
  // How much the line drains while a report is on its way; 0: not known yet.
  void set_drain(double bytes) {
    fill_ = kFill + static_cast<size_t>(std::min(bytes, static_cast<double>(packet_limit_)));
  }
  // By the engine's own count: what it has sent and no report has shown to be gone.
  size_t queued() const { return in_commands_ + in_channel_; }
  // Nothing of what is queued has left for `time`: the other side takes nothing.
  bool stuck(TimeMs now, DurationMs time = DurationMs(2'000)) const {
    return queued() > 0 && now - moved_at_ >= time;
  }
  // So much is queued that a message sent now will be long on its way.
  bool congested() const { return queued() > packet_limit_ / 4; }

  void send(TimeMs now, const peer::Fields& message);
  // [offset, offset + length) of the segment; only if has_room(length).
  void send(TimeMs now, const SegmentPtr& segment, size_t offset, size_t length);
  // The same after a header of DATA; only if has_piece_room() for both.
  void send(TimeMs now, const peer::DataHeader& header, const SegmentPtr& segment, size_t offset,
            size_t length);

  // The same of bytes that are copied.
  void send(TimeMs now, const peer::DataHeader& header, ByteView bytes);

  // The driver took `bytes` of packets out of the command queue.
  void on_handed_over(size_t bytes);
  // Returns how much of what was handed over has left since the last report.
  size_t on_writable(TimeMs now, size_t buffered_amount) {
    const size_t before = in_channel_;
    // No report follows for what is below the mark.
    in_channel_ = buffered_amount <= kLowWaterBytes ? 0 : buffered_amount;
    if (in_channel_ < before) moved_at_ = now;
    return before - std::min(before, buffered_amount);
  }

  // Whether the other side has made us say more than any honest peer would.
  bool flooded() const { return text_level_ > static_cast<double>(kTextBurstBytes); }

 private:
  // An honest peer draws a few hundred bytes of control messages a second from us, at most. One
  // that never reads, and asks and asks, must not fill the memory of the browser.
  static constexpr size_t kTextBurstBytes = 64 * 1024;
  // Enough beyond the driver's low-water mark to see the queue drain. What waits here delays every
  // message behind it, so a slow line gets no more.
  static constexpr size_t kFill = 448 * 1024;
  static constexpr size_t kPieceFill = 96 * 1024;
  static constexpr double kTextBytesPerMs = 16;

  CommandQueue& commands_;
  PeerHandle peer_;
  size_t packet_limit_;
  size_t fill_ = kFill;
  size_t packet_bytes_ = kPacketBytes;
  size_t in_commands_ = 0;  // packets not yet drained by the driver
  size_t in_channel_ = 0;
  TimeMs moved_at_{};  // when something left last, or was queued in front of nothing
  double text_level_ = 0;
  TimeMs text_at_{};
};

}  // namespace hlsmesh

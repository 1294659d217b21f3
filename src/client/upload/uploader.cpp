#include "client/upload/uploader.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh {

peer::Fields answer_to(const peer::Fields& request, peer::Event event) {
  peer::Fields answer = request;
  answer.event = event;
  return answer;
}

bool Uploader::on_request(TimeMs now, peer::Fields request) {
  if (queue_.size() >= kMostQueued) return false;
  queue_.push_back(Queued{std::move(request), now});
  return true;
}

size_t Uploader::pump(TimeMs now, Channel& channel, SegmentShelf& shelf) {
  size_t sent = 0;
  do {
    sent += send_packets(now, channel);
  } while (serving_ == nullptr && answer_next(now, channel, shelf));
  if (sent > 0) progress_at_ = now;
  // The channel is full: what waits behind the transfer must not wait past its time.
  while (serving_ != nullptr && !queue_.empty() && now - queue_.front().arrived_at >= kHold) {
    lack(now, channel, shelf, queue_.front().request);
    queue_.pop_front();
  }
  return sent;
}

size_t Uploader::send_packets(TimeMs now, Channel& channel) {
  size_t total = 0;
  while (serving_ != nullptr) {
    const size_t length = std::min(channel.packet_bytes(), serving_->size() - sent_);
    if (!channel.has_room(length)) break;
    channel.send(now, serving_, sent_, length);
    sent_ += length;
    total += length;
    if (sent_ == serving_->size()) serving_ = nullptr;
  }
  return total;
}

// Answers the first request that can be answered. False if none can.
bool Uploader::answer_next(TimeMs now, Channel& channel, SegmentShelf& shelf) {
  for (auto entry = queue_.begin(); entry != queue_.end(); ++entry) {
    const peer::Fields& request = entry->request;
    SegmentPtr segment = shelf.find(now, request);
    size_t packets = 0;
    if (segment != nullptr) {
      packets = (segment->size() + channel.packet_bytes() - 1) / channel.packet_bytes();
    } else if (now - entry->arrived_at < kHold && shelf.coming(now, request)) {
      continue;
    }
    SegmentShelf::Turn turn = SegmentShelf::Turn::kRefused;
    if (packets > 0 && packets <= static_cast<size_t>(peer::kMaxAttachments)) {
      turn = shelf.turn(now, channel.peer(), *segment, now - entry->arrived_at >= kHold);
    }
    if (turn == SegmentShelf::Turn::kLater) continue;
    if (turn == SegmentShelf::Turn::kRefused) {
      lack(now, channel, shelf, request);
    } else {
      peer::Fields header = answer_to(request, peer::Event::kBinary);
      header.attachments = static_cast<int64_t>(packets);
      header.size = static_cast<int64_t>(segment->size());
      header.current = shelf.newest(now);
      channel.send(now, header);
      serving_ = std::move(segment);
      sent_ = 0;
      progress_at_ = now;
    }
    queue_.erase(entry);
    return true;
  }
  return false;
}

void Uploader::lack(TimeMs now, Channel& channel, SegmentShelf& shelf,
                    const peer::Fields& request) {
  peer::Fields answer = answer_to(request, peer::Event::kLack);
  const MediaSequence newest = shelf.newest(now);
  if (newest.value() >= 0) answer.current = newest;
  channel.send(now, answer);
}

TimeMs Uploader::next_due() const {
  TimeMs due = queue_.empty() ? kNever : queue_.front().arrived_at + kHold;
  if (serving_ != nullptr) due = std::min(due, progress_at_ + kStalled);
  return due;
}

}  // namespace hlsmesh

#include "client/upload/piece_orders.hpp"

#include <algorithm>
#include <utility>

#include "protocol/data_frame.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh {
namespace {

// What a neighbor says beyond this is taken for this: nobody holds a place in the queue for longer.
constexpr int64_t kMostWithinMs = 60'000;

// Pieces that come within this time are told together.
constexpr DurationMs kTellEvery{40};

}  // namespace

bool PieceOrders::on_want(TimeMs now, peer::Fields want, PeerHandle from, SegmentShelf& shelf) {
  if (want.rendition) {
    if (orders_.size() >= kMostOpen || want.transfer <= last_transfer_) return false;
    last_transfer_ = want.transfer;
    Order& order = orders_.emplace_back();
    order.until = now + DurationMs(std::clamp<int64_t>(want.within, 1, kMostWithinMs));
    order.want = std::move(want);
    return true;
  }
  for (Order& order : orders_) {
    if (order.want.transfer != want.transfer) continue;
    PieceSet pieces;
    if (!peer::from_text(want.pieces, pieces)) return false;
    // What it was not told of it cannot ask for.
    pieces.keep(order.told);
    pieces.remove(order.queued);
    const size_t bytes = static_cast<size_t>(pieces.count()) * peer::kWirePieceBytes;
    if (shelf.admit(now, from, *order.body, bytes)) order.queued.add(pieces);
    return true;
  }
  return true;  // it crossed our LACK
}

void PieceOrders::on_cancel(const peer::Fields& cancel) {
  for (auto order = orders_.begin(); order != orders_.end(); ++order) {
    if (order->want.transfer != cancel.transfer) continue;
    PieceSet pieces;
    if (cancel.pieces.empty() || !peer::from_text(cancel.pieces, pieces)) {
      orders_.erase(order);
    } else {
      order->queued.remove(pieces);
    }
    return;
  }
}

void PieceOrders::tell(TimeMs now, Channel& channel, SegmentShelf& shelf) {
  for (auto entry = orders_.begin(); entry != orders_.end();) {
    const auto order = entry++;
    if (order->body == nullptr) {
      order->body = shelf.find_any(now, order->want);
      if (order->body != nullptr) {
        order->size = order->body->expected();
      } else if (now >= order->until || !shelf.coming(now, order->want)) {
        lack(now, channel, shelf, *order);
        orders_.erase(order);
        continue;
      } else {
        continue;
      }
    }
    const SegmentPtr& body = order->body;
    if (body->expected() != order->size || (!body->complete() && !shelf.is_alive(body))) {
      // Its download has failed, or begun anew; or it is longer or shorter than it was said to be.
      lack(now, channel, shelf, *order);
      orders_.erase(order);
      continue;
    }
    if (now < order->tell_at && !body->complete()) continue;
    PieceSet news = body->pieces();
    news.remove(order->told);
    if (news.empty()) continue;
    peer::Fields have;
    have.event = peer::Event::kHave;
    have.transfer = order->want.transfer;
    have.size = static_cast<int64_t>(order->size);
    have.pieces = peer::to_text(news);
    channel.send(now, have);
    order->told.add(news);
    order->tell_at = now + kTellEvery;
  }
}

size_t PieceOrders::send(Channel& channel, SegmentShelf& shelf, bool again) {
  const size_t most = std::max<size_t>(
      1, std::min(channel.packet_bytes(), peer::kMostFrameBytes) / peer::kWirePieceBytes);
  for (Order& order : orders_) {
    if (order.queued.empty()) continue;
    PieceSet& spread = shelf.spread(order.body);
    PieceSet choice = order.queued;
    if (!again) choice.remove(spread);
    const uint32_t first = choice.first();
    if (first == PieceSet::kMost) continue;
    const uint32_t end = std::min(choice.run_end(first), first + static_cast<uint32_t>(most));
    const size_t offset = static_cast<size_t>(first) * peer::kWirePieceBytes;
    const size_t bytes =
        std::min(static_cast<size_t>(end) * peer::kWirePieceBytes, order.size) - offset;
    const size_t length = bytes + peer::kDataHeaderBytes;
    if (!channel.has_piece_room(length) || !shelf.line_has_room(length)) return 0;
    peer::DataHeader header;
    header.transfer = order.want.transfer;
    header.piece = first;
    header.size = static_cast<uint32_t>(order.size);
    channel.send(header, order.body, offset, bytes);
    for (uint32_t at = first; at < end; ++at) order.queued.remove(at);
    spread.add(first, end - 1);
    return bytes;
  }
  return 0;
}

void PieceOrders::lack(TimeMs now, Channel& channel, SegmentShelf& shelf, const Order& order) {
  peer::Fields answer;
  answer.event = peer::Event::kLack;
  answer.transfer = order.want.transfer;
  const MediaSequence newest = shelf.newest(now);
  if (newest.value() >= 0) answer.current = newest;
  channel.send(now, answer);
}

bool PieceOrders::busy() const {
  return std::any_of(orders_.begin(), orders_.end(),
                     [](const Order& order) { return !order.queued.empty(); });
}

bool PieceOrders::waits_for(const SegmentPtr& body) const {
  return std::any_of(orders_.begin(), orders_.end(), [&](const Order& order) {
    return order.body == nullptr || order.body == body;
  });
}

TimeMs PieceOrders::next_due() const {
  TimeMs due = kNever;
  for (const Order& order : orders_) {
    if (order.body == nullptr) {
      due = std::min(due, order.until);
    } else if (!order.body->complete() && order.body->committed_bytes() >
               static_cast<size_t>(order.told.count()) * peer::kWirePieceBytes +
                   peer::kWirePieceBytes) {
      due = std::min(due, order.tell_at);
    }
  }
  return due;
}

}  // namespace hlsmesh

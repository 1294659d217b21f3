#include "client/upload/piece_orders.hpp"

#include <algorithm>
#include <utility>

#include "protocol/data_frame.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh {
namespace {

// What a neighbor says beyond this is taken for this: nobody holds a place in the queue for longer.
constexpr int64_t kMostWithinMs = 60'000;

// A transfer of a whole segment of which nothing is asked for this long is over.
constexpr DurationMs kIdle{10'000};

// How many times the pieces of a segment may be asked for on average: some twice, where DATA and a
// CANCEL crossed.
constexpr uint32_t kMostTimes = 2;

// Pieces that come within this time are told together.
constexpr DurationMs kTellEvery{40};

}  // namespace

PieceOrders::Reaction PieceOrders::on_want(TimeMs now, peer::Fields want, Channel& channel,
                                           SegmentShelf& shelf) {
  if (want.rendition) {
    if (orders_.size() >= kMostOpen || want.transfer <= last_transfer_) return Reaction::kOffence;
    last_transfer_ = want.transfer;
    Order& order = orders_.emplace_back();
    order.until = now + DurationMs(std::clamp<int64_t>(want.within, 1, kMostWithinMs));
    order.want = std::move(want);
    return Reaction::kNews;
  }
  for (Order& order : orders_) {
    if (order.want.transfer != want.transfer) continue;
    PieceSet pieces;
    if (!peer::from_text(want.pieces, pieces)) return Reaction::kOffence;
    if (want.digests && !std::exchange(order.digests_asked, true)) order.digests_from = 0;
    // What it was not told of it cannot ask for.
    pieces.keep(order.told);
    pieces.remove(order.queued);
    if (pieces.empty()) return Reaction::kNothing;
    order.until = now + kIdle;
    if (order.sent + order.queued.count() + pieces.count() > order.told.count() * kMostTimes) {
      lack(now, channel, shelf, order, pieces);
      return Reaction::kNothing;
    }
    order.queued.add(pieces);
    return Reaction::kNews;
  }
  return Reaction::kNothing;  // it crossed our LACK
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

void PieceOrders::tell(TimeMs now, Channel& channel, SegmentShelf& shelf, const SegmentPtr& fresh) {
  const bool carries = channel.packet_bytes() >= peer::kWirePieceBytes + peer::kDataHeaderBytes;
  for (auto entry = orders_.begin(); entry != orders_.end();) {
    const auto order = entry++;
    if (fresh != nullptr && order->body != nullptr) {
      const bool due = now >= order->tell_at || fresh->complete();
      if (order->body == fresh && due) tell(now, channel, shelf, *order);
      continue;
    }
    if (!carries || !stands(now, channel.peer(), shelf, *order)) {
      lack(now, channel, shelf, *order);
      orders_.erase(order);
    } else if (order->body != nullptr && (now >= order->tell_at || order->body->complete())) {
      tell(now, channel, shelf, *order);
    }
  }
}

bool PieceOrders::stands(TimeMs now, PeerHandle to, SegmentShelf& shelf, Order& order) {
  if (order.body == nullptr) {
    order.body = shelf.find_any(now, order.want);
    if (order.body == nullptr) return now < order.until && shelf.coming(now, order.want);
    order.size = order.body->expected();
    order.until = now + kIdle;
    return shelf.may_begin(now, to, *order.body);
  }
  // Whoever says nothing of a segment that is there keeps it in memory for nothing.
  if (order.body->complete() && order.queued.empty() && now >= order.until) return false;
  // Its download may have failed or begun anew; or it is longer or shorter than it was said to be.
  return order.body->expected() == order.size && shelf.may_give(order.body);
}

void PieceOrders::tell(TimeMs now, Channel& channel, SegmentShelf& shelf, Order& order) {
  PieceSet held;
  shelf.add_held(channel.peer(), *order.body, held);
  PieceSet left = order.body->pieces();
  held.keep(left);
  order.told.add(held);
  left.remove(order.told);
  if (!left.empty()) left.remove(shelf.doubted(now, *order.body));
  const uint32_t end = shelf.told_before(now, *order.body, held);
  for (;;) {
    PieceSet news = left;
    order.held_back = news.first(end) < PieceSet::kMost;
    news.cut(end);
    if (news.empty()) return;
    peer::Fields have;
    have.event = peer::Event::kHave;
    have.transfer = order.want.transfer;
    have.size = static_cast<int64_t>(order.size);
    have.pieces = peer::to_text(news);
    have.digests = order.body->digests() != nullptr;
    channel.send(now, have);
    // The text has no room for all runs of pieces.
    PieceSet said;
    peer::from_text(have.pieces, said);
    said.keep(news);
    order.told.add(said);
    left.remove(said);
    order.tell_at = now + kTellEvery;
    order.until = now + kIdle;
  }
}

size_t PieceOrders::send(TimeMs now, Channel& channel, SegmentShelf& shelf, bool again) {
  // tell() refuses everything where not even one piece fits.
  constexpr size_t kOne = peer::kWirePieceBytes + peer::kDataHeaderBytes;
  const size_t most =
      (std::max(channel.packet_bytes(), kOne) - peer::kDataHeaderBytes) / peer::kWirePieceBytes;
  for (Order& order : orders_) {
    if (order.owes_digests()) {
      const size_t bytes = send_digests(now, channel, shelf, order);
      if (bytes > 0 || order.owes_digests()) return bytes;
    }
    if (order.queued.empty()) continue;
    PieceSet& spread = shelf.spread(*order.body);
    PieceSet choice = order.queued;
    if (!again && shelf.passes_on(channel.peer())) {
      choice.remove(spread);
      // Without the first one nobody passes on the others.
      if (order.queued.has(0) && shelf.is_live()) choice.add(0);
    }
    const uint32_t first = choice.first();
    if (first == PieceSet::kMost) continue;
    const uint32_t end = std::min(choice.run_end(first), first + static_cast<uint32_t>(most));
    const size_t offset = static_cast<size_t>(first) * peer::kWirePieceBytes;
    const size_t bytes =
        std::min(static_cast<size_t>(end) * peer::kWirePieceBytes, order.size) - offset;
    const size_t length = bytes + peer::kDataHeaderBytes;
    if (!channel.has_piece_room(length) || !shelf.line_has_room(now, channel.peer(), length))
      return 0;
    PieceSet sent;
    sent.add(first, end - 1);
    order.queued.remove(sent);
    order.until = now + kIdle;
    if (!shelf.admit(now, channel.peer(), *order.body, bytes)) {
      lack(now, channel, shelf, order, sent);
      continue;
    }
    order.sent += end - first;
    if (order.sent * 2 > order.told.count()) shelf.note_given(channel.peer(), *order.body);
    spread.add(sent);
    peer::DataHeader header;
    header.transfer = order.want.transfer;
    header.piece = first;
    header.size = static_cast<uint32_t>(order.size);
    channel.send(now, header, order.body, offset, bytes);
    return bytes;
  }
  return 0;
}

size_t PieceOrders::send_digests(TimeMs now, Channel& channel, SegmentShelf& shelf, Order& order) {
  const PieceDigests& digests = *order.body->digests();
  peer::DataHeader header;
  header.digests = true;
  header.transfer = order.want.transfer;
  header.piece = static_cast<uint32_t>(order.digests_from);
  header.size = static_cast<uint32_t>(order.size);
  const size_t most = (channel.packet_bytes() - peer::kDataHeaderBytes) / sizeof(Digest);
  const ByteView rest = digests.bytes().subspan(order.digests_from * sizeof(Digest));
  const ByteView part = rest.first(std::min(rest.size(), most * sizeof(Digest)));
  const size_t length = part.size() + peer::kDataHeaderBytes;
  if (!channel.has_piece_room(length) || !shelf.line_has_room(now, channel.peer(), length)) {
    return 0;
  }
  if (!shelf.admit(now, channel.peer(), *order.body, part.size())) {
    order.digests_from = SIZE_MAX;
    return 0;
  }
  channel.send(now, header, part);
  order.digests_from += part.size() / sizeof(Digest);
  order.until = now + kIdle;
  return part.size();
}

void PieceOrders::lack(TimeMs now, Channel& channel, SegmentShelf& shelf, const Order& order,
                       const PieceSet& pieces) {
  peer::Fields answer;
  answer.event = peer::Event::kLack;
  answer.transfer = order.want.transfer;
  if (!pieces.empty()) answer.pieces = peer::to_text(pieces);
  const MediaSequence newest = shelf.newest(now);
  if (newest.value() >= 0) answer.current = newest;
  channel.send(now, answer);
}

bool PieceOrders::busy() const {
  return std::any_of(orders_.begin(), orders_.end(), [](const Order& order) {
    return !order.queued.empty() || order.owes_digests();
  });
}

bool PieceOrders::waits() const {
  return std::any_of(orders_.begin(), orders_.end(), [](const Order& order) {
    return order.body == nullptr || !order.body->complete() || !order.queued.empty();
  });
}

bool PieceOrders::waits_for(const SegmentPtr& body) const {
  return std::any_of(orders_.begin(), orders_.end(), [&](const Order& order) {
    return order.body == nullptr || order.body == body;
  });
}

TimeMs PieceOrders::next_due() const {
  TimeMs due = kNever;
  for (const Order& order : orders_) {
    if (order.body == nullptr || (order.body->complete() && order.queued.empty())) {
      due = std::min(due, order.until);
    } else if (!order.body->complete() && !order.held_back &&
               order.body->committed_bytes() >
                   static_cast<size_t>(order.told.count()) * peer::kWirePieceBytes +
                       peer::kWirePieceBytes) {
      due = std::min(due, order.tell_at);
    }
  }
  return due;
}

}  // namespace hlsmesh

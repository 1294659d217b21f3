#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "check.hpp"
#include "common/bytes.hpp"
#include "common/piece_set.hpp"
#include "media/segment_key.hpp"
#include "protocol/data_frame.hpp"
#include "protocol/peer_messages.hpp"
#include "protocol/piece_text.hpp"
#include "published.hpp"
#include "reader.hpp"

namespace hlsmesh::fuzz {

// A peer of the engine: what has been said on its data channel, by the words of docs/PROTOCOL.md,
// and what it may say next.
class Neighbor {
 public:
  int32_t handle = 0;
  bool open = false;
  size_t max_message = 0;
  // It says that it has the digests of what it holds.
  bool has_digests = false;

  // --- what the engine says
  void on_text(std::string_view text) {
    require(text.size() <= peer::kMaxTextBytes);
    const peer::ParseResult parsed = peer::parse(text);
    const auto* const message = std::get_if<peer::Message>(&parsed);
    require(message != nullptr);
    if (const auto* want = std::get_if<peer::Want>(message)) {
      on_want(*want);
    } else if (const auto* have = std::get_if<peer::Have>(message)) {
      if (have->transfer) on_have(*have);
    } else if (const auto* cancel = std::get_if<peer::Cancel>(message)) {
      const auto ask = asks_.find(cancel->transfer);
      require(ask != asks_.end());
      PieceSet gone = PieceSet::all();
      if (cancel->pieces) require(peer::from_text(*cancel->pieces, gone));
      ask->second.due.remove(gone);
      if (!cancel->pieces) asks_.erase(ask);
    } else if (const auto* lack = std::get_if<peer::Lack>(message)) {
      if (!lack->transfer) return;
      const auto order = orders_.find(*lack->transfer);
      require(order != orders_.end());
      PieceSet gone;
      if (lack->pieces) require(peer::from_text(*lack->pieces, gone));
      order->second.due.remove(gone);
      if (!lack->pieces) orders_.erase(order);
    } else if (const auto* request = std::get_if<peer::Request>(message)) {
      request_ = *request;
    } else if (const auto* binary = std::get_if<peer::Binary>(message)) {
      packets_ = binary->attachments;
      left_ = static_cast<size_t>(binary->size);
      at_ = 0;
      sn_ = binary->sn.value();
    }
  }
  void on_binary(std::string_view head, ByteView data, bool poisoned) {
    require(head.size() + data.size() <= max_message);
    if (packets_ > 0) {
      require(head.empty() && !data.empty() && data.size() <= left_);
      check(sn_, at_, data, poisoned);
      at_ += data.size();
      left_ -= data.size();
      require((--packets_ == 0) == (left_ == 0));
      return;
    }
    peer::DataHeader header;
    const ByteView bytes(reinterpret_cast<const uint8_t*>(head.data()), head.size());
    require(head.size() == peer::kDataHeaderBytes && peer::read_data_header(bytes, header));
    const auto order = orders_.find(header.transfer);
    require(order != orders_.end());
    // Whoever has said that it holds a piece is not told so, and may ask for it all the same.
    require(order->second.size == 0 || order->second.size == header.size);
    if (header.digests) return on_digests(order->second, header, data);
    const uint32_t count = peer::whole_pieces(header, data.size());
    require(count > 0);
    for (uint32_t at = header.piece; at < header.piece + count; ++at) {
      require(order->second.due.has(at));
      order->second.due.remove(at);
    }
    check(order->second.sn, size_t{header.piece} * peer::kWirePieceBytes, data, poisoned);
  }

  // --- what it says, right or wrong
  std::string say(Reader& in) {
    peer::Message message = peer::Close{};
    switch (in.below(8)) {
      case 0: {
        const uint8_t what = in.next();
        peer::KeepAlive alive;
        if ((what & 1) != 0) alive.current = MediaSequence(what >> 4);
        if ((what & 2) != 0) alive.hlsmesh = what >> 2 & 3;
        alive.lead = (what & 16) != 0;
        if ((what & 32) != 0) {
          message = peer::KeepAliveAck{alive.current, alive.hlsmesh, alive.lead};
        } else {
          message = alive;
        }
        break;
      }
      case 1:
        message = opening(in);
        break;
      case 2: {
        peer::Want want;
        want.transfer = pick(orders_, in);
        want.pieces = pieces(in);
        const auto order = orders_.find(want.transfer);
        want.digests = order != orders_.end() && order->second.has_digests;
        if (want.digests) order->second.digests_asked = true;
        PieceSet due;
        require(peer::from_text(*want.pieces, due));
        if (order != orders_.end()) order->second.due.add(due);
        message = want;
        break;
      }
      case 3: {
        peer::Have have;
        have.transfer = pick(asks_, in);
        have.pieces = pieces(in);
        const uint8_t how = in.next();
        have.size = static_cast<int64_t>(size_of(how));
        const auto ask = asks_.find(*have.transfer);
        if (ask != asks_.end() && how % 8 != 0) {
          have.size = static_cast<int64_t>(size_of(ask->second.sn));
        }
        if (ask != asks_.end()) {
          ask->second.size = static_cast<uint32_t>(have.size);
          PieceSet held;
          require(peer::from_text(have.pieces, held));
          ask->second.held.add(held);
          have.digests = has_digests;
        }
        message = have;
        break;
      }
      case 4: {
        peer::Have have;
        have.sn = MediaSequence(in.below(8));
        have.url = url_of(have.sn.value());
        have.rendition = asking(have.sn.value());
        message = have;
        break;
      }
      case 5: {
        peer::Lack lack;
        lack.transfer = pick(asks_, in);
        const auto ask = asks_.find(*lack.transfer);
        if ((in.next() & 1) != 0) lack.pieces = pieces(in);
        if (ask != asks_.end()) {
          PieceSet gone = PieceSet::all();
          if (lack.pieces) require(peer::from_text(*lack.pieces, gone));
          ask->second.due.remove(gone);
          if (!lack.pieces) asks_.erase(ask);
        }
        message = lack;
        break;
      }
      case 6: {
        peer::Cancel cancel;
        cancel.transfer = pick(orders_, in);
        const auto order = orders_.find(cancel.transfer);
        if ((in.next() & 1) != 0) cancel.pieces = pieces(in);
        if (order != orders_.end()) {
          PieceSet gone = PieceSet::all();
          if (cancel.pieces) require(peer::from_text(*cancel.pieces, gone));
          order->second.due.remove(gone);
          if (!cancel.pieces) orders_.erase(order);
        }
        message = cancel;
        break;
      }
      case 7:
        message = version1(in);
        break;
    }
    return peer::serialize(message);
  }
  // A binary message of bytes that are the segment's: pieces that were asked for, mostly. Empty if
  // there is nothing to send.
  std::string data(Reader& in) {
    const uint8_t how = in.next();
    if (sending_ > 0) return packet();
    const auto ask = asks_.find(pick(asks_, in));
    if (ask == asks_.end()) return {};
    if (ask->second.digests_asked && how % 16 != 2) return digests(ask->first, ask->second, in);
    peer::DataHeader header;
    header.transfer = ask->first;
    header.size = ask->second.size;
    if (header.size == 0) header.size = static_cast<uint32_t>(size_of(ask->second.sn));
    const uint32_t first = ask->second.due.first();
    header.piece = first < PieceSet::kMost && how % 16 != 0 ? first : how % 8u;
    if (size_t{header.piece} * peer::kWirePieceBytes >= header.size) header.piece = 0;
    const uint32_t run = ask->second.due.run_end(header.piece) - header.piece;
    const uint32_t count = how % 16 == 1 ? 2 : std::clamp<uint32_t>(run, 1, 1 + how % 3u);
    const size_t from = size_t{header.piece} * peer::kWirePieceBytes;
    const size_t bytes = std::min(size_t{count} * peer::kWirePieceBytes, header.size - from);
    for (uint32_t at = 0; at < count; ++at) ask->second.due.remove(header.piece + at);
    std::string message(peer::kDataHeaderBytes, '\0');
    peer::write_data_header(header, reinterpret_cast<uint8_t*>(message.data()));
    for (size_t i = 0; i < bytes; ++i) {
      message.push_back(static_cast<char>(byte_of(ask->second.sn, from + i)));
    }
    return message;
  }

 private:
  struct Transfer {
    int64_t sn = 0;
    uint32_t size = 0;           // 0: nothing was said of it
    PieceSet held;               // as the giver has said
    PieceSet due;                // asked for, and neither sent nor cancelled
    bool has_digests = false;    // its giver has them
    bool digests_asked = false;  // and not all are sent
    size_t digests_sent = 0;
  };
  using Transfers = std::map<uint32_t, Transfer>;

  static void check(int64_t sn, size_t from, ByteView data, bool poisoned) {
    for (size_t i = 0; i < data.size() && !poisoned; ++i) require(data[i] == byte_of(sn, from + i));
  }
  // Those of all pieces, once, in order.
  static void on_digests(Transfer& order, const peer::DataHeader& header, ByteView data) {
    const ByteView all = digests_of(order.sn).bytes();
    const size_t from = size_t{header.piece} * sizeof(Digest);
    require(order.digests_asked && header.piece == order.digests_sent && !data.empty());
    require(data.size() % sizeof(Digest) == 0 && from + data.size() <= all.size());
    require(std::equal(data.begin(), data.end(), all.begin() + static_cast<ptrdiff_t>(from)));
    order.digests_sent += data.size() / sizeof(Digest);
  }
  // The next digests that it owes; now and then with a wrong one, or of another piece.
  static std::string digests(uint32_t transfer, Transfer& ask, Reader& in) {
    const uint8_t how = in.next();
    const ByteView all = digests_of(ask.sn).bytes();
    const size_t from = ask.digests_sent * sizeof(Digest);
    const size_t some = sizeof(Digest) * (1 + how % 64u);
    const ByteView part = all.subspan(from, std::min(some, all.size() - from));
    peer::DataHeader header;
    header.transfer = transfer;
    header.digests = true;
    header.size = ask.size != 0 ? ask.size : static_cast<uint32_t>(size_of(ask.sn));
    header.piece = static_cast<uint32_t>(ask.digests_sent) + (how > 250 ? 1 : 0);
    ask.digests_sent += part.size() / sizeof(Digest);
    if (ask.digests_sent == digests_of(ask.sn).count()) ask.digests_asked = false;
    std::string message(peer::kDataHeaderBytes, '\0');
    peer::write_data_header(header, reinterpret_cast<uint8_t*>(message.data()));
    message.append(part.begin(), part.end());
    if (how > 240 && how <= 250) message.back() = static_cast<char>(message.back() ^ 1);
    return message;
  }
  static std::string asking(int64_t sn) {
    ChannelRenditions renditions;
    renditions.clear("https://cdn.example/live/master.m3u8");
    RenditionFacts facts;
    facts.bitrate = 1'000'000;
    facts.playlist_url = "https://cdn.example/live/v0.m3u8";
    renditions.add(std::move(facts));
    const std::string name = url_of(sn);
    SegmentFacts of;
    of.sn = MediaSequence(sn);
    of.url = name;
    of.playlist_url = renditions.playlist_url(TrackKind::kMain, 0);
    Segment segment;
    segment.key = make_key(renditions.signature(TrackKind::kMain, 0), of);
    segment.place = renditions.place(TrackKind::kMain, 0);
    return asking_name(segment);
  }
  // One of them, or now and then one that is not open.
  static uint32_t pick(const Transfers& transfers, Reader& in) {
    const uint8_t which = in.next();
    if (transfers.empty() || which > 250) return 1 + which % 64u;
    auto each = transfers.begin();
    std::advance(each, which % transfers.size());
    return each->first;
  }
  static std::string pieces(Reader& in) {
    const uint8_t how = in.next();
    PieceSet set;
    const uint32_t first = how & 15;
    if (how < 128) {
      set.add(first, first + (how >> 4));
    } else if (how < 192) {
      set = PieceSet::all();
    } else {
      for (uint32_t at = first; at < 48; at += 2 + (how >> 4 & 3)) set.add(at);
    }
    return peer::to_text(set);
  }
  peer::Want opening(Reader& in) {
    const uint8_t how = in.next();
    peer::Want want;
    want.sn = MediaSequence(how % 8);
    want.url = url_of(how % 8);
    want.rendition = asking(how % 8);
    want.within = in.next() * 20;
    // Now and then a number that may not be.
    want.transfer = how > 250 ? 1 + how % 3u : last_order_ + 1;
    // Whether it is open on the engine's side, the engine's answer shows.
    if (want.transfer > last_order_) {
      last_order_ = want.transfer;
      orders_[want.transfer].sn = want.sn.value();
    }
    return want;
  }
  peer::Message version1(Reader& in) {
    const uint8_t how = in.next();
    const int64_t sn = how % 8;
    if (how < 128) {
      return peer::Request{url_of(sn), MediaSequence(sn), asking(sn)};
    }
    if (!request_) return peer::Lack{"seg1.ts", MediaSequence(1), std::nullopt, std::nullopt};
    if (how < 160)
      return peer::Lack{request_->url, request_->sn, std::nullopt, request_->rendition};
    const peer::Request request = *std::exchange(request_, std::nullopt);
    peer::Binary binary;
    binary.url = request.url;
    binary.sn = request.sn;
    binary.rendition = request.rendition;
    binary.size = static_cast<int64_t>(size_of(request.sn.value()));
    binary.attachments = (binary.size + 61'439) / 61'440;
    sending_ = static_cast<size_t>(binary.size);
    sent_ = 0;
    sending_sn_ = request.sn.value();
    return binary;
  }
  std::string packet() {
    std::string message;
    const size_t size = std::min<size_t>(sending_, 61'440);
    for (size_t i = 0; i < size; ++i) {
      message.push_back(static_cast<char>(byte_of(sending_sn_, sent_ + i)));
    }
    sending_ -= size;
    sent_ += size;
    return message;
  }

  void on_want(const peer::Want& want) {
    if (want.rendition) {
      require(want.transfer > last_ask_ && asks_.size() < 16);
      last_ask_ = want.transfer;
      asks_[want.transfer].sn = want.sn.value();
      return;
    }
    const auto ask = asks_.find(want.transfer);
    require(ask != asks_.end());
    PieceSet asked;
    require(peer::from_text(*want.pieces, asked));
    require(!asked.intersects(ask->second.due));
    ask->second.due.add(asked);
    asked.remove(ask->second.held);
    require(asked.empty());
    require(!want.digests || (has_digests && ask->second.digests_sent == 0));
    if (want.digests) ask->second.digests_asked = true;
  }
  void on_have(const peer::Have& have) {
    const auto order = orders_.find(*have.transfer);
    require(order != orders_.end());
    PieceSet held;
    require(peer::from_text(have.pieces, held));
    require(!held.intersects(order->second.held));
    order->second.held.add(held);
    const auto size = static_cast<uint32_t>(have.size);
    require(order->second.size == 0 || order->second.size == size);
    order->second.size = size;
    order->second.has_digests = order->second.has_digests || have.digests;
    held.cut((size + peer::kWirePieceBytes - 1) / peer::kWirePieceBytes);
    require(!held.empty());
  }

  Transfers asks_;    // of the engine
  Transfers orders_;  // of ours
  uint32_t last_ask_ = 0;
  uint32_t last_order_ = 0;
  // --- version 1
  std::optional<peer::Request> request_;  // of the engine, unanswered
  size_t sending_ = 0;                    // bytes of the packets that we owe
  size_t sent_ = 0;
  int64_t sending_sn_ = 0;
  int64_t packets_ = 0;  // that the engine owes
  size_t left_ = 0;
  size_t at_ = 0;
  int64_t sn_ = 0;
};

}  // namespace hlsmesh::fuzz

#pragma once

#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/piece_set.hpp"
#include "harness.hpp"
#include "protocol/data_frame.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh::test {

inline PieceSet pieces(std::string_view text) {
  PieceSet set;
  REQUIRE((text.empty() || peer::from_text(text, set)));
  return set;
}

// A DATA of `count` pieces of a segment with these bytes, from `first` on.
inline std::string data_of(uint32_t transfer, uint32_t first, uint32_t count,
                           std::string_view bytes) {
  std::string message(peer::kDataHeaderBytes, '\0');
  peer::write_data_header(peer::DataHeader{transfer, first, static_cast<uint32_t>(bytes.size())},
                          reinterpret_cast<uint8_t*>(message.data()));
  message +=
      bytes.substr(size_t{first} * peer::kWirePieceBytes, size_t{count} * peer::kWirePieceBytes);
  return message;
}

// A viewer whose peers speak extension 2, and say what a test has them say.
struct MeshRoom {
  Harness h;

  explicit MeshRoom(const EngineConfig& config = Harness::default_config()) : h(config) {
    h.add_renditions(true);
    h.join();
    h.playhead(0, 20);
  }

  // The tracker that it comes to next counts reports, and bans by so many of them.
  void come_to_counting_tracker(int32_t agree) {
    h.socket_closed();
    h.advance(5'000);
    h.socket_open();
    tracker_wire::Accept accept;
    accept.peer_id = PeerId{"me"};
    accept.hlsmesh = 2;
    accept.agree = agree;
    h.tracker_says(accept);
  }

  // Segment `sn`, at `span`, is the newest of the playlist, and the player has the `ahead` seconds
  // in front of it. `live`: the playlist is one, which is a part of the segment's name.
  SegmentLoad lists(int64_t sn, const MediaSpan& span, double ahead, bool live = true) {
    PlaylistFacts facts;
    facts.newest = static_cast<double>(sn);
    facts.target_duration = span.duration;
    facts.live = live;
    h.engine.on_playlist_loaded(h.now, TrackKind::kMain, 0, facts);
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    h.playhead(span.start - ahead, span.start);
    SegmentLoad segment;
    segment.sn = MediaSequence(sn);
    segment.url = "seg" + std::to_string(sn) + ".ts";
    segment.span = span;
    h.engine.list_segment(h.now, segment);
    return segment;
  }

  int32_t add_parent(const std::string& id) {
    const int32_t peer = h.open_parent(id, false);
    h.peer_says(peer, peer::KeepAlive{std::nullopt, 2});
    return peer;
  }
  int32_t add_child(const std::string& id) {
    const int32_t peer = h.open_child(id);
    h.peer_says(peer, peer::KeepAlive{std::nullopt, 2});
    return peer;
  }

  // --- the engine asks
  // The transfers that it has opened with the peer since the last clear().
  std::vector<peer::Want> opened(int32_t peer) const {
    std::vector<peer::Want> found;
    for (const peer::Want& want : h.sent<peer::Want>(peer)) {
      if (want.rendition) found.push_back(want);
    }
    return found;
  }
  // The last of them.
  uint32_t transfer(int32_t peer) const {
    const std::vector<peer::Want> wants = opened(peer);
    REQUIRE(!wants.empty());
    return wants.back().transfer;
  }
  // What it has asked for in the transfer and not taken back, since the last clear().
  PieceSet asked(int32_t peer, uint32_t transfer) const {
    PieceSet set;
    for (const peer::Message& message : h.sent_to(peer)) {
      if (const auto* want = std::get_if<peer::Want>(&message)) {
        if (want->transfer == transfer && want->pieces) set.add(pieces(*want->pieces));
      } else if (const auto* cancel = std::get_if<peer::Cancel>(&message)) {
        if (cancel->transfer == transfer) set.remove(pieces(cancel->pieces.value_or("0-")));
      }
    }
    return set;
  }
  // Transfers that it has ended with the peer since the last clear().
  std::vector<uint32_t> closed(int32_t peer) const {
    std::vector<uint32_t> found;
    for (const peer::Cancel& cancel : h.sent<peer::Cancel>(peer)) {
      if (!cancel.pieces) found.push_back(cancel.transfer);
    }
    return found;
  }

  // --- the peer answers
  void holds(int32_t peer, uint32_t transfer, const std::string& text, size_t size,
             bool digests = false) {
    peer::Have have;
    have.digests = digests;
    have.transfer = transfer;
    have.size = static_cast<int64_t>(size);
    have.pieces = text;
    h.peer_says(peer, have);
  }
  void sends(int32_t peer, uint32_t transfer, uint32_t first, uint32_t count,
             std::string_view bytes) {
    h.peer_sends(peer, data_of(transfer, first, count, bytes));
  }
  // Sends what was asked for since the last clear(), piece by piece. Returns how many there were.
  uint32_t serves(int32_t peer, uint32_t transfer, std::string_view bytes) {
    PieceSet all;
    while (true) {
      PieceSet due = asked(peer, transfer);
      due.remove(all);
      if (due.empty()) return all.count();
      sends(peer, transfer, due.first(), 1, bytes);
      all.add(due.first());
    }
  }

  // --- the peer asks
  // The word, or a WANT, for segment `sn` of main rendition 0.
  void says_word(int32_t peer, int64_t sn) {
    peer::Have have;
    have.url = "seg" + std::to_string(sn) + ".ts";
    have.sn = MediaSequence(sn);
    have.rendition = Harness::asking(0, sn);
    h.peer_says(peer, have);
  }
  void wants(int32_t peer, uint32_t transfer, int64_t sn, int64_t within = 2'500) {
    peer::Want want;
    want.transfer = transfer;
    want.url = "seg" + std::to_string(sn) + ".ts";
    want.sn = MediaSequence(sn);
    want.rendition = Harness::asking(0, sn);
    want.within = within;
    h.peer_says(peer, want);
  }
  void wants(int32_t peer, uint32_t transfer, const std::string& text) {
    peer::Want want;
    want.transfer = transfer;
    want.pieces = text;
    h.peer_says(peer, want);
  }
  // The DATA that the engine has sent it since the last clear().
  std::vector<std::string> frames(int32_t peer) const {
    std::vector<std::string> found;
    for (const Seen& seen : h.all(CommandKind::kChannelSendBinary)) {
      if (seen.peer == peer) found.push_back(seen.message());
    }
    return found;
  }

  bool is_open(int32_t peer) const {
    for (const PeerInfo& info : h.engine.peers()) {
      if (info.handle == PeerHandle(peer)) return info.open;
    }
    return false;
  }
  // The bytes that the player was given for the load; empty if none.
  std::string given(int32_t load) const {
    for (const Seen& seen : h.all(CommandKind::kLoadDone)) {
      if (seen.load == load) return seen.data;
    }
    return {};
  }
};

// The pieces in DATA of a segment with these bytes; each must be what it says.
inline PieceSet pieces_in(const std::vector<std::string>& frames, std::string_view bytes) {
  PieceSet all;
  for (const std::string& frame : frames) {
    const ByteView view(reinterpret_cast<const uint8_t*>(frame.data()), frame.size());
    peer::DataHeader header;
    REQUIRE(peer::read_data_header(view, header));
    CHECK(header.size == bytes.size());
    const size_t size = frame.size() - peer::kDataHeaderBytes;
    const uint32_t count = peer::whole_pieces(header, size);
    REQUIRE(count > 0);
    const size_t from = size_t{header.piece} * peer::kWirePieceBytes;
    CHECK(frame.substr(peer::kDataHeaderBytes) == bytes.substr(from, size));
    for (uint32_t at = header.piece; at < header.piece + count; ++at) {
      CHECK_FALSE(all.has(at));  // each is sent once
      all.add(at);
    }
  }
  return all;
}

}  // namespace hlsmesh::test

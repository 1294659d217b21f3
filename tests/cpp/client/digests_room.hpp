#pragma once

#include <string>
#include <string_view>

#include "media/piece_digests.hpp"
#include "two_parents.hpp"

namespace hlsmesh::test {

inline ByteView view_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// What a publisher's file says of a segment with these bytes.
inline std::string digest_line(const std::string& url, std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string line;
  uint32_t bits = 0;
  int held = 0;
  for (const uint8_t byte : PieceDigests::of(view_of(bytes))->digest()) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) line += kAlphabet[bits >> (held - 6) & 63];
  }
  line += kAlphabet[bits << (6 - held) & 63];
  return line + " " + std::to_string(bytes.size()) + " " + url + "\n";
}

inline std::string digest_file(std::string_view lines) {
  return "#HLSMESH-DIGESTS:1\n" + std::string(lines);
}

// A message of the digests of all pieces of a segment with these bytes.
inline std::string digests_of(uint32_t transfer, std::string_view bytes) {
  peer::DataHeader header{transfer, 0, static_cast<uint32_t>(bytes.size())};
  header.digests = true;
  std::string message(peer::kDataHeaderBytes, '\0');
  peer::write_data_header(header, reinterpret_cast<uint8_t*>(message.data()));
  const Shared<PieceDigests> digests = PieceDigests::of(view_of(bytes));
  return message.append(digests->bytes().begin(), digests->bytes().end());
}

// A viewer of a stream whose playlist says that there are digests.
struct DigestsRoom : MeshRoom {
  explicit DigestsRoom(const EngineConfig& config = Harness::default_config()) : MeshRoom(config) {
    playlist_loaded();
  }

  void playlist_loaded(double newest = 9, bool live = false) {
    PlaylistFacts facts;
    facts.newest = newest;
    facts.target_duration = 4;
    facts.live = live;
    facts.digests = true;
    h.engine.on_playlist_loaded(h.now, TrackKind::kMain, 0, facts);
    h.drain();
  }
  void digests_come(std::string_view lines) {
    h.engine.on_digests(h.now, TrackKind::kMain, 0, digest_file(lines));
    h.drain();
  }
  void no_digests() {
    h.engine.on_no_digests(h.now, TrackKind::kMain, 0);
    h.drain();
  }
  bool asked_for_digests(int32_t peer) const {
    for (const peer::Want& want : h.sent<peer::Want>(peer)) {
      if (want.digests) return true;
    }
    return false;
  }
};

}  // namespace hlsmesh::test

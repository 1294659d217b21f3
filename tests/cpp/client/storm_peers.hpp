#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/random.hpp"
#include "in_need.hpp"

namespace hlsmesh::test {

// Of many pieces, three, less than one, four without a rest, and one whose last piece is short.
struct StormSegment {
  int64_t sn;
  int32_t rendition;
  size_t size;
};
inline constexpr StormSegment kCheckedSegments[] = {
    {5, 0, kMeshBytes}, {6, 0, 40'000}, {7, 0, 9'000}, {8, 0, 4 * kWire}, {9, 1, 5 * kWire + 70}};

struct StormBody {
  int32_t rendition = 0;
  std::string right;
  std::string wrong;  // a liar's: all but the first bytes is other
};

inline const StormBody& storm_body(int64_t sn) {
  static const std::map<int64_t, StormBody> bodies = [] {
    std::map<int64_t, StormBody> made;
    for (const StormSegment& each : kCheckedSegments) {
      StormBody& body = made[each.sn];
      body.rendition = each.rendition;
      body.wrong = body.right = Harness::body(each.sn, each.size);
      for (size_t at = 64; at < each.size; ++at) {
        body.wrong[at] = static_cast<char>(body.wrong[at] ^ 0x55);
      }
    }
    return made;
  }();
  return bodies.at(sn);
}

// Peers of both versions, of whom some always lie, who do what a random sequence says.
class StormPeers : public MeshRoom {
 public:
  StormPeers(const EngineConfig& config, uint64_t seed) : MeshRoom(config), random_(seed) {}
  virtual ~StormPeers() = default;

 protected:
  struct Transfer {
    int64_t sn = 0;
    PieceSet asked;
  };
  struct Peer {
    int32_t handle;
    bool lies;
    std::map<uint32_t, Transfer> transfers;
    // Of those who send whole segments.
    std::optional<peer::Request> request;
    size_t sent = 0;
    bool begun = false;
  };

  template <class Container>
  auto any(Container& among) {
    const uint32_t at = random_.below(static_cast<uint32_t>(among.size()));
    return std::next(among.begin(), static_cast<int32_t>(at));
  }

  void add_peer() {
    const std::string id = "p" + std::to_string(++last_peer_);
    const uint32_t version = random_.below(6);
    Peer peer{version > 2 ? add_parent(id) : h.open_parent(id, version > 0),
              random_.below(100) < share_of_liars_,
              {},
              std::nullopt};
    peers_.push_back(std::move(peer));
  }
  // Takes in what the engine has said.
  virtual void look() = 0;

  void hold() {
    if (peers_.empty()) return;
    Peer& peer = *any(peers_);
    if (peer.transfers.empty()) return;
    auto& [number, transfer] = *any(peer.transfers);
    const uint32_t what = random_.below(12);
    if (what == 0 && random_.below(4) == 0) {
      const uint32_t ended = number;
      peer::Lack lack;
      lack.transfer = ended;
      peer.transfers.erase(ended);
      h.peer_says(peer.handle, lack);
      return;
    }
    size_t size = storm_body(transfer.sn).right.size();
    if (what == 1) size += random_.below(2) == 0 ? 5'000 : kWire;
    const auto count = peer::pieces_in(size);
    const uint32_t first = random_.below(4) > 0 ? 0 : random_.below(count);
    const uint32_t last = random_.below(4) > 0 ? count - 1 : first + random_.below(count - first);
    const int32_t handle = peer.handle;
    holds(handle, number, std::to_string(first) + "-" + std::to_string(last), size);
  }
  // Says that it has all, and sends all that it is asked for.
  void serve_all(Peer& peer) {
    const int32_t handle = peer.handle;
    std::map<uint32_t, int64_t> open;
    for (const auto& [number, transfer] : peer.transfers) open[number] = transfer.sn;
    for (const auto& [number, sn] : open) {
      const size_t size = storm_body(sn).right.size();
      holds(handle, number, "0-" + std::to_string(peer::pieces_in(size) - 1), size);
      look();
    }
    for (int most = 40; most > 0; --most) {
      const auto still = std::find_if(peers_.begin(), peers_.end(),
                                      [&](const Peer& each) { return each.handle == handle; });
      if (still == peers_.end() || !send(*still)) return;
    }
  }
  void send() {
    if (!peers_.empty()) send(*any(peers_));
  }
  // False if it has nothing to send.
  bool send(Peer& peer) {
    if (peer.request) return send_packet(peer);
    for (auto& [number, transfer] : peer.transfers) {
      if (transfer.asked.empty()) continue;
      const uint32_t piece = random_.below(2) == 0 ? transfer.asked.last() : transfer.asked.first();
      const std::string& body = bytes_of(peer, transfer.sn);
      transfer.asked.remove(piece);
      if (piece >= peer::pieces_in(body.size())) return true;  // it has said another size
      const std::string message = data_of(number, piece, 1, body);
      from_peers_ += message.size() - peer::kDataHeaderBytes;
      h.peer_sends(peer.handle, message);
      look();
      return true;
    }
    return false;
  }
  bool send_packet(Peer& peer) {
    const peer::Request request = *peer.request;
    const std::string& body = bytes_of(peer, request.sn.value());
    constexpr size_t kPacket = 24'000;
    const int32_t handle = peer.handle;
    if (!peer.begun && random_.below(10) == 0) {
      peer.request.reset();
      h.peer_says(handle, peer::Lack{request.url, request.sn, std::nullopt, request.rendition});
    } else if (!peer.begun) {
      peer.begun = true;
      peer::Binary header;
      header.attachments = static_cast<int64_t>((body.size() + kPacket - 1) / kPacket);
      header.url = request.url;
      header.sn = request.sn;
      header.size = static_cast<int64_t>(body.size());
      header.rendition = request.rendition;
      h.peer_says(handle, header);
    } else {
      const std::string packet = body.substr(peer.sent, kPacket);
      peer.sent += packet.size();
      from_peers_ += packet.size();
      if (peer.sent == body.size()) peer.request.reset();
      h.peer_sends(handle, packet);
    }
    look();
    return true;
  }
  static const std::string& bytes_of(const Peer& peer, int64_t sn) {
    return peer.lies ? storm_body(sn).wrong : storm_body(sn).right;
  }

  void hear(const Seen& seen) {
    const auto peer = std::find_if(peers_.begin(), peers_.end(),
                                   [&](const Peer& each) { return each.handle == seen.peer; });
    if (peer == peers_.end()) return;
    peer::ParseResult parsed = peer::parse(seen.text);
    const auto* message = std::get_if<peer::Message>(&parsed);
    if (message == nullptr) return;
    if (const auto* want = std::get_if<peer::Want>(message)) {
      Transfer& transfer = peer->transfers[want->transfer];
      if (want->rendition) transfer.sn = want->sn.value();
      if (want->pieces) transfer.asked.add(pieces(*want->pieces));
    } else if (const auto* cancel = std::get_if<peer::Cancel>(message)) {
      const auto found = peer->transfers.find(cancel->transfer);
      if (found == peer->transfers.end()) return;
      if (cancel->pieces) {
        found->second.asked.remove(pieces(*cancel->pieces));
      } else {
        peer->transfers.erase(found);
      }
    } else if (const auto* request = std::get_if<peer::Request>(message)) {
      if (peer->begun && peer->request) return;
      peer->request = *request;
      peer->sent = 0;
      peer->begun = false;
    }
  }

  Random random_;
  uint32_t share_of_liars_ = 0;  // percent
  uint64_t from_peers_ = 0;
  int last_peer_ = 0;
  std::list<Peer> peers_;
};

}  // namespace hlsmesh::test

// Whether everything that must hold between events does, found out the long way. For debug builds
// and tests.

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

std::string_view audit_peer(const PeerSession& peer) {
  if (peer.ended) return "a session outlived its end";
  if (peer.requester && peer.uploader) return "a peer is parent and child";
  if (!peer.requester && !peer.uploader) return "a peer is neither parent nor child";
  if (peer.uploader && peer.child <= 0) return "a child has no number";
  if (!peer.open && peer.requester && !peer.requester->idle()) return "a dial was asked";
  if (!peer.open && peer.full) return "a channel is full before it opened";
  const Transfer* transfer = peer.requester ? peer.requester->transfer() : nullptr;
  if (transfer == nullptr) return {};
  if (transfer->received >= transfer->size) return "a transfer is complete and still under way";
  if (transfer->ask.load && transfer->ask.unwanted) return "a load waits for what nobody wants";
  if (transfer->buffer == nullptr) return {};
  if (transfer->buffer->size() != transfer->size) return "a buffer has not its transfer's size";
  if (transfer->buffer->committed_bytes() != transfer->received) return "a buffer misses bytes";
  return {};
}

}  // namespace

std::string_view Engine::Impl::audit_load(LoadId id, const Load& load) const {
  if (load.id != id) return "a load has another's name";
  if (load.fetched != nullptr && load.state != Load::State::kAtCdn) {
    return "a load has the body of a fetch that was never begun";
  }
  if (load.state == Load::State::kAtCdn) return {};
  if (!active()) return "a load waits for peers, and there is no session";
  if (!load.shareable) return "a load waits for what peers do not carry";
  if (load.state != Load::State::kAsking) return {};
  const auto parent = peers_.find(load.parent);
  if (parent == peers_.end()) return "a load waits for a parent that is gone";
  const std::optional<Requester>& requester = parent->second.requester;
  const Ask* ask = requester ? requester->asked_by(id) : nullptr;
  if (ask == nullptr) return "a load waits for a parent that was not asked";
  return ask->segment.key == load.segment.key ? std::string_view() : "a load waits for another's";
}

std::string_view Engine::Impl::audit() const {
  int full = 0;
  for (const auto& [handle, peer] : peers_) {
    if (peer.handle != handle || handle.value() > last_handle_) return "a peer has a false handle";
    if (const std::string_view broken = audit_peer(peer); !broken.empty()) return broken;
    full += peer.full ? 1 : 0;
    for (const auto& [other, second] : peers_) {
      if (other < handle && second.remote == peer.remote) return "two connections to one peer";
    }
    const std::optional<LoadId> waits = peer.requester ? peer.requester->load() : std::nullopt;
    if (!waits) continue;
    const auto load = loads_.find(*waits);
    if (load == loads_.end() || load->second.state != Load::State::kAsking ||
        load->second.parent != handle) {
      return "a parent is asked for a load that does not wait for it";
    }
  }
  for (const auto& [id, load] : loads_) {
    if (const std::string_view broken = audit_load(id, load); !broken.empty()) return broken;
  }
  if (full != uplink_.full()) return "full channels are miscounted";
  if (!active() && peers_.size() > 0) return "peers without a session";
  if (active() == (tracker_.state() == TrackerSession::State::kIdle)) {
    return "the tracker's session is not what the engine's is";
  }
  return {};
}

}  // namespace hlsmesh

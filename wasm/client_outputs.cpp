// The outputs of the engine: commands, the next wake-up, figures.
#include <iterator>
#include <list>
#include <optional>

#include "client_state.hpp"

using hlsmesh::Command;
using hlsmesh::Engine;
using hlsmesh::EngineStats;
using hlsmesh::PeerInfo;
using hlsmesh::state;
using hlsmesh::TimeMs;
using hlsmesh::with_engine;

namespace {

#ifdef __wasm32__
// js/abi.js is generated from these layouts.
static_assert(sizeof(HmCommand) == 56 && sizeof(HmPeer) == 40);
#endif

}  // namespace

extern "C" {

int32_t hm_timeout(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_timeout(time); });
}

const HmCommand* hm_poll(void) {
  if (!state().engine) return nullptr;
  const Command* command = state().engine->poll();
  if (command == nullptr) return nullptr;
  HmCommand& out = state().command;
  out.kind = static_cast<int32_t>(command->kind);
  out.peer = command->peer.value();
  out.load = command->load.value();
  out.code = command->code;
  out.aux = command->aux;
  out.t0 = command->t0;
  out.t1 = command->t1;
  out.text = command->text.data();
  out.text_size = static_cast<uint32_t>(command->text.size());
  out.data = command->data.data();
  out.data_size = static_cast<uint32_t>(command->data.size());
  return &out;
}

double hm_next_timeout(void) {
  const std::optional<TimeMs> due =
      state().engine ? state().engine->next_timeout() : std::optional<TimeMs>();
  return due ? static_cast<double>(due->time_since_epoch().count()) : HUGE_VAL;
}

const HmStats* hm_stats(void) {
  HmStats& out = state().stats;
  if (!state().engine) return &out;
  const EngineStats stats = state().engine->stats();
#define HLSMESH_COPY(type, name, js) out.name = static_cast<double>(stats.name);
  HLSMESH_FIGURES(HLSMESH_COPY)
#undef HLSMESH_COPY
  return &out;
}

int32_t hm_peer_count(void) {
  if (!state().engine) return 0;
  state().peers = state().engine->peers();
  return static_cast<int32_t>(state().peers.size());
}

const HmPeer* hm_peer(int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= state().peers.size()) return nullptr;
  const PeerInfo& peer = *std::next(state().peers.begin(), index);
  HmPeer& out = state().peer;
  out.handle = peer.handle.value();
  out.flags = (peer.is_parent ? kHmPeerParent : 0) | (peer.open ? kHmPeerOpen : 0) |
              (peer.version1 ? kHmPeerVersion1 : 0);
  out.received_bytes = static_cast<double>(peer.received_bytes);
  out.sent_bytes = static_cast<double>(peer.sent_bytes);
  out.rtt_ms = peer.rtt_ms;
  out.id = peer.id.data();
  out.id_size = static_cast<uint32_t>(peer.id.size());
  return &out;
}

}  // extern "C"

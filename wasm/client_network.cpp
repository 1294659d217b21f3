// The reports of the tracker's socket and of the peers' connections.
#include <algorithm>

#include "client_state.hpp"

using hlsmesh::ByteView;
using hlsmesh::Engine;
using hlsmesh::MutableBytes;
using hlsmesh::PeerHandle;
using hlsmesh::state;
using hlsmesh::TimeMs;
using hlsmesh::with_engine;
using hlsmesh::with_engine_text;

extern "C" {

int32_t hm_socket_open(double now) {
  return with_engine_text(now, [](Engine& engine, TimeMs time, std::string_view text) {
    engine.on_socket_open(time, text);
  });
}

int32_t hm_socket_text(double now) {
  return with_engine_text(now, [](Engine& engine, TimeMs time, std::string_view text) {
    engine.on_socket_text(time, text);
  });
}

int32_t hm_socket_closed(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_socket_closed(time); });
}

int32_t hm_peer_signal(double now, int32_t peer) {
  return with_engine_text(now, [peer](Engine& engine, TimeMs time, std::string_view text) {
    engine.on_peer_signal(time, PeerHandle(peer), text);
  });
}

int32_t hm_channel_open(double now, int32_t peer, uint32_t max_message_bytes) {
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_channel_open(time, PeerHandle(peer), max_message_bytes);
  });
}

int32_t hm_channel_text(double now, int32_t peer) {
  return with_engine_text(now, [peer](Engine& engine, TimeMs time, std::string_view text) {
    engine.on_channel_text(time, PeerHandle(peer), text);
  });
}

HmFrame* hm_frame(void) { return &state().frame; }

int32_t hm_channel_frame(int32_t peer, uint32_t size) {
  if (!state().engine) return 0;
  HmFrame& frame = state().frame;
  const ByteView head(frame.head, std::min(size, kHmHeadBytes));
  const MutableBytes space = state().engine->reserve_channel_binary(PeerHandle(peer), size, head);
  frame.at = space.data();
  frame.from = size - static_cast<uint32_t>(space.size());
  return space.empty() ? 0 : 1;
}

int32_t hm_channel_binary(double now, int32_t peer, uint32_t size) {
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_channel_binary(time, PeerHandle(peer), size);
  });
}

int32_t hm_channel_writable(double now, int32_t peer, uint32_t buffered_amount) {
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_channel_writable(time, PeerHandle(peer), buffered_amount);
  });
}

int32_t hm_peer_closed(double now, int32_t peer) {
  return with_engine(
      now, [peer](Engine& engine, TimeMs time) { engine.on_peer_closed(time, PeerHandle(peer)); });
}

int32_t hm_connection_refused(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_connection_refused(time); });
}

}  // extern "C"

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <string_view>

#include "client/engine.hpp"
#include "client_abi.hpp"

// The common part of the client's C ABI: the engine, and the text and the time of a call.
namespace hlsmesh {

// Doubles hold every integer below this one.
constexpr double kMaxExact = 9007199254740992.0;

// The state that one engine's calls leave for the following calls.
struct ClientState {
  struct Text {
    uint8_t* bytes = nullptr;
    uint32_t capacity = 0;
    uint32_t size = 0;
  };

  EngineConfig config;
  uint32_t seed_low = 0;
  uint32_t seed_high = 0;
  Engine* engine = nullptr;  // from hm_start on; ends only with a ClientInstance
  TimeMs now{};              // of the latest call
  Text text;
  HmCommand command = {};
  HmStats stats = {};
  std::list<PeerInfo> peers;  // the snapshot
  HmPeer peer = {};
  HmFrame frame = {};
};

// Returns the instance to which calls go.
ClientState& state();

// Returns the text of this call, and clears it: a second call without hm_text in between has none.
inline std::string_view take_text() {
  const std::string_view text(reinterpret_cast<const char*>(state().text.bytes), state().text.size);
  state().text.size = 0;
  return text;
}

inline bool is_whole(double value, double low, double high) {
  return value >= low && value <= high && std::floor(value) == value;
}

// Takes the time of a call: whole milliseconds, never before an earlier call's. Returns false if
// `now` is no time.
inline bool take_time(double now) {
  if (!(now >= 0 && now < kMaxExact)) return false;
  state().now = std::max(state().now, TimeMs(EngineClock::duration(static_cast<int64_t>(now))));
  return true;
}

// Returns the engine, at the time of this call; nullptr, which means misuse, if there is none yet
// or `now` is no time.
inline Engine* engine_at(double now) { return take_time(now) ? state().engine : nullptr; }

// Runs `input(engine, now)` unless that is misuse.
template <class Input>
int32_t with_engine(double now, Input input) {
  Engine* const engine = engine_at(now);
  if (engine == nullptr) return kHmMisuse;
  input(*engine, state().now);
  return kHmOk;
}

template <class Input>
int32_t with_engine_text(double now, Input input) {
  const std::string_view text = take_text();
  return with_engine(now, [&](Engine& engine, TimeMs time) { input(engine, time, text); });
}

inline uint8_t* data_or_null(MutableBytes bytes) { return bytes.empty() ? nullptr : bytes.data(); }

inline bool is_track(int32_t kind) {
  return kind >= static_cast<int32_t>(TrackKind::kMain) &&
         kind <= static_cast<int32_t>(TrackKind::kSubtitle);
}

}  // namespace hlsmesh

#include "client_abi.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/engine.hpp"

namespace {

using hlsmesh::ByteView;
using hlsmesh::Command;
using hlsmesh::Engine;
using hlsmesh::EngineClock;
using hlsmesh::EngineConfig;
using hlsmesh::LoadId;
using hlsmesh::MutableBytes;
using hlsmesh::PeerHandle;
using hlsmesh::TimeMs;
using hlsmesh::TrackKind;

#ifdef __wasm32__
// js/abi.js is generated from these layouts.
static_assert(sizeof(HmCommand) == 56 && sizeof(HmStats) == 112 && sizeof(HmPeer) == 40);
#endif

// The largest text a driver may hand in: descriptions and messages are a few KiB; the bound keeps a
// hostile frame from growing the buffer.
constexpr uint32_t kMaxTextBytes = 1024 * 1024;

// The largest cache that fits the module's maximum memory (wasm/CMakeLists.txt).
constexpr double kMaxCacheBytes = 256.0 * 1024 * 1024;

// Doubles hold every integer below this one.
constexpr double kMaxExact = 9007199254740992.0;

struct Text {
  uint8_t* bytes = nullptr;
  uint32_t capacity = 0;
  uint32_t size = 0;
};

struct State {
  EngineConfig config;
  uint32_t seed_low = 0;
  uint32_t seed_high = 0;
  Engine* engine = nullptr;  // from hm_start on, and never gone
  TimeMs now{};              // of the latest call
  Text text;
  HmCommand command = {};
  HmStats stats = {};
  std::list<hlsmesh::PeerInfo> peers;  // the snapshot
  HmPeer peer = {};
};

// Never destroyed: nothing is registered to run at an exit that never comes.
union Undying {
  Undying() : state() {}
  ~Undying() {}
  State state;
} undying;
State& state = undying.state;

// The text of this call; a second call without hm_text between finds none.
std::string_view take_text() {
  const std::string_view text(reinterpret_cast<const char*>(state.text.bytes), state.text.size);
  state.text.size = 0;
  return text;
}

bool is_whole(double value, double low, double high) {
  return value >= low && value <= high && std::floor(value) == value;
}

// Takes the time of a call: whole milliseconds, never before an earlier call's. False for what is
// no time at all.
bool take_time(double now) {
  if (!(now >= 0 && now < kMaxExact)) return false;
  state.now = std::max(state.now, TimeMs(EngineClock::duration(static_cast<int64_t>(now))));
  return true;
}

// The engine, at the time of this call; nullptr, which is misuse, when there is none yet or `now`
// is no time.
Engine* engine_at(double now) { return take_time(now) ? state.engine : nullptr; }

// hm_set for what cannot change while running.
int32_t set_before_start(int32_t option, double value) {
  EngineConfig& config = state.config;
  switch (option) {
    case kHmOptionSeedLow:
    case kHmOptionSeedHigh:
      if (!is_whole(value, 0, 4294967295.0)) return kHmMisuse;
      (option == kHmOptionSeedLow ? state.seed_low : state.seed_high) =
          static_cast<uint32_t>(value);
      return kHmOk;
    case kHmOptionMobile:
      config.mobile = value != 0;
      return kHmOk;
    case kHmOptionCacheBytes:
      if (!is_whole(value, 1, kMaxCacheBytes)) return kHmMisuse;
      config.cache_bytes = static_cast<size_t>(value);
      return kHmOk;
    case kHmOptionTrackerCount:
      if (!is_whole(value, 1, 1000)) return kHmMisuse;
      config.tracker_count = static_cast<int32_t>(value);
      return kHmOk;
    default:
      return kHmMisuse;
  }
}

// Runs `input(engine, now)` if that is no misuse.
template <class Input>
int32_t with_engine(double now, Input input) {
  Engine* const engine = engine_at(now);
  if (engine == nullptr) return kHmMisuse;
  input(*engine, state.now);
  return kHmOk;
}

template <class Input>
int32_t with_engine_text(double now, Input input) {
  const std::string_view text = take_text();
  return with_engine(now, [&](Engine& engine, TimeMs time) { input(engine, time, text); });
}

uint8_t* data_or_null(MutableBytes bytes) { return bytes.empty() ? nullptr : bytes.data(); }

bool is_track(int32_t kind) {
  return kind >= static_cast<int32_t>(TrackKind::kMain) &&
         kind <= static_cast<int32_t>(TrackKind::kSubtitle);
}

// A segment as a call tells it; false for what cannot be one.
bool read_segment(hlsmesh::SegmentLoad& what, int32_t kind, int32_t rendition_index, double sn,
                  double start, double duration, double from, double to, int32_t flags,
                  double date_time) {
  const std::string_view text = take_text();
  if (!is_track(kind) || !is_whole(sn, -1, kMaxExact) || !std::isfinite(start) ||
      !std::isfinite(duration) || !is_whole(to, 0, kMaxExact) ||
      !is_whole(from, 0, to > 0 ? to - 1 : 0)) {
    return false;
  }
  const size_t url_end = std::min(text.find('\n'), text.size());
  what.kind = static_cast<TrackKind>(kind);
  what.rendition_index = rendition_index;
  what.sn = hlsmesh::MediaSequence(static_cast<int64_t>(sn));
  what.url = text.substr(0, url_end);
  what.clean_url = text.substr(std::min(url_end + 1, text.size()));
  what.range = {static_cast<int64_t>(from), static_cast<int64_t>(to)};
  what.span = {start, duration};
  what.shareable = (flags & kHmLoadShareable) != 0;
  what.from_cdn = (flags & kHmLoadFromCdn) != 0;
  what.named = (flags & kHmLoadNamed) != 0;
  what.date_time = date_time;
  what.opaque = (flags & kHmLoadOpaque) != 0;
  return true;
}

// Lines of RenditionFacts::attributes.
constexpr int kAttributes = 5;

// The part of `text` up to the next line feed, which is taken off too; nullopt when there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

extern "C" {

#ifdef __EMSCRIPTEN__
extern uint8_t __heap_base;
void emscripten_notify_memory_growth(size_t index);

// Where malloc gets its memory. Emscripten's grows by what one allocation lacks. A browser takes
// all of the grown memory for newly allocated and soon collects garbage: 5 ms for each segment in
// Node. 16 MiB at a time make that rare, and pages that nobody has written to cost nothing.
void* sbrk(intptr_t increment) {
  constexpr size_t kPage = 65536;
  constexpr size_t kStepPages = 256;
  static uint8_t* end = &__heap_base;
  const size_t wanted = reinterpret_cast<size_t>(end) + static_cast<size_t>(increment);
  const size_t pages = (wanted + kPage - 1) / kPage;
  const size_t has = __builtin_wasm_memory_size(0);
  if (pages > has) {
    const size_t lacks = pages - has;
    if ((lacks > kStepPages || __builtin_wasm_memory_grow(0, kStepPages) == SIZE_MAX) &&
        __builtin_wasm_memory_grow(0, lacks) == SIZE_MAX) {
      return reinterpret_cast<void*>(-1);
    }
    emscripten_notify_memory_growth(0);
  }
  return std::exchange(end, end + increment);
}
#endif

int32_t hm_abi_version(void) { return kHmAbiVersion; }

uint8_t* hm_text(uint32_t size) {
  Text& text = state.text;
  text.size = 0;
  if (size > kMaxTextBytes) return nullptr;
  if (size > text.capacity || text.bytes == nullptr) {
    // Never a pointer of value 0 for an empty text: that means refusal.
    const uint32_t capacity = size < 4096 ? 4096 : size;
    std::free(text.bytes);
    text.bytes = static_cast<uint8_t*>(std::malloc(capacity));
    text.capacity = text.bytes == nullptr ? 0 : capacity;
    if (text.bytes == nullptr) return nullptr;
  }
  text.size = size;
  return text.bytes;
}

int32_t hm_set(int32_t option, double value) {
  Engine* const engine = state.engine;
  EngineConfig& config = state.config;
  const bool flag = value != 0;
  switch (option) {
    // Also while running.
    case kHmOptionP2p:
      config.p2p = flag;
      if (engine != nullptr) engine->set_p2p(state.now, flag);
      return kHmOk;
    case kHmOptionUpload:
      config.upload = flag;
      if (engine != nullptr) engine->set_upload(state.now, flag);
      return kHmOk;
    case kHmOptionPrefetchSeconds:
      config.prefetch_seconds = value;
      if (engine != nullptr) engine->set_prefetch(state.now, value);
      return kHmOk;
    case kHmOptionMaxChildren:
    case kHmOptionMaxParents:
      if (!is_whole(value, 0, 1000)) return kHmMisuse;
      (option == kHmOptionMaxChildren ? config.limits.max_children : config.limits.max_parents) =
          static_cast<int32_t>(value);
      break;
    case kHmOptionUploadBytesPerSecond:
    case kHmOptionUploadBytes:
      if (!(value >= 0)) return kHmMisuse;
      (option == kHmOptionUploadBytes ? config.limits.upload_bytes
                                      : config.limits.upload_bytes_per_second) = value;
      break;
    case kHmOptionUploadOnMetered:
      config.limits.upload_on_metered = flag;
      break;
    default:
      return engine == nullptr ? set_before_start(option, value) : kHmMisuse;
  }
  if (engine != nullptr) engine->set_limits(state.now, config.limits);
  return kHmOk;
}

int32_t hm_set_text(int32_t option) {
  const std::string_view text = take_text();
  if (state.engine) return kHmMisuse;
  switch (option) {
    case kHmOptionChannel:
      state.config.channel = text;
      return kHmOk;
    case kHmOptionBrowser:
      state.config.browser = text;
      return kHmOk;
    case kHmOptionOs:
      state.config.os = text;
      return kHmOk;
    default:
      return kHmMisuse;
  }
}

int32_t hm_start(double now) {
  if (!take_time(now) || state.engine || state.config.channel.empty()) return kHmMisuse;
  state.config.seed = static_cast<uint64_t>(state.seed_high) << 32 | state.seed_low;
  state.engine = new Engine(state.config);
  state.engine->start(state.now);
  return kHmOk;
}

int32_t hm_stop(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.stop(time); });
}

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

uint8_t* hm_channel_reserve(int32_t peer, uint32_t size) {
  if (!state.engine) return nullptr;
  return data_or_null(state.engine->reserve_channel_binary(PeerHandle(peer), size));
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

int32_t hm_clear_renditions(void) {
  const std::string_view text = take_text();
  if (!state.engine) return kHmMisuse;
  state.engine->clear_renditions(std::string(text));
  return kHmOk;
}

int32_t hm_add_rendition(int32_t kind, int32_t index, int32_t bitrate) {
  std::string_view text = take_text();
  if (!state.engine || !is_track(kind) || index < -1) return kHmMisuse;
  hlsmesh::RenditionFacts facts;
  facts.kind = static_cast<TrackKind>(kind);
  facts.index = index;
  facts.bitrate = bitrate;
  size_t end = 0;
  for (int i = 0; i < kAttributes; ++i) {
    end = text.find('\n', end) + 1;
    if (end == 0) return kHmMisuse;
  }
  facts.attributes = text.substr(0, end);
  text.remove_prefix(end);
  const std::optional<std::string_view> stable_id = take_line(text);
  if (!stable_id) return kHmMisuse;
  facts.stable_id = *stable_id;
  facts.playlist_url = text;
  state.engine->add_rendition(std::move(facts));
  return kHmOk;
}

int32_t hm_set_live(int32_t live) {
  if (!state.engine) return kHmMisuse;
  state.engine->set_live(live != 0);
  return kHmOk;
}

int32_t hm_presentation(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_presentation(time); });
}

int32_t hm_playlist_loaded(double now, int32_t kind, int32_t rendition_index, double first,
                           double newest, double target_duration, int32_t live) {
  if (!is_track(kind)) return kHmMisuse;
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_playlist_loaded(time, static_cast<TrackKind>(kind), rendition_index,
                              {first, newest, target_duration, live != 0});
  });
}

int32_t hm_playhead(double now, double current_time, double buffered_end, double playback_rate) {
  if (!std::isfinite(current_time) || !std::isfinite(buffered_end) ||
      !std::isfinite(playback_rate)) {
    return kHmMisuse;
  }
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_playhead(time, {current_time, buffered_end, playback_rate});
  });
}

int32_t hm_conditions(double now, int32_t conditions, double max_buffer) {
  if (!(max_buffer >= 0)) return kHmMisuse;
  hlsmesh::PlayerConditions player;
  player.max_buffer = max_buffer;
  player.loads = (conditions & kHmConditionLoadsNot) == 0;
  player.hidden = (conditions & kHmConditionHidden) != 0;
  player.save_data = (conditions & kHmConditionSaveData) != 0;
  player.metered = (conditions & kHmConditionMetered) != 0;
  player.parts = (conditions & kHmConditionParts) != 0;
  if ((conditions & kHmConditionNoPlaylist) != 0) player.parts.reset();
  if (!state.engine) {
    state.config.parts = player.parts;
    return kHmOk;
  }
  return with_engine(
      now, [&player](Engine& engine, TimeMs time) { engine.on_conditions(time, player); });
}

int32_t hm_playlist(double now, int32_t kind, int32_t rendition_index) {
  if (!is_track(kind)) return kHmMisuse;
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_playlist(time, static_cast<TrackKind>(kind), rendition_index);
  });
}

int32_t hm_list_segment(double now, int32_t kind, int32_t rendition_index, double sn, double start,
                        double duration, double from, double to, int32_t flags, double date_time) {
  hlsmesh::SegmentLoad what;
  if (!read_segment(what, kind, rendition_index, sn, start, duration, from, to, flags, date_time))
    return kHmMisuse;
  return with_engine(
      now, [&](Engine& engine, TimeMs time) { engine.list_segment(time, std::move(what)); });
}

int32_t hm_load(double now, int32_t load, int32_t kind, int32_t rendition_index, double sn,
                double start, double duration, double from, double to, int32_t flags,
                double date_time) {
  hlsmesh::SegmentLoad what;
  if (!read_segment(what, kind, rendition_index, sn, start, duration, from, to, flags, date_time) ||
      load <= 0) {
    return kHmMisuse;
  }
  return with_engine(now, [&](Engine& engine, TimeMs time) {
    engine.on_load(time, LoadId(load), std::move(what));
  });
}

int32_t hm_load_aborted(double now, int32_t load) {
  return with_engine(
      now, [load](Engine& engine, TimeMs time) { engine.on_load_aborted(time, LoadId(load)); });
}

int32_t hm_verdict(double now, int32_t load, double seconds) {
  bool peers_fault = false;
  const int32_t result = with_engine(now, [&](Engine& engine, TimeMs time) {
    peers_fault = engine.on_verdict(time, LoadId(load), seconds);
  });
  return peers_fault ? 1 : result;
}

uint8_t* hm_fetch_reserve(int32_t load, uint32_t size) {
  if (!state.engine) return nullptr;
  return data_or_null(state.engine->reserve_fetch(LoadId(load), size));
}

int32_t hm_fetch_done(double now, int32_t load, uint32_t size, double first_byte, double body) {
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_fetch_done(time, LoadId(load), size, first_byte, body);
  });
}

int32_t hm_fetch_failed(double now, int32_t load) {
  return with_engine(
      now, [load](Engine& engine, TimeMs time) { engine.on_fetch_failed(time, LoadId(load)); });
}

int32_t hm_timeout(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_timeout(time); });
}

const HmCommand* hm_poll(void) {
  if (!state.engine) return nullptr;
  const Command* command = state.engine->poll();
  if (command == nullptr) return nullptr;
  HmCommand& out = state.command;
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
      state.engine ? state.engine->next_timeout() : std::optional<TimeMs>();
  return due ? static_cast<double>(due->time_since_epoch().count()) : HUGE_VAL;
}

const HmStats* hm_stats(void) {
  HmStats& out = state.stats;
  if (!state.engine) return &out;
  const hlsmesh::EngineStats stats = state.engine->stats();
  out.cdn_bytes = static_cast<double>(stats.cdn_bytes);
  out.p2p_bytes = static_cast<double>(stats.p2p_bytes);
  out.upload_bytes = static_cast<double>(stats.upload_bytes);
  out.p2p_wasted_bytes = static_cast<double>(stats.p2p_wasted_bytes);
  out.cache_hits = static_cast<double>(stats.cache_hits);
  out.cache_misses = static_cast<double>(stats.cache_misses);
  out.cache_evictions = static_cast<double>(stats.cache_evictions);
  out.cache_bytes = static_cast<double>(stats.cache_bytes);
  out.fallbacks = static_cast<double>(stats.fallbacks);
  out.malformed = static_cast<double>(stats.malformed);
  out.parents = stats.parents;
  out.children = stats.children;
  out.cdn_segments = stats.cdn_segments;
  out.p2p_segments = stats.p2p_segments;
  return &out;
}

int32_t hm_peer_count(void) {
  if (!state.engine) return 0;
  state.peers = state.engine->peers();
  return static_cast<int32_t>(state.peers.size());
}

const HmPeer* hm_peer(int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= state.peers.size()) return nullptr;
  const hlsmesh::PeerInfo& peer = *std::next(state.peers.begin(), index);
  HmPeer& out = state.peer;
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

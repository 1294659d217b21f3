// Options, the beginning and the end of an engine.
#include "client_state.hpp"

using hlsmesh::Engine;
using hlsmesh::EngineConfig;
using hlsmesh::is_whole;
using hlsmesh::state;
using hlsmesh::take_text;
using hlsmesh::take_time;
using hlsmesh::TimeMs;
using hlsmesh::with_engine;

namespace {

// The largest cache that fits the module's maximum memory (wasm/CMakeLists.txt).
constexpr double kMaxCacheBytes = 256.0 * 1024 * 1024;

// hm_set for what cannot change while running.
int32_t set_before_start(int32_t option, double value) {
  EngineConfig& config = state().config;
  switch (option) {
    case kHmOptionSeedLow:
    case kHmOptionSeedHigh:
      if (!is_whole(value, 0, 4294967295.0)) return kHmMisuse;
      (option == kHmOptionSeedLow ? state().seed_low : state().seed_high) =
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

}  // namespace

extern "C" {

int32_t hm_set(int32_t option, double value) {
  Engine* const engine = state().engine;
  EngineConfig& config = state().config;
  const bool flag = value != 0;
  switch (option) {
    // Also while running.
    case kHmOptionP2p:
      config.p2p = flag;
      if (engine != nullptr) engine->set_p2p(state().now, flag);
      return kHmOk;
    case kHmOptionUpload:
      config.upload = flag;
      if (engine != nullptr) engine->set_upload(state().now, flag);
      return kHmOk;
    case kHmOptionPrefetchSeconds:
      config.prefetch_seconds = value;
      if (engine != nullptr) engine->set_prefetch(state().now, value);
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
  if (engine != nullptr) engine->set_limits(state().now, config.limits);
  return kHmOk;
}

int32_t hm_set_text(int32_t option) {
  const std::string_view text = take_text();
  if (state().engine) return kHmMisuse;
  switch (option) {
    case kHmOptionChannel:
      state().config.channel = text;
      return kHmOk;
    case kHmOptionBrowser:
      state().config.browser = text;
      return kHmOk;
    case kHmOptionOs:
      state().config.os = text;
      return kHmOk;
    default:
      return kHmMisuse;
  }
}

int32_t hm_start(double now) {
  if (!take_time(now) || state().engine || state().config.channel.empty()) return kHmMisuse;
  state().config.seed = static_cast<uint64_t>(state().seed_high) << 32 | state().seed_low;
  state().engine = new Engine(state().config);
  state().engine->start(state().now);
  return kHmOk;
}

int32_t hm_stop(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.stop(time); });
}

}  // extern "C"

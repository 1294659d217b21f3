// The options, the start and the end of an engine.
#include <cmath>
#include <optional>
#include <type_traits>
#include <utility>

#include "client_state.hpp"

using hlsmesh::Engine;
using hlsmesh::EngineConfig;
using hlsmesh::state;
using hlsmesh::take_text;
using hlsmesh::take_time;
using hlsmesh::TimeMs;
using hlsmesh::with_engine;

namespace {

// The part of a running engine that must be told of an option.
enum class Part { kNone, kP2p, kUpload, kLimits, kPrefetch };

// The values that an option may have.
struct Rule {
  double lowest;
  double highest;
  bool whole;
  Part part;
};

std::optional<Rule> rule_of(int32_t option) {
  switch (option) {
    case kHmOptionSeedLow:
    case kHmOptionSeedHigh:
      return Rule{0, 4294967295.0, true, Part::kNone};
#define HLSMESH_CASE(name, number, js, field, lowest, highest, part)                     \
  case kHmOption##name:                                                                  \
    return Rule{lowest, highest,                                                         \
                !std::is_floating_point_v<                                               \
                    std::remove_cvref_t<decltype(std::declval<EngineConfig&>().field)>>, \
                Part::part};
      HLSMESH_NUMBER_OPTIONS(HLSMESH_CASE)
#undef HLSMESH_CASE
    default:
      return std::nullopt;
  }
}

void store(int32_t option, double value) {
  EngineConfig& config = state().config;
  switch (option) {
    case kHmOptionSeedLow:
      state().seed_low = static_cast<uint32_t>(value);
      return;
    case kHmOptionSeedHigh:
      state().seed_high = static_cast<uint32_t>(value);
      return;
#define HLSMESH_CASE(name, number, js, field, ...)                                  \
  case kHmOption##name:                                                             \
    config.field = static_cast<std::remove_cvref_t<decltype(config.field)>>(value); \
    return;
      HLSMESH_NUMBER_OPTIONS(HLSMESH_CASE)
#undef HLSMESH_CASE
    default:
      return;
  }
}

void tell(Engine& engine, Part part) {
  const EngineConfig& config = state().config;
  const TimeMs now = state().now;
  if (part == Part::kP2p) engine.set_p2p(now, config.p2p);
  if (part == Part::kUpload) engine.set_upload(now, config.upload);
  if (part == Part::kLimits) engine.set_limits(now, config.limits);
  if (part == Part::kPrefetch) engine.set_prefetch(now, config.prefetch_seconds);
}

}  // namespace

extern "C" {

int32_t hm_set(int32_t option, double value) {
  Engine* const engine = state().engine;
  const std::optional<Rule> rule = rule_of(option);
  if (!rule || !(value >= rule->lowest && value <= rule->highest)) return kHmMisuse;
  if (rule->whole && std::floor(value) != value) return kHmMisuse;
  if (engine != nullptr && rule->part == Part::kNone) return kHmMisuse;
  store(option, value);
  if (engine != nullptr) tell(*engine, rule->part);
  return kHmOk;
}

int32_t hm_set_text(int32_t option) {
  const std::string_view text = take_text();
  if (state().engine) return kHmMisuse;
  switch (option) {
#define HLSMESH_TEXT(name, number, js, field) \
  case kHmOption##name:                       \
    state().config.field = text;              \
    return kHmOk;
    HLSMESH_TEXT_OPTIONS(HLSMESH_TEXT)
#undef HLSMESH_TEXT
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

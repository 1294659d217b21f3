#include "tracker_abi.hpp"

#ifdef __wasm32__
#include <unistd.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tracker/tracker.hpp"

namespace {

using hlsmesh::ConnId;
using hlsmesh::DurationMs;
using hlsmesh::IdEntropy;
using hlsmesh::Origin;
using hlsmesh::TimeMs;
using hlsmesh::Tracker;
using hlsmesh::TrackerCommand;
using hlsmesh::TrackerConfig;
using hlsmesh::TrackerStats;

#ifdef __wasm32__
// js/tracker/abi.js is generated from these layouts.
static_assert(sizeof(HtCommand) == 20 && sizeof(HtStats) == 408 && sizeof(HtText) == 8);
#endif

// More than the driver accepts as one WebSocket message.
constexpr uint32_t kMaxTextBytes = 1024 * 1024;

struct State {
  TrackerConfig config;
  std::unique_ptr<Tracker> tracker;
  uint8_t* text = nullptr;
  uint32_t text_capacity = 0;
  uint32_t text_size = 0;
  HtCommand command = {};
  HtStats stats = {};
  std::string listing;
  HtText listed = {};
};

// Lives as long as the instance, so that nothing is registered to run at an exit, which never
// comes.
State& state() {
  static State* const instance = new State;
  return *instance;
}

// Doubles hold every integer below this one.
constexpr double kMaxExact = 9007199254740992.0;

bool usable(double now, int32_t conn) {
  return state().tracker && now >= 0 && now < kMaxExact && conn > 0;
}

TimeMs at(double now) { return TimeMs{DurationMs{static_cast<int64_t>(now)}}; }

#ifdef __wasm32__
constexpr size_t kPageBytes = 65'536;
// What one event may take at most, many times over.
constexpr size_t kLeastFree = 1024 * 1024;
constexpr size_t kLeastGrowth = 4 * 1024 * 1024;

// Makes the memory grow in large steps, and not by 64 KiB whenever malloc needs a page: V8 collects
// all garbage at each step.
void keep_room() {
  const size_t size = __builtin_wasm_memory_size(0) * kPageBytes;
  const size_t used = reinterpret_cast<size_t>(sbrk(0));
  if (size - used >= kLeastFree) return;
  // If there is no such room, malloc tries what it needs.
  __builtin_wasm_memory_grow(0, std::max(kLeastGrowth, size / 4) / kPageBytes);
}
#else
void keep_room() {}
#endif

// Returns the text that the driver wrote, and clears it.
std::string_view take_text() {
  State& s = state();
  const uint32_t size = s.text_size;
  s.text_size = 0;
  return size == 0 ? std::string_view()
                   : std::string_view(reinterpret_cast<const char*>(s.text), size);
}

// Returns the part up to the next line feed, and removes both.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

const HtText* listed(std::string text) {
  State& s = state();
  s.listing = std::move(text);
  s.listed = {s.listing.data(), static_cast<uint32_t>(s.listing.size())};
  return &s.listed;
}

uint64_t join(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

}  // namespace

extern "C" {

int32_t ht_abi_version(void) { return kHtAbiVersion; }

uint8_t* ht_text(uint32_t size) {
  keep_room();
  State& s = state();
  s.text_size = 0;
  if (size > kMaxTextBytes) return nullptr;
  if (size > s.text_capacity || s.text == nullptr) {
    // Never a null pointer for an empty text, since that means refusal.
    const uint32_t capacity = size < 4096 ? 4096 : size;
    void* grown = std::realloc(s.text, capacity);
    if (grown == nullptr) return nullptr;
    s.text = static_cast<uint8_t*>(grown);
    s.text_capacity = capacity;
  }
  s.text_size = size;
  return s.text;
}

int32_t ht_set(int32_t option, double value) {
  State& s = state();
  if (s.tracker || !(value >= 0 && value <= std::numeric_limits<int32_t>::max()) ||
      value != std::floor(value)) {
    return kHtMisuse;
  }
  const int32_t number = static_cast<int32_t>(value);
  switch (option) {
    case kHtOptionDefaultChildren:
      s.config.default_children = number;
      return kHtOk;
    case kHtOptionDefaultChildrenMobile:
      s.config.default_children_mobile = number;
      return kHtOk;
    case kHtOptionChildKbps:
      s.config.child_kbps = number;
      return kHtOk;
    case kHtOptionMaxChildren:
      s.config.max_children = number;
      return kHtOk;
    case kHtOptionPingIntervalMs:
      s.config.ping_interval = DurationMs{number};
      return kHtOk;
    case kHtOptionDeadAfterMs:
      s.config.dead_after = DurationMs{number};
      return kHtOk;
    case kHtOptionEnterTimeoutMs:
      s.config.enter_timeout = DurationMs{number};
      return kHtOk;
    case kHtOptionMaxConnectionsPerAddress:
      s.config.max_connections_per_address = number;
      return kHtOk;
    case kHtOptionEntersPerAddressPerMinute:
      s.config.enters_per_address_per_minute = number;
      return kHtOk;
    case kHtOptionParentsWanted:
      s.config.parents_wanted = number;
      return kHtOk;
    case kHtOptionRoomPeers:
      s.config.room_peers = number;
      return kHtOk;
    case kHtOptionMessagesPerSecond:
      s.config.messages_per_second = number;
      return kHtOk;
    case kHtOptionChannelSwitches:
      s.config.channel_switches = number;
      return kHtOk;
    case kHtOptionMaxConnections:
      s.config.max_connections = number;
      return kHtOk;
    case kHtOptionMessagesPerAddress:
      s.config.messages_per_address = number;
      return kHtOk;
    case kHtOptionMaxParents:
      s.config.max_parents = number;
      return kHtOk;
    case kHtOptionMaxChildrenMobile:
      s.config.max_children_mobile = number;
      return kHtOk;
    case kHtOptionAddressShare:
      s.config.address_share = number;
      return kHtOk;
    case kHtOptionReportKbps:
      s.config.report_kbps = number;
      return kHtOk;
    case kHtOptionBytesPerSecond:
      s.config.bytes_per_second = number;
      return kHtOk;
    case kHtOptionBytesPerAddress:
      s.config.bytes_per_address = number;
      return kHtOk;
    case kHtOptionBytesPerPair:
      s.config.bytes_per_pair = number;
      return kHtOk;
    case kHtOptionAgree:
      s.config.agree = number;
      return kHtOk;
    case kHtOptionAuthorize:
      if (number > 1) return kHtMisuse;
      s.config.authorize = number == 1;
      return kHtOk;
    default:
      return kHtMisuse;
  }
}

int32_t ht_start(void) {
  State& s = state();
  if (s.tracker) return kHtMisuse;
  s.tracker = std::make_unique<Tracker>(s.config);
  return kHtOk;
}

int32_t ht_open(double now, int32_t conn, int32_t guest, uint32_t e0, uint32_t e1, uint32_t e2,
                uint32_t e3) {
  keep_room();
  std::string_view text = take_text();
  if (!usable(now, conn) || guest < 0 || guest > 1) return kHtMisuse;
  Origin origin;
  origin.address = take_line(text);
  origin.isp = take_line(text);
  origin.province = take_line(text);
  origin.site = take_line(text);
  origin.guest = guest == 1;
  state().tracker->on_open(at(now), ConnId(conn), origin, IdEntropy{join(e0, e1), join(e2, e3)});
  return kHtOk;
}

int32_t ht_message(double now, int32_t conn) {
  const std::string_view text = take_text();
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_text(at(now), ConnId(conn), text);
  return kHtOk;
}

int32_t ht_binary(double now, int32_t conn) {
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_binary(at(now), ConnId(conn));
  return kHtOk;
}

int32_t ht_pong(double now, int32_t conn) {
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_pong(at(now), ConnId(conn));
  return kHtOk;
}

int32_t ht_closed(double now, int32_t conn) {
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_closed(at(now), ConnId(conn));
  return kHtOk;
}

int32_t ht_authorized(double now, int32_t conn, int32_t request, int32_t granted, double valid_ms) {
  const std::string_view reason = take_text();
  if (!usable(now, conn) || granted < 0 || granted > 1 || !(valid_ms >= 0)) return kHtMisuse;
  std::optional<DurationMs> valid;
  if (valid_ms < kMaxExact - now) valid = DurationMs{static_cast<int64_t>(valid_ms)};
  state().tracker->on_authorized(at(now), ConnId(conn), request, granted == 1, valid, reason);
  return kHtOk;
}

int32_t ht_elsewhere(double now, int32_t conn, int32_t request) {
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_elsewhere(at(now), ConnId(conn), request);
  return kHtOk;
}

int32_t ht_ask_again(double now, int32_t conn) {
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_ask_again(at(now), ConnId(conn));
  return kHtOk;
}

int32_t ht_told(double now, int32_t conn) {
  const std::string_view text = take_text();
  if (!usable(now, conn)) return kHtMisuse;
  state().tracker->on_told(at(now), ConnId(conn), text);
  return kHtOk;
}

int32_t ht_timeout(double now) {
  if (!usable(now, 1)) return kHtMisuse;
  state().tracker->on_timeout(at(now));
  return kHtOk;
}

const HtCommand* ht_poll(void) {
  State& s = state();
  const TrackerCommand* command = s.tracker ? s.tracker->poll() : nullptr;
  if (command == nullptr) return nullptr;
  s.command = {static_cast<int32_t>(command->kind), command->conn.value(), command->code,
               command->text.data(), static_cast<uint32_t>(command->text.size())};
  return &s.command;
}

double ht_next_timeout(void) {
  const State& s = state();
  const auto due = s.tracker ? s.tracker->next_timeout() : std::nullopt;
  return due ? static_cast<double>(due->time_since_epoch().count())
             : std::numeric_limits<double>::infinity();
}

const HtStats* ht_stats(void) {
  State& s = state();
  const TrackerStats from = s.tracker ? s.tracker->stats() : TrackerStats{};
  s.stats = {static_cast<double>(from.connections),
             static_cast<double>(from.peers),
             static_cast<double>(from.channels),
             static_cast<double>(from.enters),
             static_cast<double>(from.connects),
             static_cast<double>(from.signals),
             static_cast<double>(from.signals_refused),
             static_cast<double>(from.malformed),
             static_cast<double>(from.dead),
             static_cast<double>(from.rooms),
             static_cast<double>(from.links),
             static_cast<double>(from.banned),
             static_cast<double>(from.excluded),
             static_cast<double>(from.orphans),
             static_cast<double>(from.opened),
             static_cast<double>(from.promoted),
             static_cast<double>(from.failed),
             static_cast<double>(from.failed_refused),
             static_cast<double>(from.failed_silent),
             static_cast<double>(from.failed_permission),
             static_cast<double>(from.failed_udp),
             static_cast<double>(from.failed_nat),
             static_cast<double>(from.failed_policy),
             static_cast<double>(from.rejected),
             static_cast<double>(from.unauthorized),
             static_cast<double>(from.expired),
             static_cast<double>(from.rate_limited),
             static_cast<double>(from.limited_total),
             static_cast<double>(from.limited_connections),
             static_cast<double>(from.limited_enters),
             static_cast<double>(from.limited_messages),
             static_cast<double>(from.limited_switches),
             static_cast<double>(from.limited_address_messages),
             static_cast<double>(from.limited_enter_time),
             static_cast<double>(from.limited_bytes),
             static_cast<double>(from.limited_address_bytes),
             static_cast<double>(from.limited_pair_bytes),
             static_cast<double>(from.limited_reports),
             static_cast<double>(from.limited_facts),
             static_cast<double>(from.limited_address_share),
             static_cast<double>(from.reports),
             static_cast<double>(from.reports_ignored),
             static_cast<double>(from.bans),
             from.cdn_kb,
             from.p2p_kb,
             static_cast<double>(from.shadows),
             from.shadow_cdn_kb,
             from.shadow_p2p_kb,
             from.shadow_loads,
             from.shadow_missed,
             from.shadow_wrong};
  return &s.stats;
}

const HtText* ht_channels(int32_t offset, int32_t limit) {
  const State& s = state();
  return s.tracker ? listed(s.tracker->channels(offset, limit)) : nullptr;
}

const HtText* ht_topology(int32_t offset, int32_t limit) {
  const State& s = state();
  const std::string_view channel = take_text();
  if (!s.tracker) return nullptr;
  std::string topology = s.tracker->topology(channel, offset, limit);
  return topology.empty() ? nullptr : listed(std::move(topology));
}

const HtText* ht_sites(void) {
  const State& s = state();
  return s.tracker ? listed(s.tracker->sites()) : nullptr;
}

const HtText* ht_take_audience(void) {
  State& s = state();
  return s.tracker ? listed(s.tracker->take_audience()) : nullptr;
}

}  // extern "C"

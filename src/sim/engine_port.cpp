#include "sim/engine_port.hpp"

#include <cstring>
#include <string>

namespace hlsmesh::sim {
namespace {

// FNV-1a, 64 bits.
constexpr uint64_t kDigestSeed = 0xcbf29ce484222325u;
constexpr uint64_t kDigestPrime = 0x100000001b3u;

uint64_t digest(uint64_t state, std::string_view bytes) {
  for (const char c : bytes) state = (state ^ static_cast<uint8_t>(c)) * kDigestPrime;
  return state;
}

template <class Number>
uint64_t digest_number(uint64_t state, Number value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return (state ^ bits) * kDigestPrime;
}

double as_argument(TimeMs time) { return static_cast<double>(time.time_since_epoch().count()); }

}  // namespace

EnginePort::EnginePort(const EngineConfig& config, CommandSink& sink, EngineObserver* observer)
    : engine_(config), sink_(sink), observer_(observer), digest_(kDigestSeed) {
  if (observer_ == nullptr) return;
  // HmOption, in its order. The queue limit has no option: traces are of its default.
  const auto set = [this](double option, double value) {
    note("hm_set", {option, value});
    result(0);
  };
  set(1, static_cast<double>(config.seed & 0xffffffffu));
  set(2, static_cast<double>(config.seed >> 32));
  set(3, config.mobile ? 1 : 0);
  set(4, static_cast<double>(config.cache_bytes));
  set(5, config.p2p ? 1 : 0);
  set(6, config.upload ? 1 : 0);
  set(7, config.limits.max_children);
  // Only what differs: a trace has no spelling for a rate without limit.
  const EngineLimits usual;
  if (config.limits.max_parents != usual.max_parents) set(8, config.limits.max_parents);
  if (config.limits.upload_bytes_per_second != usual.upload_bytes_per_second) {
    set(9, config.limits.upload_bytes_per_second);
  }
  if (config.limits.upload_bytes != usual.upload_bytes) set(10, config.limits.upload_bytes);
  const auto set_text = [this](double option, std::string_view value) {
    note("hm_set_text", {option}, value);
    result(0);
  };
  set_text(16, config.channel);
  set_text(17, config.browser);
  set_text(18, config.os);
}

void EnginePort::note(const char* name, std::initializer_list<double> arguments,
                      std::optional<std::string_view> text, ByteView payload) {
  if (observer_ != nullptr) observer_->on_call(name, arguments, text, payload);
}

void EnginePort::result(int32_t value) {
  if (observer_ != nullptr) observer_->on_result(value);
}

void EnginePort::drain(int32_t value) {
  result(value);
  while (const Command* command = engine_.poll()) {
    ++command_count_;
    digest_ = digest_number(digest_, static_cast<int32_t>(command->kind));
    digest_ = digest_number(digest_, command->peer.value());
    digest_ = digest_number(digest_, command->load.value());
    digest_ = digest_number(digest_, command->code);
    digest_ = digest_number(digest_, command->aux);
    digest_ = digest_number(digest_, command->t0);
    digest_ = digest_number(digest_, command->t1);
    digest_ = digest(digest_, command->text);
    digest_ = digest_number(digest_, static_cast<uint64_t>(command->data.size()));
    if (observer_ != nullptr) observer_->on_command(*command);
    sink_.on_command(*command);
  }
  if (observer_ != nullptr) observer_->on_drained(engine_.next_timeout());
}

void EnginePort::start(TimeMs now) {
  note("hm_start", {as_argument(now)});
  engine_.start(now);
  drain();
}

void EnginePort::stop(TimeMs now) {
  note("hm_stop", {as_argument(now)});
  engine_.stop(now);
  drain();
}

void EnginePort::set_upload(TimeMs now, bool enabled) {
  note("hm_set", {6, enabled ? 1.0 : 0.0});
  engine_.set_upload(now, enabled);
  result(0);
  timeout(now);  // which drains what the setting led to
}

void EnginePort::socket_open(TimeMs now, std::string_view token) {
  note("hm_socket_open", {as_argument(now)}, token);
  engine_.on_socket_open(now, token);
  drain();
}

void EnginePort::socket_text(TimeMs now, std::string_view text) {
  note("hm_socket_text", {as_argument(now)}, text);
  engine_.on_socket_text(now, text);
  drain();
}

void EnginePort::socket_closed(TimeMs now) {
  note("hm_socket_closed", {as_argument(now)});
  engine_.on_socket_closed(now);
  drain();
}

void EnginePort::peer_signal(TimeMs now, PeerHandle peer, std::string_view json) {
  note("hm_peer_signal", {as_argument(now), static_cast<double>(peer.value())}, json);
  engine_.on_peer_signal(now, peer, json);
  drain();
}

void EnginePort::channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes) {
  note("hm_channel_open", {as_argument(now), static_cast<double>(peer.value()),
                           static_cast<double>(max_message_bytes)});
  engine_.on_channel_open(now, peer, max_message_bytes);
  drain();
}

void EnginePort::channel_text(TimeMs now, PeerHandle peer, std::string_view text) {
  note("hm_channel_text", {as_argument(now), static_cast<double>(peer.value())}, text);
  engine_.on_channel_text(now, peer, text);
  drain();
}

void EnginePort::channel_binary(TimeMs now, PeerHandle peer, ByteView bytes) {
  const auto size = static_cast<double>(bytes.size());
  note("hm_channel_reserve", {static_cast<double>(peer.value()), size}, std::nullopt, bytes);
  const MutableBytes room = engine_.reserve_channel_binary(peer, bytes.size());
  if (!room.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
  result(room.empty() ? 0 : 1);
  note("hm_channel_binary", {as_argument(now), static_cast<double>(peer.value()), size});
  engine_.on_channel_binary(now, peer, bytes.size());
  drain();
}

void EnginePort::channel_writable(TimeMs now, PeerHandle peer, size_t buffered) {
  note("hm_channel_writable",
       {as_argument(now), static_cast<double>(peer.value()), static_cast<double>(buffered)});
  engine_.on_channel_writable(now, peer, buffered);
  drain();
}

void EnginePort::peer_closed(TimeMs now, PeerHandle peer) {
  note("hm_peer_closed", {as_argument(now), static_cast<double>(peer.value())});
  engine_.on_peer_closed(now, peer);
  drain();
}

void EnginePort::connection_refused(TimeMs now) {
  note("hm_connection_refused", {as_argument(now)});
  engine_.on_connection_refused(now);
  drain();
}

void EnginePort::clear_renditions(const std::string& source) {
  note("hm_clear_renditions", {}, source);
  engine_.clear_renditions(source);
  drain();
}

void EnginePort::add_rendition(const RenditionFacts& facts) {
  note("hm_add_rendition",
       {static_cast<double>(facts.kind), static_cast<double>(facts.index),
        static_cast<double>(facts.bitrate)},
       facts.attributes + facts.stable_id + '\n' + facts.playlist_url);
  engine_.add_rendition(facts);
  drain();
}

void EnginePort::set_live(bool live) {
  note("hm_set_live", {live ? 1.0 : 0.0});
  engine_.set_live(live);
  drain();
}

void EnginePort::playhead(TimeMs now, const PlayheadReport& report) {
  note("hm_playhead",
       {as_argument(now), report.current_time, report.buffered_end, report.playback_rate});
  engine_.on_playhead(now, report);
  drain();
}

void EnginePort::conditions(TimeMs now, const PlayerConditions& conditions) {
  const int flags = (conditions.loads ? 0 : 1) | (conditions.hidden ? 2 : 0) |
                    (conditions.save_data ? 4 : 0) | (conditions.metered ? 8 : 0);  // HmCondition
  note("hm_conditions", {as_argument(now), static_cast<double>(flags), conditions.max_buffer});
  engine_.on_conditions(now, conditions);
  drain();
}

void EnginePort::verdict(TimeMs now, LoadId load, double seconds) {
  note("hm_verdict", {as_argument(now), static_cast<double>(load.value()), seconds});
  drain(engine_.on_verdict(now, load, seconds) ? 1 : 0);
}

void EnginePort::presentation(TimeMs now) {
  note("hm_presentation", {as_argument(now)});
  engine_.on_presentation(now);
  drain();
}

void EnginePort::playlist_loaded(TimeMs now, RenditionId rendition, const PlaylistFacts& facts) {
  note("hm_playlist_loaded",
       {as_argument(now), static_cast<double>(rendition.kind), static_cast<double>(rendition.index),
        facts.first, facts.newest, facts.target_duration, facts.live ? 1.0 : 0.0});
  engine_.on_playlist_loaded(now, rendition.kind, rendition.index, facts);
  drain();
}

void EnginePort::playlist(TimeMs now, RenditionId rendition) {
  note("hm_playlist", {as_argument(now), static_cast<double>(rendition.kind),
                       static_cast<double>(rendition.index)});
  engine_.on_playlist(now, rendition.kind, rendition.index);
  drain();
}

void EnginePort::list_segment(TimeMs now, const SegmentLoad& what) {
  note("hm_list_segment",
       {as_argument(now), static_cast<double>(what.kind), static_cast<double>(what.rendition_index),
        static_cast<double>(what.sn.value()), what.span.start, what.span.duration,
        static_cast<double>(what.range.start), static_cast<double>(what.range.end),
        what.shareable ? 1.0 : 0.0, what.date_time},
       what.url);
  engine_.list_segment(now, what);
  drain();
}

void EnginePort::load(TimeMs now, LoadId load, const SegmentLoad& what) {
  const int flags = (what.shareable ? 1 : 0) | (what.from_cdn ? 2 : 0);  // HmLoadFlag
  note("hm_load",
       {as_argument(now), static_cast<double>(load.value()), static_cast<double>(what.kind),
        static_cast<double>(what.rendition_index), static_cast<double>(what.sn.value()),
        what.span.start, what.span.duration, static_cast<double>(what.range.start),
        static_cast<double>(what.range.end), static_cast<double>(flags), what.date_time},
       what.url);
  engine_.on_load(now, load, what);
  drain();
}

void EnginePort::load_aborted(TimeMs now, LoadId load) {
  note("hm_load_aborted", {as_argument(now), static_cast<double>(load.value())});
  engine_.on_load_aborted(now, load);
  drain();
}

void EnginePort::fetch_done(TimeMs now, LoadId load, ByteView body, double first_byte_ms,
                            double body_ms) {
  const auto size = static_cast<double>(body.size());
  note("hm_fetch_reserve", {static_cast<double>(load.value()), size}, std::nullopt, body);
  const MutableBytes room = engine_.reserve_fetch(load, body.size());
  if (!room.empty()) std::memcpy(room.data(), body.data(), body.size());
  result(room.empty() ? 0 : 1);
  note("hm_fetch_done",
       {as_argument(now), static_cast<double>(load.value()), size, first_byte_ms, body_ms});
  engine_.on_fetch_done(now, load, body.size(), first_byte_ms, body_ms);
  drain();
}

void EnginePort::fetch_failed(TimeMs now, LoadId load) {
  note("hm_fetch_failed", {as_argument(now), static_cast<double>(load.value())});
  engine_.on_fetch_failed(now, load);
  drain();
}

void EnginePort::timeout(TimeMs now) {
  note("hm_timeout", {as_argument(now)});
  engine_.on_timeout(now);
  drain();
}

void EnginePort::show_stats() {
  if (observer_ != nullptr) observer_->on_stats(engine_.stats(), engine_.peers());
}

}  // namespace hlsmesh::sim

#include "sim/engine_port.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
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

// The text of the next call.
void hand_in(std::string_view text) {
  uint8_t* const space = hm_text(static_cast<uint32_t>(text.size()));
  if (space == nullptr) std::abort();
  if (!text.empty()) std::memcpy(space, text.data(), text.size());
}

ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// What comes in a piece from byte `from` on.
Piece end_of(const Piece& piece, uint32_t from) {
  return {piece.body, piece.offset + from, piece.bytes.subspan(from)};
}

// The text of hm_load and hm_list_segment.
std::string urls(const SegmentLoad& what) {
  return what.clean_url.empty() ? what.url : what.url + '\n' + what.clean_url;
}

int32_t load_flags(const SegmentLoad& what) {
  return (what.shareable ? kHmLoadShareable : 0) | (what.from_cdn ? kHmLoadFromCdn : 0) |
         (what.named ? kHmLoadNamed : 0) | (what.opaque ? kHmLoadOpaque : 0) |
         (what.streams ? kHmLoadStreams : 0) | (what.part ? kHmLoadPart : 0);
}

int32_t condition_flags(const PlayerConditions& conditions) {
  return (conditions.loads ? 0 : kHmConditionLoadsNot) |
         (conditions.hidden ? kHmConditionHidden : 0) |
         (conditions.save_data ? kHmConditionSaveData : 0) |
         (conditions.metered ? kHmConditionMetered : 0) |
         (conditions.parts.value_or(false) ? kHmConditionParts : 0) |
         (conditions.parts ? 0 : kHmConditionNoPlaylist) |
         (conditions.shown ? 0 : kHmConditionNoFrame) |
         (conditions.remote ? kHmConditionRemote : 0) |
         (conditions.local_denied ? kHmConditionLocalDenied : 0);
}

}  // namespace

EnginePort::EnginePort(const EngineConfig& config, CommandSink& sink, EngineObserver* observer)
    : arena_(Arena::take()), sink_(sink), observer_(observer), digest_(kDigestSeed) {
  const auto option = [this](HmOption key, double value) {
    set("hm_set", hm_set, std::nullopt, key, value);
  };
  option(kHmOptionSeedLow, static_cast<double>(config.seed & 0xffffffffu));
  option(kHmOptionSeedHigh, static_cast<double>(config.seed >> 32));
  // Only what differs, so that a trace shows what is particular about its viewer.
  const EngineConfig usual;
#define HLSMESH_SET(name, number, js, field, ...) \
  if (config.field != usual.field) option(kHmOption##name, static_cast<double>(config.field));
  HLSMESH_NUMBER_OPTIONS(HLSMESH_SET)
#undef HLSMESH_SET
#define HLSMESH_SET_TEXT(name, number, js, field) \
  set("hm_set_text", hm_set_text, config.field, kHmOption##name);
  HLSMESH_TEXT_OPTIONS(HLSMESH_SET_TEXT)
#undef HLSMESH_SET_TEXT
}

EnginePort::~EnginePort() { arena_.give_back(); }

template <class... Parameters>
int32_t EnginePort::set(const char* name, int32_t (*function)(Parameters...),
                        std::optional<std::string_view> text,
                        std::type_identity_t<Parameters>... arguments) {
  if (observer_ != nullptr) {
    observer_->on_call(name, {static_cast<double>(arguments)...}, text, {});
  }
  instance_.select();
  if (text) hand_in(*text);
  const InArena engine(arena_);
  const int32_t result = function(arguments...);
  if (result < 0) std::abort();
  if (observer_ != nullptr) observer_->on_result(result);
  return result;
}

template <class... Parameters>
void EnginePort::input(const char* name, int32_t (*function)(Parameters...),
                       std::type_identity_t<Parameters>... arguments) {
  set(name, function, std::nullopt, arguments...);
  drain();
}

template <class... Parameters>
int32_t EnginePort::input_text(const char* name, int32_t (*function)(Parameters...),
                               std::string_view text,
                               std::type_identity_t<Parameters>... arguments) {
  const int32_t result = set(name, function, text, arguments...);
  drain();
  return result;
}

template <class... Arguments>
void EnginePort::note(const char* name, std::initializer_list<ByteView> payload,
                      Arguments... arguments) {
  if (observer_ == nullptr) return;
  observer_->on_call(name, {static_cast<double>(arguments)...}, std::nullopt, payload);
}

const HmCommand* EnginePort::poll() const {
  const InArena engine(arena_);
  return hm_poll();
}

void EnginePort::drain() {
  for (;;) {
    // Outside of it are the simulator's answers to a command.
    const HmCommand* const command = poll();
    if (command == nullptr) break;
    ++command_count_;
    digest_ = digest_number(digest_, command->kind);
    digest_ = digest_number(digest_, command->peer);
    digest_ = digest_number(digest_, command->load);
    digest_ = digest_number(digest_, command->code);
    digest_ = digest_number(digest_, command->aux);
    digest_ = digest_number(digest_, command->t0);
    digest_ = digest_number(digest_, command->t1);
    digest_ = digest(digest_, text_of(*command));
    digest_ = digest_number(digest_, static_cast<uint64_t>(command->data_size));
    if (observer_ != nullptr) observer_->on_command(*command);
    sink_.on_command(*command);
  }
  const double next = hm_next_timeout();
  next_timeout_.reset();
  if (!std::isinf(next)) next_timeout_ = TimeMs(DurationMs(static_cast<int64_t>(next)));
  if (observer_ != nullptr) observer_->on_drained(next);
}

void EnginePort::start(TimeMs now) { input("hm_start", hm_start, as_argument(now)); }

void EnginePort::stop(TimeMs now) { input("hm_stop", hm_stop, as_argument(now)); }

void EnginePort::set_upload(TimeMs now, bool enabled) {
  set("hm_set", hm_set, std::nullopt, kHmOptionUpload, enabled ? 1 : 0);
  timeout(now);  // which drains what the setting led to
}

void EnginePort::socket_open(TimeMs now, std::string_view token) {
  input_text("hm_socket_open", hm_socket_open, token, as_argument(now));
}

void EnginePort::socket_text(TimeMs now, std::string_view text) {
  input_text("hm_socket_text", hm_socket_text, text, as_argument(now));
}

void EnginePort::socket_closed(TimeMs now) {
  input("hm_socket_closed", hm_socket_closed, as_argument(now));
}

void EnginePort::peer_signal(TimeMs now, PeerHandle peer, std::string_view json) {
  input_text("hm_peer_signal", hm_peer_signal, json, as_argument(now), peer.value());
}

void EnginePort::channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes) {
  input("hm_channel_open", hm_channel_open, as_argument(now), peer.value(),
        static_cast<uint32_t>(max_message_bytes));
}

void EnginePort::channel_text(TimeMs now, PeerHandle peer, std::string_view text) {
  input_text("hm_channel_text", hm_channel_text, text, as_argument(now), peer.value());
}

void EnginePort::channel_binary(TimeMs now, PeerHandle peer, std::string_view head,
                                const Piece& message) {
  const auto front = static_cast<uint32_t>(head.size());
  const auto size = static_cast<uint32_t>(front + message.bytes.size());
  instance_.select();
  HmFrame& frame = *hm_frame();
  if (front > 0) std::memcpy(frame.head, head.data(), front);
  const uint32_t behind = std::min(size, kHmHeadBytes) - front;
  if (behind > 0) std::memcpy(frame.head + front, message.bytes.data(), behind);
  note("hm_channel_frame", {bytes_of(head), message.bytes}, peer.value(), size);
  const int32_t wanted = hm_channel_frame(peer.value(), size);
  if (wanted != 0) write_segment(frame.at, end_of(message, frame.from - front));
  if (observer_ != nullptr) observer_->on_result(wanted);
  input("hm_channel_binary", hm_channel_binary, as_argument(now), peer.value(), size);
}

void EnginePort::channel_writable(TimeMs now, PeerHandle peer, size_t buffered) {
  input("hm_channel_writable", hm_channel_writable, as_argument(now), peer.value(),
        static_cast<uint32_t>(buffered));
}

void EnginePort::peer_closed(TimeMs now, PeerHandle peer) {
  input("hm_peer_closed", hm_peer_closed, as_argument(now), peer.value());
}

void EnginePort::connection_refused(TimeMs now) {
  input("hm_connection_refused", hm_connection_refused, as_argument(now));
}

void EnginePort::clear_renditions(std::string_view source) {
  input_text("hm_clear_renditions", hm_clear_renditions, source);
}

void EnginePort::add_rendition(const RenditionFacts& facts) {
  input_text("hm_add_rendition", hm_add_rendition,
             facts.attributes + facts.stable_id + '\n' + facts.playlist_url,
             static_cast<int32_t>(facts.kind), facts.index, facts.bitrate);
}

void EnginePort::set_live(bool live) { input("hm_set_live", hm_set_live, live ? 1 : 0); }

void EnginePort::playhead(TimeMs now, const PlayheadReport& report) {
  input("hm_playhead", hm_playhead, as_argument(now), report.current_time, report.buffered_end,
        report.playback_rate);
}

void EnginePort::conditions(TimeMs now, const PlayerConditions& conditions) {
  input("hm_conditions", hm_conditions, as_argument(now), condition_flags(conditions),
        conditions.max_buffer);
}

void EnginePort::verdict(TimeMs now, LoadId load, double seconds) {
  input("hm_verdict", hm_verdict, as_argument(now), load.value(), seconds);
}

void EnginePort::presentation(TimeMs now) {
  input("hm_presentation", hm_presentation, as_argument(now));
}

void EnginePort::playlist_loaded(TimeMs now, RenditionId rendition, const PlaylistFacts& facts) {
  input("hm_playlist_loaded", hm_playlist_loaded, as_argument(now),
        static_cast<int32_t>(rendition.kind), rendition.index, facts.first, facts.newest,
        facts.target_duration,
        (facts.live ? kHmPlaylistLive : 0) | (facts.digests ? kHmPlaylistDigests : 0));
}

void EnginePort::digests(TimeMs now, RenditionId rendition, const std::string* file) {
  input_text("hm_digests", hm_digests, file == nullptr ? std::string() : *file, as_argument(now),
             static_cast<int32_t>(rendition.kind), rendition.index, file == nullptr ? 0 : 1);
}

void EnginePort::playlist(TimeMs now, RenditionId rendition) {
  input("hm_playlist", hm_playlist, as_argument(now), static_cast<int32_t>(rendition.kind),
        rendition.index);
}

void EnginePort::list_segment(TimeMs now, const SegmentLoad& what) {
  input_text("hm_list_segment", hm_list_segment, urls(what), as_argument(now),
             static_cast<int32_t>(what.kind), what.rendition_index,
             static_cast<double>(what.sn.value()), what.span.start, what.span.duration,
             static_cast<double>(what.range.start), static_cast<double>(what.range.end),
             load_flags(what), what.date_time);
}

hlsmesh::FetchId EnginePort::load(TimeMs now, LoadId load, const SegmentLoad& what) {
  const int32_t fetch = input_text(
      "hm_load", hm_load, urls(what), as_argument(now), load.value(),
      static_cast<int32_t>(what.kind), what.rendition_index, static_cast<double>(what.sn.value()),
      what.span.start, what.span.duration, static_cast<double>(what.range.start),
      static_cast<double>(what.range.end), load_flags(what), what.date_time);
  return hlsmesh::FetchId(fetch);
}

void EnginePort::load_aborted(TimeMs now, LoadId load) {
  input("hm_load_aborted", hm_load_aborted, as_argument(now), load.value());
}

bool EnginePort::fetch_part(TimeMs now, hlsmesh::FetchId fetch, const Piece& part, size_t whole) {
  const auto offset = static_cast<uint32_t>(part.offset);
  const auto size = static_cast<uint32_t>(part.bytes.size());
  const auto total = static_cast<uint32_t>(whole);
  note("hm_fetch_reserve", {part.bytes}, fetch.value(), offset, size, total);
  instance_.select();
  uint8_t* space = nullptr;
  {
    const InArena engine(arena_);
    space = hm_fetch_reserve(fetch.value(), offset, size, total);
  }
  if (space != nullptr) write_segment(space, part);
  if (observer_ != nullptr) observer_->on_result(space == nullptr ? 0 : 1);
  if (space == nullptr) return false;
  input("hm_fetch_bytes", hm_fetch_bytes, as_argument(now), fetch.value(), size);
  return true;
}

void EnginePort::fetch_done(TimeMs now, hlsmesh::FetchId fetch, size_t size, double first_byte_ms,
                            double body_ms) {
  input("hm_fetch_done", hm_fetch_done, as_argument(now), fetch.value(),
        static_cast<uint32_t>(size), first_byte_ms, body_ms);
}

void EnginePort::fetch_failed(TimeMs now, hlsmesh::FetchId fetch) {
  input("hm_fetch_failed", hm_fetch_failed, as_argument(now), fetch.value());
}

void EnginePort::timeout(TimeMs now) { input("hm_timeout", hm_timeout, as_argument(now)); }

void EnginePort::show_stats() {
  if (observer_ == nullptr) return;
  instance_.select();
  observer_->on_stats();
}

}  // namespace hlsmesh::sim

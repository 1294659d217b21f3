// What the player plays and loads, and what the CDN brings.
#include <optional>
#include <string>
#include <utility>

#include "client_state.hpp"

using hlsmesh::data_or_null;
using hlsmesh::Engine;
using hlsmesh::FetchId;
using hlsmesh::is_track;
using hlsmesh::is_whole;
using hlsmesh::kMaxExact;
using hlsmesh::LoadId;
using hlsmesh::MediaSequence;
using hlsmesh::PlayerConditions;
using hlsmesh::RenditionFacts;
using hlsmesh::SegmentLoad;
using hlsmesh::state;
using hlsmesh::take_text;
using hlsmesh::TimeMs;
using hlsmesh::TrackKind;
using hlsmesh::with_engine;

namespace {

// A segment as a call tells it; false for what cannot be one.
bool read_segment(SegmentLoad& what, int32_t kind, int32_t rendition_index, double sn, double start,
                  double duration, double from, double to, int32_t flags, double date_time) {
  const std::string_view text = take_text();
  if (!is_track(kind) || !is_whole(sn, -1, kMaxExact) || !std::isfinite(start) ||
      !std::isfinite(duration) || !is_whole(to, 0, kMaxExact) ||
      !is_whole(from, 0, to > 0 ? to - 1 : 0)) {
    return false;
  }
  const size_t url_end = std::min(text.find('\n'), text.size());
  what.kind = static_cast<TrackKind>(kind);
  what.rendition_index = rendition_index;
  what.sn = MediaSequence(static_cast<int64_t>(sn));
  what.url = text.substr(0, url_end);
  what.clean_url = text.substr(std::min(url_end + 1, text.size()));
  what.range = {static_cast<int64_t>(from), static_cast<int64_t>(to)};
  what.span = {start, duration};
  what.shareable = (flags & kHmLoadShareable) != 0;
  what.from_cdn = (flags & kHmLoadFromCdn) != 0;
  what.named = (flags & kHmLoadNamed) != 0;
  what.date_time = date_time;
  what.opaque = (flags & kHmLoadOpaque) != 0;
  what.streams = (flags & kHmLoadStreams) != 0;
  what.part = (flags & kHmLoadPart) != 0;
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

int32_t hm_clear_renditions(void) {
  const std::string_view text = take_text();
  if (!state().engine) return kHmMisuse;
  state().engine->clear_renditions(std::string(text));
  return kHmOk;
}

int32_t hm_add_rendition(int32_t kind, int32_t index, int32_t bitrate) {
  std::string_view text = take_text();
  if (!state().engine || !is_track(kind) || index < -1) return kHmMisuse;
  RenditionFacts facts;
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
  state().engine->add_rendition(std::move(facts));
  return kHmOk;
}

int32_t hm_set_live(int32_t live) {
  if (!state().engine) return kHmMisuse;
  state().engine->set_live(live != 0);
  return kHmOk;
}

int32_t hm_presentation(double now) {
  return with_engine(now, [](Engine& engine, TimeMs time) { engine.on_presentation(time); });
}

int32_t hm_playlist_loaded(double now, int32_t kind, int32_t rendition_index, double first,
                           double newest, double target_duration, int32_t flags) {
  if (!is_track(kind)) return kHmMisuse;
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_playlist_loaded(time, static_cast<TrackKind>(kind), rendition_index,
                              {first, newest, target_duration, (flags & kHmPlaylistLive) != 0,
                               (flags & kHmPlaylistDigests) != 0});
  });
}

int32_t hm_digests(double now, int32_t kind, int32_t rendition_index, int32_t there) {
  const std::string_view text = take_text();
  if (!is_track(kind)) return kHmMisuse;
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    const auto track = static_cast<TrackKind>(kind);
    if (there != 0) {
      engine.on_digests(time, track, rendition_index, text);
    } else {
      engine.on_no_digests(time, track, rendition_index);
    }
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

int32_t hm_playback(double now, double first_frame, double stalls, double stalled) {
  if (!std::isfinite(first_frame + stalls + stalled)) return kHmMisuse;
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_playback(time, {first_frame, stalls, stalled});
  });
}

int32_t hm_conditions(double now, int32_t conditions, double max_buffer) {
  if (!(max_buffer >= 0)) return kHmMisuse;
  PlayerConditions player;
  player.max_buffer = max_buffer;
  player.loads = (conditions & kHmConditionLoadsNot) == 0;
  player.hidden = (conditions & kHmConditionHidden) != 0;
  player.save_data = (conditions & kHmConditionSaveData) != 0;
  player.metered = (conditions & kHmConditionMetered) != 0;
  player.parts = (conditions & kHmConditionParts) != 0;
  if ((conditions & kHmConditionNoPlaylist) != 0) player.parts.reset();
  player.remote = (conditions & kHmConditionRemote) != 0;
  player.local_denied = (conditions & kHmConditionLocalDenied) != 0;
  player.shown = (conditions & kHmConditionNoFrame) == 0;
  if (!state().engine) {
    state().config.parts = player.parts;
    state().config.shown = player.shown;
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
  SegmentLoad what;
  if (!read_segment(what, kind, rendition_index, sn, start, duration, from, to, flags, date_time))
    return kHmMisuse;
  return with_engine(
      now, [&](Engine& engine, TimeMs time) { engine.list_segment(time, std::move(what)); });
}

int32_t hm_load(double now, int32_t load, int32_t kind, int32_t rendition_index, double sn,
                double start, double duration, double from, double to, int32_t flags,
                double date_time) {
  SegmentLoad what;
  if (!read_segment(what, kind, rendition_index, sn, start, duration, from, to, flags, date_time) ||
      load <= 0) {
    return kHmMisuse;
  }
  FetchId fetch;
  const int32_t result = with_engine(now, [&](Engine& engine, TimeMs time) {
    fetch = engine.on_load(time, LoadId(load), std::move(what));
  });
  return result == kHmOk ? fetch.value() : result;
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

uint8_t* hm_fetch_reserve(int32_t fetch, uint32_t offset, uint32_t size, uint32_t total) {
  if (!state().engine) return nullptr;
  return data_or_null(state().engine->reserve_fetch(FetchId(fetch), offset, size, total));
}

int32_t hm_fetch_bytes(double now, int32_t fetch, uint32_t size) {
  return with_engine(
      now, [=](Engine& engine, TimeMs time) { engine.on_fetch_bytes(time, FetchId(fetch), size); });
}

int32_t hm_fetch_done(double now, int32_t fetch, uint32_t size, double first_byte, double body) {
  return with_engine(now, [=](Engine& engine, TimeMs time) {
    engine.on_fetch_done(time, FetchId(fetch), size, first_byte, body);
  });
}

int32_t hm_fetch_failed(double now, int32_t fetch) {
  return with_engine(
      now, [fetch](Engine& engine, TimeMs time) { engine.on_fetch_failed(time, FetchId(fetch)); });
}

}  // extern "C"

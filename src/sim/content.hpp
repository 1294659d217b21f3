#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/ids.hpp"
#include "media/rendition.hpp"
#include "sim/event_queue.hpp"
#include "sim/segment_memory.hpp"

namespace hlsmesh::sim {

struct ContentConfig {
  bool live = false;
  Duration segment_duration = std::chrono::seconds(4);
  int32_t vod_segments = 30;
  // Segments in a live playlist; at time zero it is already full.
  int32_t live_window = 6;
  int64_t first_sn = 0;
  // Live: from then on the stream stands still, and after `restart_takes` the packager begins anew,
  // with number 0. `first_sn` must be above all numbers that it reaches.
  std::optional<Time> restart_at;
  Duration restart_takes{};
  // One main rendition each, bits per second. Small figures make small segments: a large swarm
  // scales rates and lines down alike.
  std::vector<int32_t> bitrates = {1'000'000};
  int32_t audio_bitrate = 0;  // above 0: audio is a track of its own
  bool digests = false;       // its publisher gives digests of its segments
};

struct RenditionId {
  TrackKind kind = TrackKind::kMain;
  int32_t index = 0;

  friend bool operator==(RenditionId a, RenditionId b) {
    return a.kind == b.kind && a.index == b.index;
  }
  friend bool operator<(RenditionId a, RenditionId b) {
    return a.kind != b.kind ? a.kind < b.kind : a.index < b.index;
  }
};

// What a media playlist lists; empty when last < first.
struct Playlist {
  MediaSequence first;
  MediaSequence last;
  bool ended = false;
};

// The stream that everybody watches. The bytes of a segment are a pure function of its rendition
// and number: they are made when they are first asked for, and kept once for all viewers.
class Content {
 public:
  explicit Content(ContentConfig config) : config_(std::move(config)) {}

  const ContentConfig& config() const { return config_; }
  bool has_audio() const { return config_.audio_bitrate > 0; }
  std::string channel() const;
  std::vector<RenditionFacts> renditions() const;

  Playlist playlist(Time now) const;
  // When the segment's last byte leaves the encoder; time zero for VOD.
  Time available_at(MediaSequence sn) const;
  // Whether it is of what the packager made after it began anew.
  bool is_anew(MediaSequence sn) const {
    return config_.restart_at && sn.value() < config_.first_sn;
  }
  std::string url(MediaSequence sn) const;
  size_t segment_bytes(RenditionId rendition, MediaSequence sn) const;

  const SharedBody& body(RenditionId rendition, MediaSequence sn) const;
  // The publisher's digests of what the rendition's playlist lists.
  std::string digests(RenditionId rendition, Time now) const;
  // Bytes that an engine gave out: which part of a body they are, if they lie in one.
  Piece piece(ByteView bytes) const;
  // Names a segment in its bytes and in traces.
  static uint32_t tag(RenditionId rendition, MediaSequence sn);

 private:
  ContentConfig config_;
  mutable std::map<uint32_t, SharedBody> bodies_;                   // by tag
  mutable std::map<uint32_t, std::string> digest_lines_;            // by tag
  mutable std::map<const uint8_t*, const SharedBody*> by_address_;  // of their first bytes
};

}  // namespace hlsmesh::sim

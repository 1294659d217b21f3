#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/ids.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// What the driver tells the engine: its configuration at the start, and reports on the player.

// A prefetch window that is as long as the buffer the player itself wants.
inline constexpr double kFollowPlayer = -1;

// How much of this viewer the others may have.
struct EngineLimits {
  // Parents, open or on their way. One carries the stream; the others stand by for when it is busy,
  // slow or gone, and each costs both sides memory and the parent a slot for a child.
  int32_t max_parents = 4;
  int32_t max_children = 8;                   // served at the same time
  double upload_bytes_per_second = HUGE_VAL;  // on average
  double upload_bytes = HUGE_VAL;             // as long as the engine lives
  // Viewers in the channel, we included, before the first connection.
  int32_t min_viewers = 2;
  // Whether children are served while traffic costs the viewer money, or is to be saved.
  bool upload_on_metered = false;
};

// Which renditions' segments are exchanged with peers only with their publisher's digests.
enum class DigestPolicy : int32_t {
  kOff = 0,        // none
  kWhereSaid = 1,  // those whose playlist says that there are digests
  kRequired = 2,   // all; without digests nothing is exchanged
};

// What a site that compares or tests has drawn for this viewer.
enum class Group : int32_t {
  // With peers, for a test: the player has all from the CDN, which the engine does not see. What
  // the engine answers is compared with it and goes nowhere.
  kShadow = -2,
  kNone = -1,    // it does not compare
  kPeers = 0,    // with peers
  kControl = 1,  // in the tracker's statistics, and without peers: every load goes to the CDN
};

struct EngineConfig {
  uint64_t seed = 0;
  std::string channel;  // the tracker's `channel`; required
  std::string browser;
  std::string os;
  bool mobile = false;
  size_t cache_bytes = 128u * 1024 * 1024;
  bool p2p = true;     // false: no tracker, no peers, every load goes to the CDN
  bool upload = true;  // false: no child is accepted
  EngineLimits limits;
  double prefetch_seconds = kFollowPlayer;   // how far ahead of the playhead peers are asked
  std::optional<bool> parts = false;         // PlayerConditions::parts as of the start
  bool shown = true;                         // the same of PlayerConditions::shown
  int32_t tracker_count = 1;                 // how many trackers kSocketOpen may name
  size_t channel_queue_bytes = 1024 * 1024;  // most that may wait in one data channel's send queue
  DigestPolicy digests = DigestPolicy::kWhereSaid;
  Group group = Group::kNone;
  // Of the segments that peers bring without digests, the share that SpotChecks looks at.
  double checks = 0;
  // Seconds for which the player had the channel before this one; HUGE_VAL: it had none.
  double stayed = HUGE_VAL;
};

struct PlayheadReport {
  double current_time = 0;  // seconds
  double buffered_end =
      0;  // end of the buffered range that holds current_time; current_time when there is none
  double playback_rate = 1;  // 0 while paused
};

// What the viewer has seen so far; the figures never fall.
struct PlaybackReport {
  double first_frame = -1;  // seconds from the source to its first frame; negative: unknown
  double stalls = 0;        // how often playback was interrupted for want of data
  double stalled = 0;       // for how many seconds in all
};

// What bears on asking peers for segments before the player wants them, and on serving them.
struct PlayerConditions {
  double max_buffer = 30;  // seconds that the player wants to have buffered
  bool loads = true;       // false: it was told not to load for now
  bool hidden = false;     // nobody sees the page
  bool save_data = false;  // the viewer asked for little traffic
  bool metered = false;    // traffic costs the viewer money
  // Whether the player loads low-latency parts in place of segments; nullopt before it has a
  // playlist.
  std::optional<bool> parts = false;
  bool shown = true;          // a frame of a source is on the screen
  bool remote = false;        // another device plays it (AirPlay, Cast)
  bool local_denied = false;  // the browser would have to be allowed to use the local network
};

// What a media playlist says each time it is loaded.
struct PlaylistFacts {
  double first = 0;  // sequence numbers, as the driver has them
  double newest = 0;
  double target_duration = 0;  // seconds
  bool live = false;           // without EXT-X-ENDLIST
  bool digests = false;        // it says that there is a file of its segments' digests
};

struct SegmentLoad {
  TrackKind kind = TrackKind::kMain;
  int32_t rendition_index = 0;
  MediaSequence sn;
  std::string url;        // spelt as in the playlist
  std::string clean_url;  // without credentials, see SegmentFacts; empty: the same as `url`
  ByteRange range;
  MediaSpan span;
  bool shareable = true;  // false for what peers do not carry: init segments
  bool part = false;      // a low-latency part (EXT-X-PART)
  bool from_cdn = false;  // already being fetched by the driver; only its bytes are wanted
  // `url` is the site's own id of the segment: beside rendition and sn it tells segments apart.
  bool named = false;
  double date_time = 0;  // SegmentFacts::date_time
  bool opaque = false;   // encrypted as a whole (METHOD=AES-128)
  // Its bytes from the CDN can come in as they arrive, and a part of them can be asked for: nothing
  // of the site's set-up forbids it.
  bool streams = false;
};

}  // namespace hlsmesh

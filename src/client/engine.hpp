#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache/segment_cache.hpp"
#include "common/bytes.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

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
  // Whether children are served while traffic costs the viewer money, or is to be saved.
  bool upload_on_metered = false;
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
  int32_t tracker_count = 1;                 // how many trackers kSocketOpen may name
  size_t channel_queue_bytes = 1024 * 1024;  // most that may wait in one data channel's send queue
};

// What the driver must do. The order of commands is significant; each is to be carried out before
// the next.
enum class CommandKind : int32_t {
  kNone = 0,
  // Tracker socket.
  // Open the WebSocket to tracker number `code`, the preferred one being 0, and get the token that
  // the site wants us to enter with; answer with on_socket_open when both are there, or with
  // on_socket_closed.
  kSocketOpen = 1,
  kSocketSend = 2,   // text
  kSocketClose = 3,  // close it; no on_socket_closed is due for it
  // Peer connections; `peer` names them.
  kPeerDial = 4,    // create a connection and its one ordered, reliable data channel; make an offer
  kPeerAnswer = 5,  // create a connection that waits for the other side's offer and channel
  kPeerSignal = 6,  // text: JSON of a description or candidate from the other side
  kPeerClose = 7,   // close channel and connection; nothing more may be reported about this peer
  kChannelSendText = 8,    // text
  kChannelSendBinary = 9,  // data
  // Player's loads; `load` names them.
  kLoadFromCdn = 10,  // fetch it exactly as the player would have; report with
                      // reserve_fetch/on_fetch_done/on_fetch_failed
  // code: bytes arrived so far; aux: size in all. At the first byte, then at most once in 50 ms.
  kLoadProgress = 11,
  // data: the segment; code: kPeer; t0, t1: first byte and end of its transfer, which may lie in
  // the past. A peer is one source on the viewer's line, and the player is to know of the line: a
  // transfer counts as no longer than the CDN would have taken for its body. Not issued for a load
  // that went to the CDN: the driver has those bytes already.
  kLoadDone = 12,
  // Word for the page.
  kEvent = 13,  // code: EventCode; peer, load, text where the code says so
  // Call list_segment for each segment of the playlist that the player follows in the track of kind
  // `code`, in its order, of which a part lies between t0 and t1, in seconds of the timeline. They
  // replace what was listed before.
  kListSegments = 14,
  // The token runs out: get a fresh one and report it with on_socket_open. Asked again later if
  // that does not happen.
  kRenewToken = 15,
};

enum class LoadSource : int32_t { kPeer = 1, kCdn = 2 };

enum class EventCode : int32_t {
  kTrackerConnected = 1,     // text: own peer id
  kTrackerDisconnected = 2,  // aux: milliseconds until the next attempt
  kTrackerRejected = 3,      // text: the tracker's reason; aux: milliseconds until the next attempt
  kPeerOpened = 4,           // peer; text: its id
  kPeerClosed = 5,           // peer; text: its id; aux: PeerEnd
  kSegmentCached = 6,        // a segment became complete; text: url; code in aux: LoadSource
  kFallback = 7,        // load; aux: FallbackReason: a transfer from a peer ended in a CDN fetch
  kPeerMisbehaved = 8,  // peer; text: what it did
  // No connection to a peer opened within a minute of the tracker's `accept`; aux: how many were
  // begun. At most once.
  kAlone = 9,
  // The player loads low-latency parts, which are not shared: no tracker and no peer is connected.
  kPartsOnly = 10,
};

enum class PeerEnd : int32_t {
  kClosedByPeer = 0,
  kClosedByUs = 1,
  kFailed = 2,
  kTimedOut = 3,
  kMisbehaved = 4,
  kDisconnectedByTracker = 5,
  kRefused = 6,  // it turned our offer down
  kUseless = 7,  // a parent that gave nothing, a child that asked for nothing
};

enum class FallbackReason : int32_t {
  kLack = 1,
  kTimeout = 2,
  kWrongSegment = 3,
  kPeerLost = 4,
  kProtocol = 5,
  kNoMemory = 6
};

// One instruction. Views stay valid until the next call of any method of the engine that is not
// const.
struct Command {
  CommandKind kind = CommandKind::kNone;
  PeerHandle peer;
  LoadId load;
  int32_t code = 0;
  double aux = 0;
  double t0 = 0;  // milliseconds on the engine's clock
  double t1 = 0;
  std::string_view text;
  ByteView data;
};

struct PlayheadReport {
  double current_time = 0;  // seconds
  double buffered_end =
      0;  // end of the buffered range that holds current_time; current_time when there is none
  double playback_rate = 1;  // 0 while paused
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
};

// What a media playlist says each time it is loaded.
struct PlaylistFacts {
  double first = 0;  // sequence numbers, as the driver has them
  double newest = 0;
  double target_duration = 0;  // seconds
  bool live = false;           // without EXT-X-ENDLIST
};

struct SegmentLoad {
  TrackKind kind = TrackKind::kMain;
  int32_t rendition_index = 0;
  MediaSequence sn;
  std::string url;        // spelt as in the playlist
  std::string clean_url;  // without credentials, see SegmentFacts; empty: the same as `url`
  ByteRange range;
  MediaSpan span;
  bool shareable = true;  // false for what peers do not carry: init segments, parts
  bool from_cdn = false;  // already being fetched by the driver; only its bytes are wanted
  // `url` is the site's own id of the segment: beside rendition and sn it tells segments apart.
  bool named = false;
  double date_time = 0;  // SegmentFacts::date_time
  bool opaque = false;   // encrypted as a whole (METHOD=AES-128)
};

struct EngineStats {
  uint64_t cdn_bytes = 0;         // media bytes that came from the CDN
  uint64_t p2p_bytes = 0;         // media bytes of segments received whole from peers
  uint64_t upload_bytes = 0;      // media bytes handed to data channels
  uint64_t p2p_wasted_bytes = 0;  // received from peers and thrown away
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t cache_evictions = 0;
  uint64_t cache_bytes = 0;
  uint64_t fallbacks = 0;
  uint64_t malformed = 0;  // messages from peers or tracker that were not understood
  int32_t parents = 0;     // open connections on which we ask
  int32_t children = 0;    // open connections on which we serve
  int32_t cdn_segments = 0;
  int32_t p2p_segments = 0;
};

struct PeerInfo {
  PeerHandle handle;
  std::string id;
  bool is_parent = false;
  bool open = false;
  bool version1 = false;        // has not shown an extension level
  uint64_t received_bytes = 0;  // media
  uint64_t sent_bytes = 0;      // media
  double rtt_ms = -1;           // of KEEPALIVE; negative while unknown
};

// One viewer of one channel: tracker session, peer sessions of both roles, segment cache and
// scheduler, without any I/O.
//
// Feed it events with the time at which they happened (never decreasing), then drain: call poll()
// until it returns nullptr and carry out each command, and call on_timeout() when next_timeout() is
// due. Every event is legal at any time; one that names a peer or load that is gone is ignored. Not
// thread-safe. Allocates; never throws of its own accord.
class Engine {
 public:
  explicit Engine(EngineConfig config);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Opens the tracker session. A second call has no effect.
  void start(TimeMs now);
  // Says LEAVE and CLOSE, ends every connection, sends unfinished loads to the CDN. After it only
  // loads are served, all from the CDN.
  void stop(TimeMs now);

  // --- settings that may change while running
  void set_p2p(TimeMs now, bool enabled);
  void set_upload(TimeMs now, bool enabled);
  // Connections beyond a lowered limit stay until they end by themselves.
  void set_limits(TimeMs now, const EngineLimits& limits);
  // Seconds ahead of the playhead, or kFollowPlayer.
  void set_prefetch(TimeMs now, double seconds);

  // --- tracker socket
  // `token`: what admits us, empty where the site has none.
  void on_socket_open(TimeMs now, std::string_view token);
  void on_socket_text(TimeMs now, std::string_view text);
  void on_socket_closed(TimeMs now);

  // --- peer connections
  // A local description or candidate, as JSON text, to be relayed.
  void on_peer_signal(TimeMs now, PeerHandle peer, std::string_view json);
  void on_channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  void on_channel_text(TimeMs now, PeerHandle peer, std::string_view text);
  // Where the next binary message of `size` bytes is to be written; empty when none is expected,
  // and then on_channel_binary must still be called, so that the peer is judged. Valid until the
  // next call that is not const.
  MutableBytes reserve_channel_binary(PeerHandle peer, size_t size);
  void on_channel_binary(TimeMs now, PeerHandle peer, size_t size);
  // The channel's bufferedAmount fell to its low-water mark. To be reported as well after a
  // kChannelSendBinary that left it at or below that mark, when no event will come: the engine
  // counts what it sends, and only these reports bring its count down. Any mark below
  // channel_queue_bytes will do; a quarter of it keeps the link busy.
  void on_channel_writable(TimeMs now, PeerHandle peer, size_t buffered_amount);
  // Channel or connection ended or could not be made. The driver has let go of both: no kPeerClose
  // follows.
  void on_peer_closed(TimeMs now, PeerHandle peer);
  // The browser refused to make a connection: too many exist, or the site's RTC configuration is
  // wrong. For half a minute none is dialled or answered. on_peer_closed follows for the peer.
  void on_connection_refused(TimeMs now);

  // --- player
  // See ChannelRenditions for both.
  void clear_renditions(std::string source = {});
  void add_rendition(RenditionFacts facts);
  void set_live(bool live);
  // The player begins to load a source, the same one again or another of this channel: whatever was
  // cached, asked for or told to peers belonged to the source before.
  void on_presentation(TimeMs now);
  // The player has loaded a media playlist, for the first time or again. To be reported before any
  // of its segments is loaded or listed. A live playlist that begins anew, because its packager was
  // started again, is found out here, and is another presentation.
  void on_playlist_loaded(TimeMs now, TrackKind kind, int32_t rendition_index,
                          const PlaylistFacts& facts);
  void on_playhead(TimeMs now, const PlayheadReport& report);
  void on_conditions(TimeMs now, const PlayerConditions& conditions);
  // The player follows this rendition from now on, or its playlist was refreshed. -1: none.
  void on_playlist(TimeMs now, TrackKind kind, int32_t rendition_index);
  // One segment of the answer to kListSegments. Ignored when the player follows another rendition
  // by now.
  void list_segment(TimeMs now, SegmentLoad what);
  void on_load(TimeMs now, LoadId load, SegmentLoad what);
  // Also for a load that was answered by kLoadDone, if the player has not had the answer.
  void on_load_aborted(TimeMs now, LoadId load);
  // What the player made of the bytes that it was given for `load`: it found so many seconds of
  // media in them; negative: it refused them. Ignored for a load that has no part in sharing.
  // Load 0: the media element could not decode what it has around `seconds` of the timeline. True
  // when a peer is to blame: a player that failed over it is to be brought back to life.
  bool on_verdict(TimeMs now, LoadId load, double seconds);

  // --- CDN
  // Where the body of a finished CDN fetch is to be written; empty when it is not wanted (not
  // shareable, no room). Valid until the next call that is not const. on_fetch_done must follow
  // either way.
  MutableBytes reserve_fetch(LoadId load, size_t size);
  // `first_byte_ms`, `body_ms`: how long the fetch took to its first byte, and from there to its
  // end; NaN where that is not known.
  void on_fetch_done(TimeMs now, LoadId load, size_t size, double first_byte_ms = NAN,
                     double body_ms = NAN);
  void on_fetch_failed(TimeMs now, LoadId load);

  // --- drain
  void on_timeout(TimeMs now);
  // The next command, or nullptr when there is none. Valid until the next call that is not const.
  const Command* poll();
  // When on_timeout is due; nullopt when never.
  std::optional<TimeMs> next_timeout() const;

  EngineStats stats() const;
  std::list<PeerInfo> peers() const;
  const SegmentCache& cache() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hlsmesh

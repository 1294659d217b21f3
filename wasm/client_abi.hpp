#pragma once

#include <cstddef>
#include <cstdint>

#include "client/stats.hpp"
#include "client_options.hpp"

// The C ABI of the client engine: what js/engine.js calls. One engine per WebAssembly instance (a
// page with several players instantiates the compiled module once per player), so that dropping the
// instance gives back all its memory.
//
// Times are milliseconds as f64 on the driver's monotonic clock. Inputs return 0 or a negative
// HmError. Text and bytes go in through buffers that the engine names; a pointer is valid until the
// next call of any export, and memory growth moves the views on it. The same functions are compiled
// natively to replay traces.

extern "C" {

// Raised whenever a call, a record or a code changes meaning; the driver refuses another one's
// module.
inline constexpr int32_t kHmAbiVersion = 7;

enum HmError : int32_t {
  kHmOk = 0,
  kHmMisuse = -1,  // wrong order of calls or an argument out of range: a bug of the caller
  kHmNoMemory = -2,
};

// Keys of hm_set and hm_set_text (client_options.hpp); all before hm_start.
enum HmOption : int32_t {
  kHmOptionSeedLow = 1,  // 32 bits each
  kHmOptionSeedHigh = 2,
#define HLSMESH_OPTION(name, number, ...) kHmOption##name = number,
  HLSMESH_NUMBER_OPTIONS(HLSMESH_OPTION) HLSMESH_TEXT_OPTIONS(HLSMESH_OPTION)
#undef HLSMESH_OPTION
};

enum HmLoadFlag : int32_t {
  kHmLoadShareable = 1,
  kHmLoadFromCdn = 2,
  kHmLoadNamed = 4,     // the text is the site's own id of the segment
  kHmLoadOpaque = 8,    // encrypted as a whole
  kHmLoadStreams = 16,  // SegmentLoad::streams of client/inputs.hpp
  kHmLoadPart = 32,     // a low-latency part (EXT-X-PART)
};

// PlayerConditions of client/engine.hpp.
enum HmCondition : int32_t {
  kHmConditionLoadsNot = 1,
  kHmConditionHidden = 2,
  kHmConditionSaveData = 4,
  kHmConditionMetered = 8,
  kHmConditionParts = 16,
  kHmConditionNoPlaylist = 32,  // whether it loads parts is not known yet
  kHmConditionNoFrame = 64,     // it has not shown anything yet
  kHmConditionRemote = 128,
  kHmConditionLocalDenied = 256,
};

enum HmPeerFlag : int32_t {
  kHmPeerParent = 1,
  kHmPeerOpen = 2,
  kHmPeerVersion1 = 4,
};

enum HmPlaylistFlag : int32_t {
  kHmPlaylistLive = 1,     // without EXT-X-ENDLIST
  kHmPlaylistDigests = 2,  // it says that there is a file of digests
};

// Command and CommandKind of client/engine.hpp as the driver reads it.
struct HmCommand {
  int32_t kind;
  int32_t peer;
  int32_t load;
  int32_t code;
  double aux;
  double t0;
  double t1;
  const char* text;
  uint32_t text_size;
  const uint8_t* data;
  uint32_t data_size;
};

// EngineStats as f64 fields, in its order.
struct HmStats {
#define HLSMESH_FIELD(type, name, js) double name;
  HLSMESH_FIGURES(HLSMESH_FIELD)
#undef HLSMESH_FIELD
};

struct HmPeer {
  int32_t handle;
  int32_t flags;  // HmPeerFlag
  double received_bytes;
  double sent_bytes;
  double rtt_ms;
  const char* id;
  uint32_t id_size;
};

// See hm_frame. A head holds what a packet says of itself, of any level.
inline constexpr uint32_t kHmHeadBytes = 64;
struct HmFrame {
  uint8_t* at;
  uint32_t from;
  uint8_t head[kHmHeadBytes];
};

int32_t hm_abi_version(void);

// A buffer for the text of the next call; nullptr when `size` is above 1 MiB or memory is out. The
// text is the first `size` bytes written there (UTF-8).
uint8_t* hm_text(uint32_t size);

int32_t hm_set(int32_t option, double value);
int32_t hm_set_text(int32_t option);  // text: the value

int32_t hm_start(double now);
int32_t hm_stop(double now);

int32_t hm_socket_open(double now);  // text: the token
int32_t hm_socket_text(double now);  // text
int32_t hm_socket_closed(double now);

int32_t hm_peer_signal(double now, int32_t peer);  // text
int32_t hm_channel_open(double now, int32_t peer, uint32_t max_message_bytes);
int32_t hm_channel_text(double now, int32_t peer);  // text
// The first bytes of a binary message go into the frame's `head`: all of it, or HEAD_BYTES. Then
// hm_channel_frame says where the message's bytes from number `from` on are to be written, before
// the next call; 0 when it is not wanted, else 1. hm_channel_binary follows either way.
HmFrame* hm_frame(void);  // valid as long as the engine
int32_t hm_channel_frame(int32_t peer, uint32_t size);
int32_t hm_channel_binary(double now, int32_t peer, uint32_t size);
int32_t hm_channel_writable(double now, int32_t peer, uint32_t buffered_amount);
int32_t hm_peer_closed(double now, int32_t peer);
int32_t hm_connection_refused(double now);

int32_t hm_clear_renditions(void);  // text: the URL of what the player plays, without credentials
// RenditionFacts of media/rendition.hpp. text: codecs \n resolution \n language \n group \n name \n
// stable id \n playlist URL, without credentials
int32_t hm_add_rendition(int32_t kind, int32_t index, int32_t bitrate);
int32_t hm_set_live(int32_t live);
int32_t hm_presentation(double now);  // a source begins to load
// Sequence numbers; seconds; flags: HmPlaylistFlag
int32_t hm_playlist_loaded(double now, int32_t kind, int32_t rendition_index, double first,
                           double newest, double target_duration, int32_t flags);
// text: the file that kFetchDigests asked for; there: 0 if it could not be had
int32_t hm_digests(double now, int32_t kind, int32_t rendition_index, int32_t there);
int32_t hm_playhead(double now, double current_time, double buffered_end, double playback_rate);
// PlaybackReport of client/inputs.hpp, since the page began; first_frame: negative where unknown
int32_t hm_playback(double now, double first_frame, double stalls, double stalled);
// HmCondition; seconds. Also before hm_start.
int32_t hm_conditions(double now, int32_t conditions, double max_buffer);
int32_t hm_playlist(double now, int32_t kind, int32_t rendition_index);  // -1: none
// text: the segment's URL as its playlist spells it, and after a \n, where it differs, without
// credentials (SegmentLoad::clean_url of client/engine.hpp); start, duration: seconds; from, to:
// its bytes in the file, `to` exclusive and 0 for all of it; flags: HmLoadFlag; date_time:
// SegmentFacts::date_time of media/segment_key.hpp
int32_t hm_list_segment(double now, int32_t kind, int32_t rendition_index, double sn, double start,
                        double duration, double from, double to, int32_t flags, double date_time);
// the same. The name of its fetch, if that is the driver's already (kHmLoadFromCdn); else 0
int32_t hm_load(double now, int32_t load, int32_t kind, int32_t rendition_index, double sn,
                double start, double duration, double from, double to, int32_t flags,
                double date_time);
int32_t hm_load_aborted(double now, int32_t load);
// seconds: of media that the player found in what it was given; negative: it refused the bytes.
// Load 0: the media element could not decode what it has around `seconds` of the timeline. 1 when a
// peer is to blame, so that a player that failed over it is to be brought back to life.
int32_t hm_verdict(double now, int32_t load, double seconds);
// See reserve_fetch, on_fetch_bytes and on_fetch_done of client/engine.hpp.
uint8_t* hm_fetch_reserve(int32_t fetch, uint32_t offset, uint32_t size, uint32_t total);
int32_t hm_fetch_bytes(double now, int32_t fetch, uint32_t size);
int32_t hm_fetch_done(double now, int32_t fetch, uint32_t size, double first_byte, double body);
int32_t hm_fetch_failed(double now, int32_t fetch);

int32_t hm_timeout(double now);
const HmCommand* hm_poll(void);  // nullptr when drained
double hm_next_timeout(void);    // +infinity when never

const HmStats* hm_stats(void);
int32_t hm_peer_count(void);           // takes a fresh snapshot for hm_peer
const HmPeer* hm_peer(int32_t index);  // valid until the next call of hm_peer

}  // extern "C"

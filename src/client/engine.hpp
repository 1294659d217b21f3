#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "cache/segment_cache.hpp"
#include "client/command_queue.hpp"
#include "client/commands.hpp"
#include "client/inputs.hpp"
#include "client/peers/dialling.hpp"
#include "client/peers/peers.hpp"
#include "client/player/loads.hpp"
#include "client/player/player.hpp"
#include "client/player/prefetcher.hpp"
#include "client/player/verdicts.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "client/tracker/reports.hpp"
#include "client/tracker/tracker_session.hpp"
#include "common/bytes.hpp"
#include "common/ids.hpp"
#include "common/random.hpp"
#include "common/time.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// One viewer of one channel: tracker session, peer sessions of both roles, segment cache and
// scheduler, without any I/O.
//
// Feed it events with the time at which they happened (never decreasing), then drain: call poll()
// until it returns nullptr and carry out each command, and call on_timeout() when next_timeout() is
// due. Every event is legal at any time; one that names a peer or load that is gone is ignored. Not
// thread-safe. Allocates; never throws of its own accord.
class Engine {
 public:
  explicit Engine(const EngineConfig& config);
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
  // A local description or candidate, as JSON text, to be relayed. Empty: ICE has begun to try
  // addresses.
  void on_peer_signal(TimeMs now, PeerHandle peer, std::string_view json);
  void on_channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  void on_channel_text(TimeMs now, PeerHandle peer, std::string_view text);
  // Where the end of the next binary message, which has `size` bytes, is to be written: as many of
  // them as there is space for. What stands before, the engine has taken from `head`, the message's
  // first bytes. Empty when no message is expected; on_channel_binary must be called all the same,
  // so that the peer is judged. Valid until the next call that is not const.
  MutableBytes reserve_channel_binary(PeerHandle peer, size_t size, ByteView head);
  void on_channel_binary(TimeMs now, PeerHandle peer, size_t size);
  // The channel's bufferedAmount fell to kLowWaterBytes. To be reported as well after a
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
  // The answer to kFetchDigests: the file's text, signed by whom the site trusts where it says so;
  // or there is none.
  void on_digests(TimeMs now, TrackKind kind, int32_t rendition_index, std::string_view text);
  void on_no_digests(TimeMs now, TrackKind kind, int32_t rendition_index);
  void on_playhead(TimeMs now, const PlayheadReport& report);
  // For the tracker's statistics. What was seen before the first of these reports is not counted.
  void on_playback(TimeMs now, const PlaybackReport& report);
  void on_conditions(TimeMs now, const PlayerConditions& conditions);
  // The player follows this rendition from now on, or its playlist was refreshed. -1: none.
  void on_playlist(TimeMs now, TrackKind kind, int32_t rendition_index);
  // One segment of the answer to kListSegments. Ignored when the player follows another rendition
  // by now.
  void list_segment(TimeMs now, SegmentLoad what);
  // The name of its fetch, if that is the driver's already (SegmentLoad::from_cdn); zero else.
  FetchId on_load(TimeMs now, LoadId load, SegmentLoad what);
  // Also for a load that was answered by kLoadDone, if the player has not had the answer.
  void on_load_aborted(TimeMs now, LoadId load);
  // What the player made of the bytes that it was given for `load`: it found `seconds` of media in
  // them; negative: it refused them. Ignored for a load that has no part in sharing.
  // Load 0: the media element could not decode what it has around `seconds` of the timeline. True
  // when a peer is to blame: a player that failed over it is to be brought back to life. Of a
  // shadow's load the driver says that the CDN has other bytes: negative seconds.
  bool on_verdict(TimeMs now, LoadId load, double seconds);

  // --- CDN. Inputs about a fetch that is over, or whose load is gone, are ignored.
  // Where `size` bytes of the body, from `offset` on, are to be written before the next call; empty
  // when they are not wanted (not shareable, no memory). The parts of a body follow each other
  // without a gap; one at 0 begins it anew. `total`: bytes of all of the segment, 0 if unknown.
  // Of a fetch of a range `offset` counts from the segment's first byte; a body that begins at 0 is
  // all of the segment, of an origin that ignores ranges. Once its bytes are not wanted, such a
  // fetch has failed.
  MutableBytes reserve_fetch(FetchId fetch, size_t offset, size_t size, size_t total) {
    return loads_.reserve_fetch(fetch, offset, size, total);
  }
  // `size` bytes stand where reserve_fetch has just said.
  void on_fetch_bytes(TimeMs now, FetchId fetch, size_t size);
  // The body is over, with `size` bytes, and if it is that of all of the segment, the player has
  // it. `first_byte_ms`, `body_ms`: how long the fetch took to its first byte, and from there to
  // its end; NaN where that is not known.
  void on_fetch_done(TimeMs now, FetchId fetch, size_t size, double first_byte_ms = NAN,
                     double body_ms = NAN);
  // Also one of a range whose answer is not what was asked for.
  void on_fetch_failed(TimeMs now, FetchId fetch);

  // --- drain
  void on_timeout(TimeMs now);
  // The next command, or nullptr when there is none. Valid until the next call that is not const.
  const Command* poll();
  // When on_timeout is due; nullopt when never.
  std::optional<TimeMs> next_timeout() const;
  // What it is due for.
  Wake next_wake() const { return next_timer().why; }

  EngineStats stats() const;
  std::list<PeerInfo> peers() const;
  const SegmentCache& cache() const;

  // What does not hold that must hold between events; empty when everything does. As slow as a look
  // at everything is. Where asserts are compiled in, each input ends with it.
  std::string_view audit() const;

 private:
  // Stands in every method that takes an input, while it runs. What an input changes may concern
  // any load, child or plan, so once it is done all of them are settled, here and nowhere else;
  // then what has ended is let go of.
  class Gate {
   public:
    Gate(Engine& engine, TimeMs now) : engine_(engine) { engine.enter(now); }
    ~Gate() { engine_.leave(); }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

   private:
    Engine& engine_;
  };

  void enter(TimeMs now);
  void leave();
  // This input has changed nothing that anybody waits for.
  void stay_quiet() { quiet_ = true; }
  void settle();

  // Whether we are in the channel, or on the way there.
  bool present() const { return started_ && !stopped_ && p2p_ && !idle_ && shown_; }
  // Whether we are without peers, for comparison with those who have some.
  bool is_control() const { return config_.group == Group::kControl; }
  bool is_shadow() const { return config_.group == Group::kShadow; }
  // Whether peers may be asked.
  bool active() const { return present() && !is_control(); }
  // Begins or ends the session after something that present() hangs on has changed.
  void follow_presence(bool was_present);
  void take_limits(const EngineLimits& limits);
  // Whether all that the player loads are parts, so that no connection is of use.
  void set_idle(bool idle);
  void suspend();
  // The tracker is gone, and names no parent.
  void lose_tracker();
  void follow_upload();
  // The rendition's segments, or all if it is empty, belong to the past: what is cached, listed and
  // asked for. Loads under way end at the CDN, and their bodies are not kept.
  void forget(std::string_view rendition);
  // The peer gave what is wrong: nothing that it gave is used any more, and the connection ends.
  void distrust(TimeMs now, const PeerId& giver, const char* what);
  // The fetch is over; if it was one of SpotChecks, it may show that a peer lied.
  void end_check(TimeMs now, FetchId fetch);
  Facts facts() const;
  // From when on the player is idle, unless something happens; kNever: it is not.
  TimeMs idle_at() const { return loads_.empty() ? player_.idle_at() : kNever; }
  bool is_idle() const { return is_control() || now_ >= idle_at(); }
  Timer next_timer() const;

  TimeMs now_ = TimeMs::min();  // of the latest input
  bool quiet_ = false;
  EngineConfig config_;
  Random random_;
  EngineStats stats_;
  CommandQueue commands_;
  ChannelRenditions renditions_;
  TrackerSession tracker_;
  Reports reports_;
  Downloads downloads_;
  Mesh mesh_;
  Player player_;
  Loads loads_;
  Prefetcher prefetcher_;
  Verdicts verdicts_;
  Peers peers_;
  Dialling dialling_;

  bool started_ = false;
  bool stopped_ = false;
  bool p2p_;
  bool upload_;
  bool parts_;               // the player loads parts, except where it is far behind the live edge
  bool parts_told_ = false;  // the page has heard that they are not shared
  bool idle_;
  // The viewer has seen a frame. Before that nobody is connected: a page that waits for a click may
  // wait for ever, and browsers and systems ask viewers about connections.
  bool shown_;
  TimeMs shared_until_{};  // until when what it loads is worth a session although it loads parts
};

}  // namespace hlsmesh

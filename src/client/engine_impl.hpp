#pragma once

#include <array>
#include <cassert>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "client/command_queue.hpp"
#include "client/engine.hpp"
#include "client/estimates.hpp"
#include "client/known_playlist.hpp"
#include "client/load.hpp"
#include "client/peer_ledger.hpp"
#include "client/peer_session.hpp"
#include "client/playhead.hpp"
#include "client/prefetch_plan.hpp"
#include "client/receipts.hpp"
#include "client/scheduler.hpp"
#include "client/token_bucket.hpp"
#include "client/tracker_session.hpp"
#include "client/uplink.hpp"
#include "client/upload_budget.hpp"
#include "common/random.hpp"
#include "common/sorted_map.hpp"

namespace hlsmesh {

inline constexpr DurationMs kGiveBackPause{5'000};

// What holds the parts together. Each part keeps its own state and rules; here is what happens
// between them. Split by subject: engine.cpp (settings, drain), engine_tracker.cpp (what the
// tracker says), engine_peers.cpp (connections and their ends), engine_messages.cpp (what peers
// say), engine_loads.cpp (the player's loads and the CDN), engine_prefetch.cpp (what peers are
// asked for ahead of the player), engine_presentation.cpp (when what is known is of the past),
// engine_verdicts.cpp (what the player says of what it was given), engine_audit.cpp (whether all of
// it agrees).
class Engine::Impl final : private SegmentShelf {
 public:
  // Stands in every method of the face that takes an input, while it runs. What an input changes
  // may concern any load, child or plan, so once it is done all of them are settled, here and
  // nowhere else; then sessions that ended are let go of.
  class Gate {
   public:
    // Time never decreases.
    Gate(Impl& engine, TimeMs now) : engine_(engine), now_(now) {
      assert(now >= engine.now_);
      engine.now_ = now;
    }
    ~Gate() { engine_.leave(now_, settles_); }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // The input has changed nothing that anybody waits for.
    void quiet() { settles_ = false; }

   private:
    Impl& engine_;
    const TimeMs now_;
    bool settles_ = true;
  };

  explicit Impl(EngineConfig config);

  void start(TimeMs now);
  void stop(TimeMs now);
  void set_p2p(TimeMs now, bool enabled);
  void set_upload(TimeMs now, bool enabled);
  void set_limits(const EngineLimits& limits);
  void set_prefetch(double seconds);

  void on_socket_open(TimeMs now, std::string_view token);
  void on_socket_text(TimeMs now, std::string_view text);
  void on_socket_closed(TimeMs now);

  void on_peer_signal(PeerHandle peer, std::string_view json);
  void on_channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  void on_channel_text(TimeMs now, PeerHandle peer, std::string_view text);
  MutableBytes reserve_channel_binary(PeerHandle peer, size_t size);
  // False if it was a packet in the middle of a transfer, which concerns nobody else.
  bool on_channel_binary(TimeMs now, PeerHandle peer, size_t size);
  void on_channel_writable(TimeMs now, PeerHandle peer, size_t buffered_amount);
  void on_peer_closed(TimeMs now, PeerHandle peer);
  void on_connection_refused(TimeMs now);

  void clear_renditions(std::string source);
  void add_rendition(RenditionFacts facts);
  void set_live(bool live) { live_ = live; }
  void on_playhead(TimeMs now, const PlayheadReport& report);
  void on_conditions(TimeMs now, const PlayerConditions& conditions);
  void on_playlist(TrackKind kind, int32_t rendition_index);
  void on_presentation(TimeMs now);
  void on_playlist_loaded(TimeMs now, TrackKind kind, int32_t rendition_index,
                          const PlaylistFacts& facts);
  void list_segment(SegmentLoad what);
  void on_load(TimeMs now, LoadId id, SegmentLoad what);
  void on_load_aborted(LoadId id);
  bool on_verdict(TimeMs now, LoadId id, double seconds);

  MutableBytes reserve_fetch(LoadId id, size_t size);
  void on_fetch_done(TimeMs now, LoadId id, size_t size, double first_byte_ms, double body_ms);
  void on_fetch_failed(TimeMs now, LoadId id);

  void on_timeout(TimeMs now);
  const Command* poll();
  std::optional<TimeMs> next_timeout() const;

  EngineStats stats() const;
  std::list<PeerInfo> peers() const;
  const SegmentCache& cache() const { return cache_; }
  std::string_view audit() const;

 private:
  // What the tracker must know to give us parents and children that suit.
  struct Facts {
    int32_t up_kbps = -1;  // -1: unknown
    int32_t slots = 0;
    int32_t wants = 0;

    bool operator==(const Facts&) const = default;
  };

  std::string_view audit_load(LoadId id, const Load& load) const;

  // --- all
  bool active() const { return started_ && !stopped_ && p2p_ && !idle_; }
  // Begins or ends the session after something that active() hangs on has changed.
  void follow_activity(TimeMs now, bool was_active);
  // Whether all that the player loads are parts, so that no connection is of use.
  void set_idle(TimeMs now, bool idle);
  void begin_session(TimeMs now);
  void suspend(TimeMs now);
  // Lets waiting loads and queued requests see what has changed.
  void settle(TimeMs now);
  void leave(TimeMs now, bool settles);
  bool is_live() const { return live_.value_or(tracker_.live().value_or(false)); }

  // --- tracker
  void carry_out(TimeMs now, const tracker_wire::TrackerFields& message);
  void on_accepted(TimeMs now);
  // A `connect` may come at any moment.
  void expect_parent(TimeMs now);
  void on_connect(TimeMs now, const PeerId& to);
  void on_signal(TimeMs now, const tracker_wire::TrackerFields& signal);
  void on_disconnect(TimeMs now, const PeerId& id);
  // Reports the end of a connection, or of a dial.
  void tell_end(bool opened, const std::string& dc_id, tracker_wire::EndReason why);
  // Answers an offer that is not taken, so that whoever made it need not wait.
  void refuse(TimeMs now, const PeerId& id);
  // What `enter` says of what we can give and want, so that a change of it is noticed.
  Facts facts() const;
  // When a change of it is to be told.
  TimeMs facts_due() const;
  // Enters anew if that has changed.
  void tell_facts(TimeMs now);
  // From when on we are idle, unless something happens: paused, and no load under way.
  TimeMs idle_at() const;
  // Tells the tracker if we became idle, or are so no longer.
  void tell_idle(TimeMs now);
  void report_statistics(TimeMs now);
  // Parents or children; `open`: of connections that are open, or of all.
  int32_t count(bool parents, bool open) const;
  int32_t open_parents() const { return count(true, true); }
  int32_t open_children() const { return count(false, true); }

  // --- peers
  PeerSession* find_peer(PeerHandle peer);
  PeerSession* find_peer(const PeerId& id);
  PeerSession& add_peer(TimeMs now, const PeerId& remote, CommandKind kind);
  bool connections_paused(TimeMs now) const { return now < connections_from_; }
  // Ends the session, which stays in the table until the event is over. A load that waited on it
  // waits for a new decision. No effect on one that has ended.
  // `held`: the driver still has the connection; `report`: the tracker is to hear of it.
  void end_peer(TimeMs now, PeerSession& peer, PeerEnd end, FallbackReason reason, bool held = true,
                bool report = true);
  void misbehaved(TimeMs now, PeerSession& peer, FallbackReason reason, const char* what);
  // Whether the site, and the viewer's connection, let children be served at all. A hidden page
  // serves them: whoever listens to it, or will come back, has a line that costs nothing more.
  bool may_upload() const {
    return upload_ && (config_.limits.upload_on_metered || !plan_.is_costly());
  }
  bool serves() const { return may_upload() && !upload_budget_.over(); }
  void end_children(TimeMs now);
  // Of the parents that nothing is expected of now and that have missed so many segments in a row,
  // the one that has missed most; nullptr: none.
  PeerSession* worst_parent(int32_t misses);
  void give_back_parent(TimeMs now);
  bool full() const;
  // Whether others may have the child's place.
  bool mute(TimeMs now, const PeerSession& child) const;
  void on_peer_timeout(TimeMs now, PeerSession& peer);
  TimeMs next_due(const PeerSession& peer) const;
  // Whether the transfer from a parent is for nobody, and will not end soon.
  bool useless(TimeMs now, PeerSession& peer);
  // False if the peer was found dead, and has ended.
  bool keep_alive(TimeMs now, PeerSession& peer);
  void pump(TimeMs now, PeerSession& peer);
  void pump_children(TimeMs now);
  // Children that are being sent a segment.
  int32_t served(TimeMs now) const;

  // --- messages; each may end the session
  // A KEEPALIVE or its ACK.
  void on_keep_alive(TimeMs now, PeerSession& peer, const peer::Fields& message);
  void on_request(TimeMs now, PeerSession& peer, const peer::Fields& message);
  void on_binary_header(TimeMs now, PeerSession& peer, const peer::Fields& message);
  // Whether it refuses what was asked.
  bool on_lack(TimeMs now, PeerSession& peer, const peer::Fields& message);
  void heard_current(TimeMs now, PeerSession& peer, std::optional<MediaSequence> current);
  // The wire's `current`; nullopt before there was anything to tell.
  std::optional<MediaSequence> own_current(TimeMs now);
  // By a KEEPALIVE or its ACK.
  void say_current(TimeMs now, PeerSession& peer, peer::Event event);
  void tell_current(TimeMs now);
  void finish_transfer(TimeMs now, PeerSession& peer);
  void report_progress(LoadId load, const Transfer& transfer);
  void waste(Transfer& transfer);
  // Of a segment that will not be completed.
  void let_go(SegmentPtr& segment);

  // --- loads
  Load* find_load(LoadId id);
  // A load that has an identity, and no more than that.
  Load make_load(LoadId id, SegmentLoad what);
  // Decides where the load's next attempt is made; the load may be gone afterwards.
  void decide_load(TimeMs now, Load& load);
  bool join_transfer(TimeMs now, Load& load);
  // From when on the parent may be asked for it; kNever: not before it has shown a level. One of
  // version 1 knows a segment by its URL alone.
  TimeMs asked_from(const PeerSession& peer, const Load& load) const;
  std::list<Candidate> candidates(TimeMs now, const Load& load);
  DurationMs prospect(TimeMs now, const Load& load) const;
  Need need(TimeMs now, const Load& load) const;
  // Whether the load goes on waiting for its parent; else it is given up.
  void review(TimeMs now, Load& load);
  void ask(TimeMs now, Load& load, PeerSession& peer, DurationMs within);
  void go_to_cdn(TimeMs now, Load& load);
  // Whether a LACK, after the parent has `held` the request, means that the segment is on its way
  // there.
  bool not_yet(TimeMs now, LoadId id, const PeerSession& peer, const peer::Fields& lack, bool held);
  // The parent that the load waited on failed it.
  void parent_failed(TimeMs now, LoadId id, PeerHandle peer, FallbackReason reason);
  void give_up_parent(TimeMs now, Load& load, FallbackReason reason);
  void done(const Load& load, const SegmentPtr& segment, TransferTimes times);
  void count_level(const Load& load);
  // Whether the cache lacks `key` and no CDN fetch will bring it.
  bool wanted(const SegmentKey& key) const;
  bool at_cdn(const SegmentKey& key) const;

  // --- presentations
  KnownPlaylist* playlist_of(std::string_view rendition);
  // Forgets all that is known of segments of the rendition, or of every one if it is empty: what is
  // cached, listed and asked for. Loads under way end at the CDN, and their bodies are not kept.
  void forget(TimeMs now, std::string_view rendition);
  // Whether children may have it: its playlist vouches for it.
  bool shares(TimeMs now, const SegmentKey& key);
  // A parent that holds a newer segment watches another broadcast than we do. -1 while our own
  // playlists vouch for nothing.
  double newest_believable(TimeMs now);

  // --- verdicts
  // The player has had the CDN's answer to `load`.
  void note_given(const Load& load, TransferTimes times);
  // Whether the whole body of `segment` may be shared.
  static bool is_good(const Segment& segment, ByteView body);
  // Whether what has come of a transfer may be the media that was asked for.
  static bool looks_right(Transfer& transfer);
  // How much so many seconds are of what a segment has in this stream; 1: all.
  double share_of_usual(const Receipt& receipt, double seconds);
  // Whoever gave one bad segment gave others too: all of them leave the cache.
  void distrust(TimeMs now, const PeerId& giver);

  // --- ahead of the player
  void prefetch(TimeMs now);
  // Asks the best parent for a segment that no load waits for, if one can bring it in time.
  void ask_ahead(TimeMs now, const Load& load, const Need& needed);
  // The CDN has refused it, and the player is going to ask again.
  void ask_before_retry(TimeMs now, Load& load);
  // Whether a load or a request to a parent is about `key` already.
  bool under_way(const SegmentKey& key) const;

  // --- SegmentShelf
  SegmentPtr find(TimeMs now, const peer::Fields& request) override;
  bool coming(TimeMs now, const peer::Fields& request) override;
  MediaSequence newest(TimeMs now) override;
  Turn turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) override;
  // The same, as far as the line is concerned.
  Turn line_turn(TimeMs now, PeerHandle child, const SegmentBuffer& segment, bool last);

  TimeMs now_ = TimeMs::min();  // of the latest input
  bool ended_ = false;          // of peers_, some have ended
  EngineConfig config_;
  Random random_;
  CommandQueue commands_;
  SegmentCache cache_;
  ChannelRenditions renditions_;
  TrackerSession tracker_;
  // Ordered containers: what is decided must not hang on where a hash puts things.
  SortedMap<PeerHandle, PeerSession> peers_;
  SortedMap<LoadId, Load> loads_;
  Playhead playhead_;
  std::list<KnownPlaylist> playlists_;  // of this presentation
  PrefetchPlan plan_;
  std::array<CdnTime, 3> cdn_time_;  // by TrackKind
  SegmentSizes sizes_;
  Receipts receipts_;
  // Of its listed duration, that the player finds in a segment of the CDN; and in how many it did,
  // in this presentation.
  double usual_share_ = 1;
  int32_t shares_seen_ = 0;
  TokenBucket dials_;
  TokenBucket answers_;
  PeerLedger ledger_;
  TimeMs connections_from_{};  // the browser made no connection: none is asked of it before
  TimeMs give_back_after_{};   // no parent is given back as useless before
  // Doubles with each, until a parent gives something.
  DurationMs give_back_pause_ = kGiveBackPause;
  UploadBudget upload_budget_;
  Uplink uplink_;
  TimeMs line_free_at_ = kNever;  // when held requests may have their turn
  TimeMs vain_until_{};           // 10 s for each load that lately waited in vain
  uint64_t peer_bytes_ = 0;  // media bytes from all peers, to tell a line from one transfer on it

  bool started_ = false;
  bool stopped_ = false;
  bool p2p_;
  bool upload_;
  bool parts_;  // the player loads parts, except where it is far behind the live edge
  bool idle_;
  TimeMs whole_until_{};  // until when segments that it loads whole are worth a session
  bool told_ = false;     // peers may have heard of a segment in the cache
  bool retell_ = false;   // they were told that there is none, and are to hear when that ends
  std::optional<bool> live_;
  int32_t last_handle_ = 0;
  TimeMs parent_hope_until_{};  // until when a `connect` may be expected at any moment

  TimeMs alone_due_ = kNever;
  bool alone_told_ = false;  // or a peer was there
  Facts facts_told_;
  TimeMs facts_after_{};  // not told anew before
  TimeMs active_at_{};    // when the player last played or loaded
  DurationMs pace_{};     // within which a player that goes on loads the next segment
  bool idle_told_ = false;
  TimeMs statistics_due_ = kNever;
  uint64_t reported_cdn_kb_ = 0;
  uint64_t reported_p2p_kb_ = 0;
  uint64_t reported_up_kb_ = 0;
  int64_t level_sum_ = 0;  // of main segments since the last report
  int64_t level_count_ = 0;
  double last_level_ = 0;

  EngineStats stats_;
};

}  // namespace hlsmesh

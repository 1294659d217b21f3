#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/alarm.hpp"
#include "sim/content.hpp"

namespace hlsmesh::sim {

struct PlayerConfig {
  Duration buffer_goal = std::chrono::seconds(30);  // hls.js maxBufferLength
  int32_t live_sync_segments = 3;                   // hls.js liveSyncDurationCount
  int32_t rendition = 0;                            // of the main track
  bool adaptive = false;  // chooses the rendition by what loads take, from the lowest on
  bool paused = false;    // at the start
};

// One media segment as the player asks for it; `start` is on the player's own timeline, which for
// live begins with the first playlist it saw.
struct SegmentRequest {
  RenditionId rendition;
  MediaSequence sn;
  Duration start{};
};

// A segment of the main track reached the player.
struct Arrival {
  MediaSequence sn;
  Time at{};
};

class PlayerHost {
 public:
  virtual ~PlayerHost() = default;
  // Answered later, never from within, by Player::on_segment or on_error.
  virtual void load_segment(const SegmentRequest& request) = 0;
  // The load of that track is not wanted any more.
  virtual void abort_segment(RenditionId rendition, MediaSequence sn) = 0;
  // When a playlist asked for now would be there.
  virtual Time playlist_at() = 0;
  // Every track's playlist is there, or was refreshed, or another rendition is followed.
  virtual void on_playlists() = 0;
};

struct PlayerFigures {
  std::optional<Time> first_frame;
  Duration starting{};  // how long it waited for that and for a picture after seeks, also in vain
  int32_t stalls = 0;
  Duration stalled{};
  int32_t errors = 0;  // loads that failed
  int32_t skips = 0;   // live: fell out of the window and jumped to the edge
  bool gave_up = false;
  bool finished = false;  // VOD: played to the end
  // Seconds of media ahead of the playhead, on average over the time from the first frame to the
  // end.
  double mean_buffer = 0;
};

// A player that behaves as hls.js does where it matters to us: one segment at a time per track, a
// buffer goal, live start behind the edge, playlist reloads, retries with backoff. It says what it
// wants and is told what came; it knows nothing of where from.
class Player {
 public:
  Player(PlayerConfig config, const Content& content, EventQueue& queue, PlayerHost& host);

  void start();
  void stop();  // nothing more happens
  // The next segment of the main track comes from this rendition.
  void switch_rendition(int32_t index);
  // A paused player fills its buffer and then loads nothing more.
  void pause();
  void resume();
  bool paused() const { return paused_; }
  // Drops the buffer and whatever is loading, and continues at the segment that holds `position`.
  void seek(Duration position);

  // `took`: of its transfer, for the estimate of the bandwidth.
  void on_segment(RenditionId rendition, MediaSequence sn, Duration took);
  void on_error(RenditionId rendition, MediaSequence sn);

  // What of the track's playlist has a part between the two, as far as it is known.
  std::vector<SegmentRequest> segments_between(TrackKind kind, Duration from, Duration until) const;
  RenditionId rendition(TrackKind kind) const;
  // As last loaded; nullptr before the first.
  const Playlist* playlist() const { return have_playlist_ ? &playlist_ : nullptr; }

  Duration position() const;
  Duration buffered_end() const;  // of all tracks together
  bool playing() const { return playing_; }
  // Live: how far behind the encoder; zero for VOD.
  Duration latency() const;
  PlayerFigures figures() const;
  const std::vector<Arrival>& arrivals() const { return arrivals_; }

 private:
  struct Track {
    TrackKind kind = TrackKind::kMain;
    MediaSequence next;
    bool loading = false;
    RenditionId rendition;  // of the load under way
    int32_t attempts = 0;   // of the segment `next`
    Time not_before{};
  };

  void load_playlist();
  void on_playlist();
  void step();
  void move_playhead();
  void count_buffer(Duration position, Duration passed);
  void catch_up();
  // The packager has begun anew: its first segment follows what is buffered.
  void go_on_anew();
  void choose_rendition();
  void end_wait();
  void load(Track& each);
  Duration start_of(MediaSequence sn) const;
  Track& track(TrackKind kind);

  PlayerConfig config_;
  const Content& content_;
  EventQueue& queue_;
  PlayerHost& host_;

  Playlist playlist_;
  MediaSequence origin_;  // of the timeline
  bool have_playlist_ = false;
  Time playlist_asked_{};
  bool stopped_ = false;
  std::vector<Track> tracks_;

  bool paused_ = false;
  bool playing_ = false;
  Duration position_{};  // at moved_
  Time moved_{};
  std::optional<Time> waiting_since_;
  bool starting_ = true;  // what it waits for, if it waits, is no end of a stall
  Alarm alarm_;           // for the next step
  PlayerFigures figures_;
  std::vector<Arrival> arrivals_;
  double fast_bps_ = 0;     // estimates of the bandwidth, of the last seconds
  double slow_bps_ = 0;     // and of the last ten; 0: none
  double ahead_ = 0;        // seconds buffered ahead at moved_
  double buffer_area_ = 0;  // their integral over counted_ seconds
  double counted_ = 0;
};

}  // namespace hlsmesh::sim

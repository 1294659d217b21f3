#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/peer_messages.hpp"
#include "sim/alarm.hpp"
#include "sim/engine_port.hpp"
#include "sim/loader.hpp"
#include "sim/parent_fault.hpp"
#include "sim/player.hpp"
#include "sim/rtc.hpp"
#include "sim/tracker_host.hpp"

namespace hlsmesh::sim {

// What goes wrong within a viewer's browser.
struct BrowserFaults {
  size_t send_queue_bytes = 0;  // of a channel, in place of Chromium's; 0: as in Chromium
  Duration late_timers{};       // timers come late by up to this
};

struct ViewerConfig {
  Time join_at{};
  double up_bits_per_second = 20e6;
  double down_bits_per_second = 50e6;
  Duration latency = std::chrono::milliseconds(15);  // one way, to the middle of the network
  bool p2p = true;
  bool upload = true;
  bool mobile = false;
  size_t cache_bytes = 128u * 1024 * 1024;
  EngineLimits limits;
  double checks = EngineConfig{}.checks;
  // From the page's start until the engine is there; loads before that go straight to the CDN.
  Duration core_ready = std::chrono::milliseconds(150);
  LateLoads late;
  PlayerConfig player;
  Nat nat = Nat::kOpen;
  double loss = 0;   // share of packets that its line loses
  int32_t kind = 0;  // of line, for the count of who feeds whom
  int32_t isp = 0;   // as the tracker knows it; 0: unknown
  int32_t office =
      0;  // shares the line and address of the first viewer of that office; 0: has its own
  bool streams = true;                   // nothing in the page forbids SegmentLoad::streams
  bool p2p_refused = false;              // no connection to another peer ever opens
  int32_t extension = peer::kExtension;  // the latest that it and its peers speak with each other
  ParentFault fault = ParentFault::kNone;
  // It says of each connection that ends that the other side sent wrong pieces, and of liars
  // nothing.
  bool accuses = false;
  BrowserFaults browser;
  EngineObserver* observer = nullptr;  // must outlive the viewer
};

struct ViewerFigures : LoaderFigures {  // stray_commands: also of peers and sockets
  PlayerFigures player;
  int32_t idle_wakeups = 0;  // timeouts after which the next one was due at once
  EngineStats engine;        // all zero before the engine was there
  uint64_t command_count = 0;
  uint64_t command_digest = 0;
};

// The world around a viewer.
struct World {
  EventQueue& queue;
  Network& network;
  const Content& content;
  Rtc& rtc;
  Cdn& cdn;
  TrackerHost& tracker;
  std::map<int32_t, std::pair<LineId, LineId>>& offices;  // their lines, up and down
};

// One page: a player and a client engine, joined as the JavaScript driver joins them.
class Viewer : private CommandSink,
               private RtcHost,
               private SocketUser,
               private LoaderHost,
               private PlayerHost {
 public:
  // Joins at config.join_at.
  Viewer(World world, ViewerId id, const ViewerConfig& config, uint64_t seed);

  // Leaves as a page that is closed in order.
  void leave();
  // Is gone without a word.
  void vanish();
  // Its browser makes no connection for now.
  void refuse_connections();
  // Its media element cannot decode what it plays.
  void fail_to_decode();
  // Loads its source again and plays from the beginning.
  void load_again();
  void set_fault(ParentFault fault) { fault_ = FaultyParent(fault); }
  // Nothing goes wrong within its browser any more.
  void be_well();
  void pause();
  void resume();
  void set_upload(bool enabled);

  ViewerId id() const { return id_; }
  bool gone() const { return gone_; }
  const LoaderFigures& loaded() const { return loader_.figures(); }
  // Whom it has dropped for misbehaviour, each time.
  const std::vector<ViewerId>& dropped() const { return dropped_; }
  int32_t stray_commands() const { return loader_.figures().stray_commands + stray_commands_; }
  Player& player() { return player_; }
  const Player& player() const { return player_; }
  // Null before the engine is there and after the viewer has gone.
  const Engine* engine() const { return port_ ? &port_->engine() : nullptr; }
  // Shows the observer the engine's statistics.
  void show_stats();
  ViewerFigures figures() const;

 private:
  void join();
  std::pair<LineId, LineId> lines();
  void core_ready();
  void report_playhead();
  void playhead_tick();
  void timer_fired();
  void end();
  void list_segments(TrackKind kind, Duration from, Duration until);
  void send(PeerHandle peer, const HmCommand& command);
  // The channel has lost a message: as the driver does, it is given up.
  void lose(PeerHandle peer);
  // What a fault sends to the peer besides.
  void send_repeated(PeerHandle peer);
  Duration lateness(TimeMs due) const;
  // Until the channel is gone; the first time at once, if it is due at once.
  void repeat(PeerHandle peer, Repeated what);
  TimeMs now() const { return engine_time(world_.queue.now()); }

  EnginePort* port() override { return port_.get(); }
  void wake() override;
  void on_command(const HmCommand& command) override;
  void on_local_signal(PeerHandle peer, const std::string& json) override;
  void on_channel_open(PeerHandle peer, size_t max_message_bytes) override;
  void on_channel_message(PeerHandle peer, const Message& message) override;
  void on_channel_writable(PeerHandle peer, size_t buffered) override;
  void on_connection_closed(PeerHandle peer) override;
  void on_socket_open() override;
  void on_socket_text(const std::string& text) override;
  void on_socket_closed() override;
  void load_segment(const SegmentRequest& request) override;
  void abort_segment(RenditionId rendition, MediaSequence sn) override;
  Time playlist_at() override;
  void on_playlists() override;

  World world_;
  ViewerId id_;
  ViewerConfig config_;
  uint64_t seed_;
  Access access_;
  Player player_;
  Loader loader_;
  FaultyParent fault_;
  std::unique_ptr<EnginePort> port_;
  Alarm alarm_;  // for the port's next timeout
  bool gone_ = false;
  std::vector<PeerHandle> lost_;  // of which the engine hears at once
  ConnId socket_{};               // zero while there is none
  int32_t stray_commands_ = 0;
  std::vector<ViewerId> dropped_;
  ViewerFigures figures_;
};

}  // namespace hlsmesh::sim

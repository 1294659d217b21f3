#pragma once

#include <cstdint>
#include <initializer_list>
#include <list>
#include <optional>
#include <string_view>
#include <vector>

#include "client/engine.hpp"
#include "sim/content.hpp"

namespace hlsmesh::sim {

// Carries out commands. Must not call the engine from within: whatever a command leads to is an
// event of its own.
class CommandSink {
 public:
  virtual ~CommandSink() = default;
  virtual void on_command(const Command& command) = 0;
};

// Hears every call as the C ABI knows it (wasm/client_abi.hpp), what it gave back, and the commands
// that were drained after it.
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  // `payload`: what is then written into the room that a reserving call gave.
  virtual void on_call(const char* name, std::initializer_list<double> arguments,
                       std::optional<std::string_view> text, ByteView payload) = 0;
  virtual void on_result(int32_t result) = 0;
  virtual void on_command(const Command& command) = 0;
  virtual void on_drained(std::optional<TimeMs> next_timeout) = 0;
  virtual void on_stats(const EngineStats& stats, const std::list<PeerInfo>& peers) = 0;
};

// An engine behind the calls of its C ABI: each is forwarded, then the commands are drained into
// the sink. Keeps a digest of all commands, so that two runs can be compared without keeping logs.
class EnginePort {
 public:
  // `observer` may be null; both it and the sink must outlive the port.
  EnginePort(const EngineConfig& config, CommandSink& sink, EngineObserver* observer);

  void start(TimeMs now);
  void stop(TimeMs now);
  void set_upload(TimeMs now, bool enabled);
  void socket_open(TimeMs now, std::string_view token);
  void socket_text(TimeMs now, std::string_view text);
  void socket_closed(TimeMs now);
  void peer_signal(TimeMs now, PeerHandle peer, std::string_view json);
  void channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  void channel_text(TimeMs now, PeerHandle peer, std::string_view text);
  void channel_binary(TimeMs now, PeerHandle peer, ByteView bytes);
  void channel_writable(TimeMs now, PeerHandle peer, size_t buffered);
  void peer_closed(TimeMs now, PeerHandle peer);
  void connection_refused(TimeMs now);
  void clear_renditions(const std::string& source);
  void add_rendition(const RenditionFacts& facts);
  void set_live(bool live);
  void playhead(TimeMs now, const PlayheadReport& report);
  void conditions(TimeMs now, const PlayerConditions& conditions);
  void verdict(TimeMs now, LoadId load, double seconds);
  void presentation(TimeMs now);
  void playlist_loaded(TimeMs now, RenditionId rendition, const PlaylistFacts& facts);
  void playlist(TimeMs now, RenditionId rendition);
  void list_segment(TimeMs now, const SegmentLoad& what);
  void load(TimeMs now, LoadId load, const SegmentLoad& what);
  void load_aborted(TimeMs now, LoadId load);
  // In milliseconds: to the fetch's first byte, and from there to its end.
  void fetch_done(TimeMs now, LoadId load, ByteView body, double first_byte_ms, double body_ms);
  void fetch_failed(TimeMs now, LoadId load);
  void timeout(TimeMs now);
  // Shows the observer statistics and peers; changes nothing.
  void show_stats();

  const Engine& engine() const { return engine_; }
  std::optional<TimeMs> next_timeout() const { return engine_.next_timeout(); }
  uint64_t command_count() const { return command_count_; }
  uint64_t command_digest() const { return digest_; }

 private:
  void note(const char* name, std::initializer_list<double> arguments,
            std::optional<std::string_view> text = std::nullopt, ByteView payload = {});
  void result(int32_t value);
  void drain(int32_t value = 0);

  Engine engine_;
  CommandSink& sink_;
  EngineObserver* observer_;
  uint64_t command_count_ = 0;
  uint64_t digest_;
};

}  // namespace hlsmesh::sim

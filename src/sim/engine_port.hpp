#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <type_traits>

#include "client_abi.hpp"
#include "client_instance.hpp"
#include "sim/arena.hpp"
#include "sim/content.hpp"

namespace hlsmesh::sim {

inline std::string_view text_of(const HmCommand& command) {
  return {command.text, command.text_size};
}
inline ByteView data_of(const HmCommand& command) { return {command.data, command.data_size}; }

// Carries out commands. Must not call the engine from within: whatever a command leads to is an
// event of its own.
class CommandSink {
 public:
  virtual ~CommandSink() = default;
  virtual void on_command(const HmCommand& command) = 0;
};

// Hears every call of the C ABI, what it gave back, and the commands that were drained after it.
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  // `payload`: one after the other, the bytes that are then written where the call says.
  virtual void on_call(const char* name, std::initializer_list<double> arguments,
                       std::optional<std::string_view> text,
                       std::initializer_list<ByteView> payload) = 0;
  virtual void on_result(int32_t result) = 0;
  virtual void on_command(const HmCommand& command) = 0;
  virtual void on_drained(double next_timeout) = 0;  // infinite: never
  // May call hm_stats, hm_peer_count and hm_peer: they are about the observed engine.
  virtual void on_stats() = 0;
};

// An engine behind its C ABI, driven as the JavaScript driver drives it: each event is a call of
// wasm/client_abi.hpp, after which the commands are drained into the sink. A call that the ABI
// calls misuse ends the process: it is a fault of the simulator. Keeps a digest of all commands, so
// that two runs can be compared without keeping logs.
class EnginePort {
 public:
  // `observer` may be null; both it and the sink must outlive the port.
  // `config.channel_queue_bytes` has no option: it keeps its default.
  EnginePort(const EngineConfig& config, CommandSink& sink, EngineObserver* observer);
  ~EnginePort();

  void start(TimeMs now);
  void stop(TimeMs now);
  void set_upload(TimeMs now, bool enabled);
  void socket_open(TimeMs now, std::string_view token);
  void socket_text(TimeMs now, std::string_view text);
  void socket_closed(TimeMs now);
  void peer_signal(TimeMs now, PeerHandle peer, std::string_view json);
  void channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  void channel_text(TimeMs now, PeerHandle peer, std::string_view text);
  // A message of `head` and what follows it.
  void channel_binary(TimeMs now, PeerHandle peer, std::string_view head, const Piece& message);
  void channel_writable(TimeMs now, PeerHandle peer, size_t buffered);
  void peer_closed(TimeMs now, PeerHandle peer);
  void connection_refused(TimeMs now);
  void clear_renditions(std::string_view source);
  void add_rendition(const RenditionFacts& facts);
  void set_live(bool live);
  void playhead(TimeMs now, const PlayheadReport& report);
  void conditions(TimeMs now, const PlayerConditions& conditions);
  void verdict(TimeMs now, LoadId load, double seconds);
  void presentation(TimeMs now);
  void playlist_loaded(TimeMs now, RenditionId rendition, const PlaylistFacts& facts);
  // nullptr: the file could not be had.
  void digests(TimeMs now, RenditionId rendition, const std::string* file);
  void playlist(TimeMs now, RenditionId rendition);
  void list_segment(TimeMs now, const SegmentLoad& what);
  hlsmesh::FetchId load(TimeMs now, LoadId load, const SegmentLoad& what);
  void load_aborted(TimeMs now, LoadId load);
  // A part of the segment's body, which has `whole` bytes. False if it is not wanted.
  bool fetch_part(TimeMs now, hlsmesh::FetchId fetch, const Piece& part, size_t whole);
  // In milliseconds: to the fetch's first byte, and from there to its end.
  void fetch_done(TimeMs now, hlsmesh::FetchId fetch, size_t size, double first_byte_ms,
                  double body_ms);
  void fetch_failed(TimeMs now, hlsmesh::FetchId fetch);
  void timeout(TimeMs now);
  // Shows the observer statistics and peers; changes nothing.
  void show_stats();

  const Engine& engine() const { return *instance_.engine(); }  // from start() on
  // As of the last drain.
  std::optional<TimeMs> next_timeout() const { return next_timeout_; }
  uint64_t command_count() const { return command_count_; }
  uint64_t command_digest() const { return digest_; }

 private:
  // A call that is not followed by a drain. `text`: what hm_text brings before it.
  template <class... Parameters>
  int32_t set(const char* name, int32_t (*function)(Parameters...),
              std::optional<std::string_view> text, std::type_identity_t<Parameters>... arguments);
  // One that is.
  template <class... Parameters>
  void input(const char* name, int32_t (*function)(Parameters...),
             std::type_identity_t<Parameters>... arguments);
  template <class... Parameters>
  int32_t input_text(const char* name, int32_t (*function)(Parameters...), std::string_view text,
                     std::type_identity_t<Parameters>... arguments);
  // Tells the observer of a call that says where `payload` is to be written.
  template <class... Arguments>
  void note(const char* name, std::initializer_list<ByteView> payload, Arguments... arguments);
  const HmCommand* poll() const;
  void drain();

  Arena& arena_;  // the engine's memory
  ClientInstance instance_;
  CommandSink& sink_;
  EngineObserver* observer_;
  std::optional<TimeMs> next_timeout_;
  uint64_t command_count_ = 0;
  uint64_t digest_;
};

}  // namespace hlsmesh::sim

#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/engine.hpp"
#include "protocol/peer_messages.hpp"
#include "protocol/tracker_messages.hpp"

namespace hlsmesh::test {

// A command with its views copied.
struct Seen {
  CommandKind kind = CommandKind::kNone;
  int32_t peer = 0;
  int32_t load = 0;
  int32_t code = 0;
  double aux = 0;
  double t0 = 0;
  double t1 = 0;
  TimeMs at{};
  std::string text;
  std::string data;

  bool is_event(EventCode event) const {
    return kind == CommandKind::kEvent && code == static_cast<int32_t>(event);
  }
  std::string to_string() const;
  // A binary message of a data channel as the other side gets it.
  std::string message() const { return text + data; }
};

// A driver without browser: it notes every command and carries out none. The clock moves only by
// advance(), which fires the engine's timers at their exact times.
class Harness {
 public:
  explicit Harness(EngineConfig config = default_config());

  static EngineConfig default_config();
  // A segment of packed audio, by its first two bytes; the others differ by `sn`.
  static std::string body(int64_t sn, size_t size);

  Engine engine;
  TimeMs now{DurationMs(1'000'000)};
  std::vector<Seen> log;  // since the last clear()

  void advance(int64_t ms);
  void drain();
  void clear() { log.clear(); }

  // --- to the tracker session
  void start();
  void socket_open(std::string_view token = {});
  void socket_closed();
  void tracker_says(const tracker_wire::TrackerMessage& message);
  void tracker_says_text(std::string_view text);
  // start, open, accept as "me"; all but the start
  void join();
  void enter();

  // --- to peers
  // Told to connect to `id`; the channel opens at once. Returns the handle.
  int32_t open_parent(const std::string& id, bool extended);
  int32_t open_child(const std::string& id);
  void peer_says(int32_t peer, const peer::Message& message);
  void peer_says_text(int32_t peer, std::string_view text);
  // One binary message; what the engine reserved is filled from the end of `bytes`.
  void peer_sends(int32_t peer, std::string_view bytes);
  // BINARY for (url, sn) and all its packets.
  void peer_serves(int32_t peer, const peer::Request& request, const std::string& bytes);
  void writable(int32_t peer, size_t buffered);
  void peer_closed(int32_t peer);

  // --- to the player
  // Two main renditions in unlike directories, so that `url` is not unique; or in one.
  void add_renditions(bool one_directory);
  // What a REQUEST says for segment `sn` of one of them, all in one directory.
  static std::string asking(int32_t rendition, int64_t sn);
  void playhead(double current_time, double buffered_end, double rate = 1);
  // Segment `sn` of main rendition 0: 4 s long, "segN.ts".
  void load(int32_t id, int64_t sn, bool from_cdn = false);
  void load(int32_t id, const SegmentLoad& what);
  void load_aborted(int32_t id);
  void fetch_done(int32_t id, const std::string& bytes);
  // Bytes [from, to) of the body `bytes` of a fetch that began with its first one.
  void fetch_part(int32_t id, const std::string& bytes, size_t from, size_t to);
  void fetch_failed(int32_t id);
  // What the engine calls the fetch of load `id`; none before it asked for one.
  FetchId fetch(int32_t id) const {
    const auto found = fetches_.find(id);
    return found == fetches_.end() ? FetchId() : found->second;
  }
  // Makes the cache hold segment `sn`, by way of the CDN.
  void cache_segment(int64_t sn, size_t size);

  // --- what was commanded since the last clear()
  std::vector<Seen> all(CommandKind kind) const;
  std::vector<Seen> events(EventCode code) const;
  bool has(CommandKind kind) const { return !all(kind).empty(); }
  bool went_to_cdn(int32_t load) const;
  std::vector<tracker_wire::PeerMessage> sent_to_tracker() const;
  std::vector<peer::Message> sent_to(int32_t peer) const;
  template <class T>
  std::vector<T> sent(int32_t peer) const {
    std::vector<T> found;
    for (const peer::Message& message : sent_to(peer)) {
      if (const T* typed = std::get_if<T>(&message)) found.push_back(*typed);
    }
    return found;
  }
  template <class T>
  std::vector<T> told_tracker() const {
    std::vector<T> found;
    for (const tracker_wire::PeerMessage& message : sent_to_tracker()) {
      if (const T* typed = std::get_if<T>(&message)) found.push_back(*typed);
    }
    return found;
  }

 private:
  int32_t last_handle(CommandKind kind) const;
  std::map<int32_t, FetchId> fetches_;  // by load
  int32_t next_scratch_load_ = 1'000'000;
};

}  // namespace hlsmesh::test

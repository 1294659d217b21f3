#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/random.hpp"
#include "sim/alarm.hpp"
#include "tracker/tracker.hpp"

namespace hlsmesh::sim {

// What a page's WebSocket reports; always from the event queue.
class SocketUser {
 public:
  virtual ~SocketUser() = default;
  virtual void on_socket_open() = 0;
  virtual void on_socket_text(const std::string& text) = 0;
  virtual void on_socket_closed() = 0;
};

// What the tracker's host knows of a socket's other end.
struct Whereabouts {
  std::string address;
  std::string isp;  // empty: unknown
};

// A tracker process and the WebSockets to it.
class TrackerHost {
 public:
  TrackerHost(EventQueue& queue, TrackerConfig config, uint64_t seed);

  // The process ends: every socket breaks, and connecting is refused until start().
  void stop();
  // A fresh process that remembers nothing.
  void start();
  bool running() const { return tracker_ != nullptr; }

  // Connects a user that has no socket; on_socket_open or on_socket_closed follows.
  ConnId open(SocketUser& user, Duration latency, Whereabouts from);
  void send(ConnId conn, std::string text);
  void close(ConnId conn);
  // The page is gone without a word: no frame, no pong, no FIN.
  void vanish(ConnId conn);

  // Text frames in either direction for which this holds are lost (which TCP does not do, but a
  // broken proxy does).
  void lose(std::function<bool(std::string_view)> which) { lost_ = std::move(which); }

  // A tracker that asks who may enter is told: everybody, with any token, for `time`.
  void admit_for(DurationMs time) { admitted_for_ = time; }

  // Of all text frames, in both directions.
  uint64_t text_bytes() const { return text_bytes_; }
  // Of the tracker; empty while there is none.
  std::string audit() const { return tracker_ ? tracker_->audit() : std::string(); }

  // As the tracker tells it; empty if it knows no such channel.
  std::string topology(std::string_view channel) const {
    return tracker_ ? tracker_->topology(channel, 0, Tracker::kMaxListed) : std::string();
  }

  TrackerStats stats() const { return tracker_ ? tracker_->stats() : TrackerStats{}; }

 private:
  struct Conn {
    SocketUser* user = nullptr;
    Duration latency{};
    bool accepted = false;  // the tracker knows it
    bool vanished = false;
  };
  Conn* find(ConnId conn);
  void drain();
  void wake();
  void timer_fired();
  void end(ConnId conn, Duration delay);

  EventQueue& queue_;
  TrackerConfig config_;
  Random random_;
  std::unique_ptr<Tracker> tracker_;
  std::map<ConnId, Conn> conns_;
  int32_t next_ = 1;
  Alarm alarm_;  // for the next timeout
  std::function<bool(std::string_view)> lost_;
  std::optional<DurationMs> admitted_for_;
  uint64_t text_bytes_ = 0;
};

}  // namespace hlsmesh::sim

#include "sim/tracker_host.hpp"

#include <utility>
#include <vector>

namespace hlsmesh::sim {

TrackerHost::TrackerHost(EventQueue& queue, TrackerConfig config, uint64_t seed)
    : queue_(queue), config_(config), random_(seed), alarm_(queue, [this] {
        if (tracker_) timer_fired();
      }) {
  start();
}

void TrackerHost::start() {
  if (!tracker_) tracker_ = std::make_unique<Tracker>(config_);
}

void TrackerHost::stop() {
  tracker_.reset();
  std::vector<ConnId> all;
  for (const auto& [id, conn] : conns_) all.push_back(id);
  for (const ConnId id : all) end(id, conns_[id].latency);
}

TrackerHost::Conn* TrackerHost::find(ConnId id) {
  const auto it = conns_.find(id);
  return it == conns_.end() ? nullptr : &it->second;
}

void TrackerHost::end(ConnId id, Duration delay) {
  Conn* conn = find(id);
  if (conn == nullptr) return;
  conn->accepted = false;
  queue_.after(delay, [this, id] {
    Conn* ended = find(id);
    if (ended == nullptr) return;
    SocketUser* user = ended->vanished ? nullptr : ended->user;
    conns_.erase(id);
    if (user != nullptr) user->on_socket_closed();
  });
}

ConnId TrackerHost::open(SocketUser& user, Duration latency, Whereabouts whereabouts) {
  const ConnId id(next_++);
  conns_[id] = Conn{&user, latency, false, false};
  // TCP's handshake, then HTTP's upgrade.
  queue_.after(3 * latency, [this, id, from = std::move(whereabouts)] {
    Conn* conn = find(id);
    if (conn == nullptr || conn->vanished) return;
    if (!tracker_) {
      end(id, conn->latency);
      return;
    }
    conn->accepted = true;
    const IdEntropy entropy{random_.next(), random_.next()};
    queue_.after(conn->latency, [this, id] {
      Conn* opened = find(id);
      if (opened != nullptr && opened->accepted && !opened->vanished) {
        opened->user->on_socket_open();
      }
    });
    tracker_->on_open(engine_time(queue_.now()), id, Origin{from.address, from.isp, {}}, entropy);
    drain();
  });
  return id;
}

void TrackerHost::send(ConnId id, std::string text) {
  Conn* conn = find(id);
  if (conn == nullptr || !conn->accepted) return;
  text_bytes_ += text.size();
  if (lost_ && lost_(text)) return;
  queue_.after(conn->latency, [this, id, text = std::move(text)] {
    Conn* sender = find(id);
    if (sender == nullptr || !sender->accepted || !tracker_) return;
    tracker_->on_text(engine_time(queue_.now()), id, text);
    drain();
  });
}

void TrackerHost::close(ConnId id) {
  Conn* conn = find(id);
  if (conn == nullptr) return;
  conn->user = nullptr;
  conn->vanished = true;  // hears nothing more, whatever is on its way
  queue_.after(conn->latency, [this, id] {
    Conn* closed = find(id);
    if (closed == nullptr) return;
    const bool known = closed->accepted && tracker_ != nullptr;
    conns_.erase(id);
    if (!known) return;
    tracker_->on_closed(engine_time(queue_.now()), id);
    drain();
  });
}

void TrackerHost::vanish(ConnId id) {
  if (Conn* conn = find(id)) {
    conn->vanished = true;
    conn->user = nullptr;
  }
}

void TrackerHost::drain() {
  while (const TrackerCommand* command = tracker_->poll()) {
    const ConnId id = command->conn;
    Conn* conn = find(id);
    if (conn == nullptr) continue;
    switch (command->kind) {
      case TrackerCommandKind::kNone:
        break;
      case TrackerCommandKind::kSend:
        text_bytes_ += command->text.size();
        if (lost_ && lost_(command->text)) break;
        queue_.after(conn->latency, [this, id, text = std::string(command->text)] {
          Conn* receiver = find(id);
          if (receiver != nullptr && !receiver->vanished) receiver->user->on_socket_text(text);
        });
        break;
      case TrackerCommandKind::kPing:
        queue_.after(2 * conn->latency, [this, id] {
          Conn* pinged = find(id);
          if (pinged == nullptr || pinged->vanished || !pinged->accepted || !tracker_) return;
          tracker_->on_pong(engine_time(queue_.now()), id);
          drain();
        });
        break;
      case TrackerCommandKind::kClose:
        end(id, conn->latency);
        break;
      case TrackerCommandKind::kAuthorize:
        tracker_->on_authorized(engine_time(queue_.now()), id, command->code, true, admitted_for_,
                                {});
        break;
      case TrackerCommandKind::kSplit:
      case TrackerCommandKind::kForward:
        // Every channel is run here.
        break;
    }
  }
  wake();
}

void TrackerHost::wake() {
  const std::optional<TimeMs> next = tracker_->next_timeout();
  if (next) alarm_.set(Time(*next));
}

void TrackerHost::timer_fired() {
  const std::optional<TimeMs> due = tracker_->next_timeout();
  if (!due || *due > engine_time(queue_.now())) return wake();
  // A wake-up that achieves nothing would spin at the resolution of the process's timers.
  alarm_.set(queue_.now() + std::chrono::milliseconds(1));
  tracker_->on_timeout(engine_time(queue_.now()));
  drain();
}

}  // namespace hlsmesh::sim

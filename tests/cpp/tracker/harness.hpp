#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/tracker_messages.hpp"
#include "tracker/tracker.hpp"

namespace hlsmesh::tracker_test {

namespace wire = tracker_wire;

// Everything that the other end of one socket received.
struct Mailbox {
  std::vector<wire::TrackerMessage> messages;
  int32_t pings = 0;
  std::optional<int32_t> close_code;
  std::string close_reason;
  // Requests to authorize it: number, text.
  std::vector<std::pair<int32_t, std::string>> questions;

  // The messages for another engine.
  std::vector<std::string> forwarded;

  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const wire::TrackerMessage& message : messages) {
      if (const auto* wanted = std::get_if<Message>(&message)) found.push_back(*wanted);
    }
    return found;
  }
  // The parents this peer was told to dial, oldest first. A copy, for whoever says something while
  // it goes through them; `dials` itself is for those who look often.
  std::vector<std::string> connects() const { return dials; }
  std::vector<std::string> dials;

  // The id that the last accept gave; none before.
  std::string id;

  void take(const wire::TrackerMessage& message) {
    if (const auto* connect = std::get_if<wire::Connect>(&message)) {
      dials.push_back(connect->to_peer_id.text);
    } else if (const auto* accept = std::get_if<wire::Accept>(&message)) {
      id = accept->peer_id.text;
    }
    messages.push_back(message);
  }
};

// A tracker, its clock, and the far ends of its sockets. Everything it says is parsed and sorted
// into mailboxes at once.
class Harness {
 public:
  explicit Harness(TrackerConfig config = {}) : tracker(config) {}

  int32_t open(const std::string& address = "192.0.2.1", const std::string& isp = {},
               const std::string& province = {}) {
    return open(Origin{address, isp, province});
  }
  int32_t open_guest(const std::string& address = "192.0.2.1") {
    return open(Origin{address, {}, {}, true});
  }
  int32_t open(const Origin& origin) {
    const int32_t conn = ++last_conn_;
    tracker.on_open(now, ConnId(conn), origin,
                    IdEntropy{0x0123456789abcdefu, static_cast<uint64_t>(conn)});
    drain();
    return conn;
  }

  void text(int32_t conn, const std::string& json) {
    tracker.on_text(now, ConnId(conn), json);
    drain();
  }
  void say(int32_t conn, const wire::PeerMessage& message) { text(conn, wire::serialize(message)); }

  // Opens a socket and enters; returns the socket.
  int32_t join(const std::string& channel = "https://cdn.example/a.m3u8", wire::Enter enter = {}) {
    const int32_t conn = open();
    enter.channel = channel;
    say(conn, enter);
    return conn;
  }

  void hang_up(int32_t conn) {
    tracker.on_closed(now, ConnId(conn));
    drain();
  }

  // Moves the clock, firing timers on the way at the times they ask for.
  void advance(DurationMs by) {
    const TimeMs end = now + by;
    while (true) {
      const auto due = tracker.next_timeout();
      if (!due || *due > end) break;
      now = std::max(now, *due);
      tracker.on_timeout(now);
      drain();
    }
    now = end;
  }

  // Answers the last question about `conn`.
  void authorize(int32_t conn, bool granted, std::optional<DurationMs> valid = {},
                 const std::string& reason = {}) {
    tracker.on_authorized(now, ConnId(conn), box[conn].questions.back().first, granted, valid,
                          reason);
    drain();
  }

  // Gives the last question about `conn` the other answer.
  void send_elsewhere(int32_t conn) {
    tracker.on_elsewhere(now, ConnId(conn), box[conn].questions.back().first);
    drain();
  }

  std::string id(int32_t conn) { return box[conn].id; }
  std::string dc_id(int32_t child, int32_t parent) { return id(child) + "-" + id(parent); }
  void opened(int32_t child, int32_t parent) { say(child, wire::DcOpened{dc_id(child, parent)}); }

  void drain() {
    std::vector<ConnId> pinged;
    while (const TrackerCommand* command = tracker.poll()) {
      if (command->kind == TrackerCommandKind::kSplit) {
        split.push_back(std::string(command->text));
        continue;
      }
      Mailbox& mailbox = box[command->conn.value()];
      REQUIRE_FALSE(mailbox.close_code);
      switch (command->kind) {
        case TrackerCommandKind::kSend: {
          const auto parsed = wire::parse_from_tracker(command->text);
          const auto* message = std::get_if<wire::TrackerMessage>(&parsed);
          REQUIRE(message != nullptr);
          mailbox.take(*message);
          break;
        }
        case TrackerCommandKind::kPing:
          ++mailbox.pings;
          if (answer_pings) pinged.push_back(command->conn);
          break;
        case TrackerCommandKind::kClose:
          mailbox.close_code = command->code;
          mailbox.close_reason = std::string(command->text);
          break;
        case TrackerCommandKind::kAuthorize:
          mailbox.questions.push_back({command->code, std::string(command->text)});
          break;
        case TrackerCommandKind::kForward:
          mailbox.forwarded.push_back(std::string(command->text));
          break;
        case TrackerCommandKind::kSplit:
        case TrackerCommandKind::kNone:
          FAIL("a command of no kind");
      }
    }
    for (const ConnId conn : pinged) tracker.on_pong(now, conn);
  }

  Tracker tracker;
  TimeMs now{DurationMs{1'000'000}};
  std::map<int32_t, Mailbox> box;
  std::vector<std::string> split;  // parameters that were told of
  bool answer_pings = true;

 private:
  int32_t last_conn_ = 0;
};

}  // namespace hlsmesh::tracker_test

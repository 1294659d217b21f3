// Sequences of what may happen to a tracker. Each byte of the input chooses an event or what is in
// it, so that a mutation changes one step; every text is also tried as it stands. After each input,
// everything that must hold of a tracker is looked at.
#include "tracker/tracker.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "check.hpp"
#include "protocol/tracker_messages.hpp"
#include "reader.hpp"

namespace {

using namespace hlsmesh;
using fuzz::Reader;
namespace wire = tracker_wire;

// Most viewers have the first.
constexpr std::string_view kSites[] = {"", "", "berlin", kNoPeers};

// The far ends of all sockets, as far as a fuzzer needs them.
class World {
 public:
  explicit World(Reader& in) : in_(in), tracker_(config(in)) {}

  void run() {
    for (int steps = 0; steps < 400 && !in_.done(); ++steps) {
      step();
      drain();
    }
    fuzz::require(tracker_.audit().empty());
    // Left in peace the tracker comes to rest: no timer fires for ever at one time.
    for (int i = 0; i < 200; ++i) {
      const auto due = tracker_.next_timeout();
      if (!due) break;
      fuzz::require(*due > now_ || i == 0);
      now_ = std::max(now_, *due);
      tracker_.on_timeout(now_);
      drain();
    }
    fuzz::require(tracker_.audit().empty());
    const size_t sockets = open_.size() - guests_.size();
    fuzz::require(static_cast<size_t>(tracker_.stats().connections) == sockets);
    while (!open_.empty()) {
      const int32_t conn = *open_.begin();
      open_.erase(conn);
      guests_.erase(conn);
      tracker_.on_closed(now_, ConnId(conn));
      drain();
    }
    const TrackerStats stats = tracker_.stats();
    fuzz::require(stats.peers == 0 && stats.channels == 0 && stats.links == 0);
    fuzz::require(!tracker_.next_timeout());
  }

 private:
  static TrackerConfig config(Reader& in) {
    TrackerConfig config;
    const uint8_t flags = in.next();
    config.room_peers = 1 + (flags & 7) * 3;
    config.parents_wanted = 1 + (flags >> 3 & 3);
    config.authorize = (flags & 32) != 0;
    config.default_children = 1 + (flags >> 6);
    config.max_connections = 200;
    config.channel_switches = 50;
    config.agree = flags & 3;
    return config;
  }

  int32_t conn() { return 1 + in_.below(24); }

  std::string id(int32_t of) {
    const auto known = ids_.find(of);
    return known == ids_.end() ? std::string("nobody") : known->second;
  }

  void say(int32_t from, const wire::PeerMessage& message) {
    tracker_.on_text(now_, ConnId(from), wire::serialize(message));
  }

  wire::Enter enter() {
    wire::Enter message;
    const uint8_t facts = in_.next();
    message.channel = std::string(1, static_cast<char>('a' + (facts & 1)));
    if (facts & 2) message.device = wire::Device::kMobile;
    if (facts & 4) message.up_bw = (facts >> 4) * 900;
    if ((facts & 0x88) == 0x88) message.parents = facts >> 4 & 3;
    if ((facts & 0x48) == 0x48) message.children = facts >> 4 & 3;
    if ((facts & 0x28) == 0x28) message.wants = 1 + (facts >> 6);
    return message;
  }

  void step() {
    switch (in_.below(14)) {
      case 0:
      case 1: {
        const int32_t who = conn();
        const uint8_t from = in_.next();
        const std::string isp(1, static_cast<char>('A' + (from & 3)));
        const std::string address = "10.0." + std::to_string(from >> 5) + ".1";
        const bool guest = (from & 16) != 0;
        if (open_.insert(who).second && guest) guests_.insert(who);
        tracker_.on_open(now_, ConnId(who),
                         Origin{address, from & 4 ? isp : "", from & 8 ? "P" : "", guest,
                                kSites[(from >> 2) & 3]},
                         IdEntropy{1, static_cast<uint64_t>(who)});
        say(who, enter());
        break;
      }
      case 2:
        say(conn(), enter());
        break;
      case 3: {
        const int32_t who = conn();
        guests_.erase(who);
        if (open_.erase(who) != 0) tracker_.on_closed(now_, ConnId(who));
        break;
      }
      case 4:
        if (in_.next() & 1) {
          say(conn(), wire::Ping{});
        } else {
          say(conn(), wire::Leave{});
        }
        break;
      case 5:
      case 6:
        if (!told_.empty()) say(told_.front().first, wire::DcOpened{dc_id(told_.front())});
        break;
      case 7: {
        if (told_.empty()) break;
        const auto pair = told_[in_.next() % told_.size()];
        say(pair.first, wire::DcFailed{dc_id(pair)});
        break;
      }
      case 8: {
        // Of a pair that was introduced the reports may count.
        const int32_t who = conn();
        const auto of = told_.empty() ? std::pair(who, id(conn()))
                                      : told_[static_cast<size_t>(who) % told_.size()];
        wire::DcClosed closed{dc_id(of)};
        if (in_.next() & 1) closed.reason = wire::EndReason::kPolluted;
        say((in_.next() & 1) != 0 ? who : of.first, closed);
        break;
      }
      case 9:
        say(conn(), wire::SignalTo{{id(conn()), false}, wire::SignalData("{}")});
        break;
      case 10: {
        wire::Statistics report;
        report.level = in_.below(5);
        report.p2p_kb = in_.next() * 100.0;
        say(conn(), report);
        break;
      }
      case 11:
        now_ += DurationMs{in_.next() * 20};
        tracker_.on_timeout(now_);
        break;
      case 12:
        tracker_.on_text(now_, ConnId(conn()), in_.text());
        break;
      case 13: {
        if (asked_.empty()) break;
        const auto [who, request] = asked_.front();
        asked_.pop_front();
        const uint8_t answer = in_.next();
        std::optional<DurationMs> valid;
        if (answer & 2) valid = DurationMs{answer * 10};
        tracker_.on_authorized(now_, ConnId(who), request, (answer & 1) == 0, valid, "no");
        break;
      }
    }
  }

  std::string dc_id(const std::pair<int32_t, std::string>& pair) {
    return id(pair.first) + "-" + pair.second;
  }

  void drain() {
    while (const TrackerCommand* command = tracker_.poll()) {
      if (command->kind == TrackerCommandKind::kSplit) {
        fuzz::require(!command->text.empty() && command->text.size() <= 64);
        continue;
      }
      const int32_t to = command->conn.value();
      // Nothing is wanted of a socket that is closed.
      fuzz::require(open_.count(to) != 0);
      switch (command->kind) {
        case TrackerCommandKind::kSend: {
          const auto parsed = wire::parse_from_tracker(command->text);
          const auto* message = std::get_if<wire::TrackerMessage>(&parsed);
          fuzz::require(message != nullptr);
          if (const auto* accept = std::get_if<wire::Accept>(message)) {
            ids_[to] = accept->peer_id.text;
          } else if (const auto* connect = std::get_if<wire::Connect>(message)) {
            fuzz::require(connect->to_peer_id.text != ids_[to]);
            told_.push_front({to, connect->to_peer_id.text});
            if (told_.size() > 32) told_.pop_back();
          }
          break;
        }
        case TrackerCommandKind::kClose:
          fuzz::require(command->text.size() <= 123);
          open_.erase(to);
          guests_.erase(to);
          break;
        case TrackerCommandKind::kAuthorize:
          asked_.push_back({to, command->code});
          break;
        case TrackerCommandKind::kPing:
          break;
        case TrackerCommandKind::kSplit:
        case TrackerCommandKind::kForward:  // this tracker was given no neighbours
        case TrackerCommandKind::kNone:
          fuzz::require(false);
      }
    }
  }

  Reader& in_;
  Tracker tracker_;
  TimeMs now_{DurationMs{1'000'000}};
  std::set<int32_t> open_;
  std::set<int32_t> guests_;  // of those
  std::map<int32_t, std::string> ids_;
  std::deque<std::pair<int32_t, std::string>> told_;  // socket, parent; the latest first
  std::deque<std::pair<int32_t, int32_t>> asked_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader in(data, size);
  World(in).run();
  return 0;
}

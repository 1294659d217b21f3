#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <string>
#include <vector>

#include "harness.hpp"

namespace hlsmesh::test {

// Engines with open channels between some of them: what one sends reaches the other in order, and
// at once or as fast as its line is. All have one clock and watch the same two renditions.
class Party {
 public:
  // A viewer that others know by this name. `line`: bytes that it sends in a millisecond; 0: any.
  Harness& add(const std::string& name, double line = 0) {
    Viewer& viewer = viewers_.emplace_back();
    viewer.name = name;
    viewer.line = line;
    viewer.h.now = now_;
    viewer.h.add_renditions(true);
    viewer.h.join();
    viewer.h.playhead(0, 20);
    return viewer.h;
  }

  // `child` dials `parent`.
  void connect(Harness& child, Harness& parent) {
    Viewer& from = viewer_of(child);
    Viewer& to = viewer_of(parent);
    const int32_t at_child = child.open_parent(to.name, false);
    const int32_t at_parent = parent.open_child(from.name);
    from.lines.push_back({at_child, &to, at_parent});
    to.lines.push_back({at_parent, &from, at_child});
    settle();
  }

  // Carries over what anybody has to say until all are silent.
  void settle() {
    bool carried = true;
    while (carried) {
      carried = false;
      for (Viewer& viewer : viewers_) carried |= carry(viewer);
    }
  }

  // Moves all clocks on; each timer fires when it is due.
  void advance(int64_t ms) {
    const TimeMs end = now_ + DurationMs(ms);
    settle();
    while (now_ < end) {
      TimeMs next = end;
      for (const Viewer& viewer : viewers_) {
        if (const std::optional<TimeMs> due = viewer.h.engine.next_timeout()) {
          next = std::min(next, std::max(*due, now_ + DurationMs(1)));
        }
      }
      next = std::min(next, now_ + DurationMs(5));
      const int64_t step = (next - now_).count();
      now_ = next;
      for (Viewer& viewer : viewers_) {
        viewer.h.advance(step);
        viewer.credit = std::min(viewer.credit + viewer.line * static_cast<double>(step), 0.0);
      }
      settle();
    }
  }

  // Forgets what was commanded so far.
  void clear() {
    for (Viewer& viewer : viewers_) {
      viewer.h.clear();
      viewer.seen = 0;
    }
  }

  // Media bytes that `whom` has got on its connection to `from`.
  uint64_t received(Harness& whom, Harness& from) {
    const Viewer& giver = viewer_of(from);
    for (const PeerInfo& info : whom.engine.peers()) {
      if (info.id == giver.name) return info.received_bytes;
    }
    return 0;
  }

 private:
  struct Viewer;
  struct Line {
    int32_t handle;  // what the one side calls the other,
    Viewer* other;
    int32_t at_other;  // and the other it
  };
  struct Viewer {
    std::string name;
    Harness h;
    std::vector<Line> lines;
    size_t seen = 0;  // commands of the log that were carried out
    double line = 0;
    double credit = 0;  // negative while its line is busy
  };

  Viewer& viewer_of(const Harness& h) {
    for (Viewer& viewer : viewers_) {
      if (&viewer.h == &h) return viewer;
    }
    FAIL("nobody of this party");
    return viewers_.front();
  }

  bool carry(Viewer& from) {
    bool carried = false;
    while (from.seen < from.h.log.size() && from.credit >= 0) {
      const Seen command = from.h.log[from.seen++];
      const auto line = std::find_if(from.lines.begin(), from.lines.end(),
                                     [&](const Line& each) { return each.handle == command.peer; });
      if (line == from.lines.end()) continue;
      Harness& to = line->other->h;
      if (command.kind == CommandKind::kChannelSendText) {
        to.peer_says_text(line->at_other, command.text);
      } else if (command.kind == CommandKind::kChannelSendBinary) {
        to.peer_sends(line->at_other, command.message());
        if (from.line > 0) from.credit -= static_cast<double>(command.message().size());
        from.h.writable(command.peer, waiting(from, command.peer));
      } else if (command.kind == CommandKind::kPeerClose) {
        to.peer_closed(line->at_other);
      } else {
        continue;
      }
      carried = true;
    }
    return carried;
  }

  // Bytes that have been sent to the peer and not carried.
  static size_t waiting(const Viewer& from, int32_t peer) {
    size_t bytes = 0;
    for (size_t at = from.seen; at < from.h.log.size(); ++at) {
      const Seen& command = from.h.log[at];
      if (command.peer == peer && command.kind == CommandKind::kChannelSendBinary) {
        bytes += command.message().size();
      }
    }
    return bytes;
  }

  TimeMs now_{DurationMs(1'000'000)};
  std::list<Viewer> viewers_;
};

}  // namespace hlsmesh::test

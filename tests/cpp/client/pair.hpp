#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "harness.hpp"

namespace hlsmesh::test {

// Two engines with an open channel between them and nothing else: what one sends reaches the other
// at once and in order. Both have one clock and watch the same two renditions.
class Pair {
 public:
  explicit Pair(EngineConfig of_parent = Harness::default_config(),
                EngineConfig of_child = Harness::default_config())
      : parent(std::move(of_parent)), child(std::move(of_child)) {
    for (Harness* h : {&parent, &child}) {
      h->add_renditions(true);
      h->join();
      h->playhead(0, 20);
    }
    at_child = child.open_parent("parent", false);
    at_parent = parent.open_child("child");
    settle();
    clear();
  }

  Harness parent;
  Harness child;
  int32_t at_child = 0;   // handles: the child's of the parent,
  int32_t at_parent = 0;  // the parent's of the child

  // Carries over what either has to say until both are silent.
  void settle() {
    while (carry(child, seen_by_child_, parent, at_parent) ||
           carry(parent, seen_by_parent_, child, at_child)) {
    }
  }

  // Moves both clocks on; each timer fires when it is due, at either side.
  void advance(int64_t ms) {
    const TimeMs end = child.now + DurationMs(ms);
    settle();
    while (child.now < end) {
      TimeMs next = end;
      for (const Harness* h : {&parent, &child}) {
        if (const std::optional<TimeMs> due = h->engine.next_timeout()) {
          next = std::min(next, std::max(*due, child.now + DurationMs(1)));
        }
      }
      const int64_t step = (next - child.now).count();
      parent.advance(step);
      child.advance(step);
      settle();
    }
  }

  // The connection breaks, and both drivers say so.
  void cut() {
    is_cut_ = true;
    child.peer_closed(at_child);
    parent.peer_closed(at_parent);
  }

  // Forgets what was commanded so far.
  void clear() {
    parent.clear();
    child.clear();
    seen_by_parent_ = seen_by_child_ = 0;
  }

 private:
  // What `from` has commanded since `seen` goes to `to`, whose handle of it is `at`. False if there
  // was nothing to carry.
  bool carry(Harness& from, size_t& seen, Harness& to, int32_t at) {
    bool carried = false;
    while (seen < from.log.size()) {
      const Seen command = from.log[seen++];
      if (is_cut_) continue;
      if (command.kind == CommandKind::kChannelSendText) {
        to.peer_says_text(at, command.text);
      } else if (command.kind == CommandKind::kChannelSendBinary) {
        to.peer_sends(at, command.message());
        from.writable(command.peer, 0);
      } else if (command.kind == CommandKind::kPeerClose) {
        to.peer_closed(at);
      } else {
        continue;
      }
      carried = true;
    }
    return carried;
  }

  size_t seen_by_parent_ = 0;  // commands of the log that were carried out
  size_t seen_by_child_ = 0;
  bool is_cut_ = false;
};

}  // namespace hlsmesh::test

#pragma once

#include <cstddef>
#include <utility>

#include "client/peers/peer_session.hpp"
#include "common/sorted_map.hpp"

namespace hlsmesh {

// Every peer we are connected to, or are about to be. Sessions stay where they are until sweep().
class PeerTable {
 public:
  using Sessions = SortedMap<PeerHandle, PeerSession>;

  // nullptr when there is none that has not ended.
  PeerSession* find(PeerHandle peer) {
    const auto entry = sessions_.find(peer);
    return entry == sessions_.end() || entry->second.ended ? nullptr : &entry->second;
  }
  PeerSession* find(const PeerId& id) {
    for (auto& [handle, session] : sessions_) {
      if (session.remote == id && !session.ended) return &session;
    }
    return nullptr;
  }
  // Parents or children; `open`: only those that are open.
  int32_t count(bool parents, bool open) const {
    int32_t found = 0;
    for (const auto& [handle, session] : sessions_) {
      found += !session.ended && session.is_parent() == parents && (session.open() || !open);
    }
    return found;
  }

  template <class... Args>
  PeerSession& add(CommandQueue& commands, Args&&... args) {
    const PeerHandle handle(++last_);
    return sessions_.try_emplace(handle, commands, handle, std::forward<Args>(args)...)
        .first->second;
  }
  // How many there ever were.
  int32_t total() const { return last_; }

  // In the order in which they began, those that have ended included.
  Sessions::iterator begin() { return sessions_.begin(); }
  Sessions::iterator end() { return sessions_.end(); }
  Sessions::const_iterator begin() const { return sessions_.begin(); }
  Sessions::const_iterator end() const { return sessions_.end(); }

  // Lets go of sessions that have ended.
  void sweep() {
    for (auto entry = sessions_.begin(); entry != sessions_.end();) {
      entry = entry->second.ended ? sessions_.erase(entry) : ++entry;
    }
  }

 private:
  Sessions sessions_;
  int32_t last_ = 0;
};

}  // namespace hlsmesh

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/ids.hpp"
#include "common/time.hpp"

namespace hlsmesh::tracker {

enum class TimerKind : int32_t { kSocket, kIntroduction, kAuthorization, kFacts };

// One timer of each kind for each socket. Timers fire in the order of (time, socket, kind), so that
// a replay gives the same commands.
class TimerTable {
 public:
  using Key = std::pair<int32_t, TimerKind>;

  void set(ConnId conn, TimerKind kind, TimeMs due) {
    const Key key{conn.value(), kind};
    const auto [entry, fresh] = due_.try_emplace(slot_of(key), due);
    if (!fresh) {
      if (entry->second == due) return;
      order_.erase({entry->second, key});
      entry->second = due;
    }
    order_.insert({due, key});
  }

  void clear(ConnId conn, TimerKind kind) {
    const Key key{conn.value(), kind};
    const auto entry = due_.find(slot_of(key));
    if (entry == due_.end()) return;
    order_.erase({entry->second, key});
    due_.erase(entry);
  }

  std::optional<TimeMs> next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }

  // Removes and returns the first timer that is due.
  std::optional<Key> pop(TimeMs now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    const Key key = order_.begin()->second;
    order_.erase(order_.begin());
    due_.erase(slot_of(key));
    return key;
  }

 private:
  static int64_t slot_of(Key key) {
    return int64_t{key.first} * 4 + static_cast<int32_t>(key.second);
  }

  // Looked up, never iterated.
  std::unordered_map<int64_t, TimeMs> due_;
  std::set<std::pair<TimeMs, Key>> order_;
};

}  // namespace hlsmesh::tracker

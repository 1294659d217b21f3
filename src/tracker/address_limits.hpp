#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/time.hpp"
#include "tracker/rate_limit.hpp"

namespace hlsmesh::tracker {

// What one address may do: connections at a time, enters a minute with a minute's worth at once,
// and messages of all of its connections a second. An IPv6 subscriber holds a whole /64, so that is
// one address here.
class AddressLimits {
 public:
  // A limit on messages of 0 is none.
  AddressLimits(int32_t max_connections, int32_t enters_per_minute, int32_t messages_per_second)
      : max_connections_(max_connections),
        enters_per_minute_(enters_per_minute),
        messages_per_second_(messages_per_second) {}

  // Each call that returned true is matched by one of close(), with the same key. Between the two
  // the address may enter and send.
  bool open(TimeMs now, const std::string& key);
  void close(TimeMs now, const std::string& key);
  bool enter(TimeMs now, const std::string& key);
  bool message(TimeMs now, const std::string& key);

  // Addresses remembered.
  size_t size() const { return entries_.size(); }

  // The key of an address as Node prints it: IPv4 also when mapped into IPv6, the /64 of IPv6, and
  // anything else as it is.
  static std::string key_of(std::string_view address);

 private:
  struct Entry {
    RateLimit enters;
    std::optional<RateLimit> messages;
    int32_t connections = 0;
    TimeMs idle_since;
    bool in_idle = false;
  };
  Entry fresh(TimeMs now) const;
  void forget_idle(TimeMs now);

  int32_t max_connections_;
  int32_t enters_per_minute_;
  int32_t messages_per_second_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Addresses whose last connection closed, each once, with the time to look again: a minute later
  // their allowance is whole and they can be forgotten.
  std::deque<std::pair<TimeMs, std::string>> idle_;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/time.hpp"

namespace hlsmesh::tracker {

// What one address may do: connections at a time, and enters a minute with a minute's worth at
// once. An IPv6 subscriber holds a whole /64, so that is one address here.
class AddressLimits {
 public:
  AddressLimits(int32_t max_connections, int32_t enters_per_minute)
      : max_connections_(max_connections), enters_per_minute_(enters_per_minute) {}

  // Each call that returned true is matched by one of close(), with the same key.
  bool open(TimeMs now, const std::string& key);
  void close(TimeMs now, const std::string& key);
  bool enter(TimeMs now, const std::string& key);

  // Addresses remembered.
  size_t size() const { return entries_.size(); }

  // The key of an address as Node prints it: IPv4 also when mapped into IPv6, the /64 of IPv6, and
  // anything else as it is.
  static std::string key_of(std::string_view address);

 private:
  struct Entry {
    int32_t connections = 0;
    double enters_left = 0;
    TimeMs refilled;
    TimeMs idle_since;
    bool in_idle = false;
  };
  void forget_idle(TimeMs now);

  int32_t max_connections_;
  int32_t enters_per_minute_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Addresses whose last connection closed, each once, with the time to look again: a minute later
  // their allowance is whole and they can be forgotten.
  std::deque<std::pair<TimeMs, std::string>> idle_;
};

}  // namespace hlsmesh::tracker

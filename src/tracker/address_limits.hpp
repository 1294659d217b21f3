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

// The limits of one address: its connections, its enters a minute (with a burst of one minute's
// allowance), and the messages and bytes a second of all its connections. An IPv6 subscriber holds
// a whole /64, so a /64 counts as one address.
//
// Once an address has used its allowance, each of its connections may still use its own part of it,
// so that a busy one does not get the others closed: the one that talks most is refused, and all
// together use at most twice the allowance. First enters and repeated ones are apart for the same
// reason.
class AddressLimits {
 public:
  // What one connection has used.
  struct Spent {
    Meter messages;
    Meter bytes;
    Meter enters;
  };
  enum class Refusal { kNone, kMessages, kBytes };

  // `messages_per_second`, `bytes_per_second`: 0: no limit.
  AddressLimits(int32_t max_connections, int32_t enters_per_minute, int32_t messages_per_second,
                int32_t bytes_per_second)
      : max_connections_(max_connections),
        enters_per_minute_(enters_per_minute),
        messages_per_second_(messages_per_second),
        bytes_per_second_(bytes_per_second) {}

  // Each call that returned true must be matched by one of close() with the same key. enter() and
  // message() may be called between the two.
  bool open(TimeMs now, const std::string& key);
  void close(TimeMs now, const std::string& key);
  // `first`: of this connection.
  bool enter(TimeMs now, const std::string& key, Spent& spent, bool first);
  Refusal message(TimeMs now, const std::string& key, Spent& spent, size_t bytes);

  // Addresses remembered.
  size_t size() const { return entries_.size(); }

  // Returns the key of an address as Node prints it: the IPv4 address, also if it is mapped into
  // IPv6; the /64 of an IPv6 address; any other text as it is.
  static std::string key_of(std::string_view address);
  // Returns the key of all addresses that one party may well hold: of IPv6 the /48, since /64s cost
  // nothing.
  static std::string network_of(std::string_view address);
  // Returns the key of all addresses whose word counts once: the /24 of IPv4, the /48 of IPv6.
  static std::string party_of(std::string_view address);

 private:
  struct Entry {
    RateLimit enters;
    RateLimit repeated;
    std::optional<RateLimit> messages;
    std::optional<RateLimit> bytes;
    int32_t connections = 0;
    TimeMs idle_since;
    bool in_idle = false;
  };
  Entry fresh(TimeMs now) const;
  void forget_idle(TimeMs now);

  int32_t max_connections_;
  int32_t enters_per_minute_;
  int32_t messages_per_second_;
  int32_t bytes_per_second_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Addresses whose last connection closed, each once, with the time of the next look: after a
  // minute their allowance is full again, and they can be forgotten.
  std::deque<std::pair<TimeMs, std::string>> idle_;
};

}  // namespace hlsmesh::tracker

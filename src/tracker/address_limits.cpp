#include "tracker/address_limits.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace hlsmesh::tracker {
namespace {

constexpr DurationMs kMinute{60'000};

// What a connection may use at once of an address's allowance that is used up, however many share
// it: an honest viewer enters and gets its parents with less.
constexpr double kLeastMessages = 64;
constexpr double kLeastBytes = 65'536;
constexpr double kLeastEnters = 2;

// Returns true if a connection has used more than its part.
bool exceeds_part(Meter& meter, TimeMs now, double used, double per_second, int32_t connections,
                  double least) {
  const double part = per_second / std::max(connections, 1);
  return meter.add(now, used, part, std::max(least, part));
}

// The first four groups of a textual IPv6 address (RFC 4291 section 2.2).
std::optional<std::array<uint32_t, 4>> prefix64(std::string_view address) {
  std::array<uint32_t, 8> groups{};
  size_t count = 0;
  std::optional<size_t> gap;
  size_t at = 0;
  if (address.substr(0, 2) == "::") {
    gap = 0;
    at = 2;
  }
  while (at < address.size()) {
    uint32_t group = 0;
    size_t digits = 0;
    for (; at < address.size() && digits < 5; ++at, ++digits) {
      const char c = address[at];
      uint32_t value = 0;
      if (c >= '0' && c <= '9') {
        value = static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = static_cast<uint32_t>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        value = static_cast<uint32_t>(c - 'A') + 10;
      } else {
        break;
      }
      group = group * 16 + value;
    }
    if (digits == 0 || digits > 4 || count == groups.size()) return std::nullopt;
    groups[count++] = group;
    if (at == address.size() || address[at] == '%') break;  // a zone id ends the address
    if (address[at++] != ':') return std::nullopt;
    if (at < address.size() && address[at] == ':') {
      if (gap) return std::nullopt;
      gap = count;
      ++at;
    }
  }
  if (!gap && count != groups.size()) return std::nullopt;
  if (gap) {
    const auto begin = groups.begin() + static_cast<std::ptrdiff_t>(*gap);
    const auto end = groups.begin() + static_cast<std::ptrdiff_t>(count);
    const auto moved = std::move_backward(begin, end, groups.end());
    std::fill(begin, moved, 0u);
  }
  return std::array<uint32_t, 4>{groups[0], groups[1], groups[2], groups[3]};
}

std::string text_of(const std::array<uint32_t, 4>& groups, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    for (int shift = 12; shift >= 0; shift -= 4) {
      text += "0123456789abcdef"[(groups[i] >> shift) & 15];
    }
    text += ':';
  }
  return text;
}

}  // namespace

std::string AddressLimits::key_of(std::string_view address) {
  constexpr std::string_view kMapped = "::ffff:";
  if (address.substr(0, kMapped.size()) == kMapped && address.find('.') != std::string_view::npos) {
    return std::string(address.substr(kMapped.size()));
  }
  const auto prefix = prefix64(address);
  return prefix ? text_of(*prefix, 4) + ":/64" : std::string(address);
}

std::string AddressLimits::network_of(std::string_view address) {
  const auto prefix = prefix64(address);
  return prefix ? text_of(*prefix, 3) + ":/48" : key_of(address);
}

std::string AddressLimits::party_of(std::string_view address) {
  std::string network = network_of(address);
  const bool v4 = std::count(network.begin(), network.end(), '.') == 3 &&
                  network.find_first_not_of("0123456789.") == std::string::npos;
  if (v4) network = network.substr(0, network.rfind('.')) + ".0/24";
  return network;
}

bool AddressLimits::open(TimeMs now, const std::string& key) {
  forget_idle(now);
  auto entry = entries_.find(key);
  if ((entry == entries_.end() ? 0 : entry->second.connections) >= max_connections_) return false;
  if (entry == entries_.end()) entry = entries_.emplace(key, fresh(now)).first;
  ++entry->second.connections;
  return true;
}

void AddressLimits::close(TimeMs now, const std::string& key) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  Entry& address = entry->second;
  if (--address.connections == 0) {
    address.idle_since = now;
    if (!address.in_idle) idle_.emplace_back(now + kMinute, key);
    address.in_idle = true;
  }
  forget_idle(now);
}

bool AddressLimits::enter(TimeMs now, const std::string& key, Spent& spent, bool first) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return false;
  Entry& address = entry->second;
  if (first) return address.enters.take(now);
  const bool greedy = exceeds_part(spent.enters, now, 1, enters_per_minute_ / 60.0,
                                   address.connections, kLeastEnters);
  return address.repeated.take(now) || !greedy;
}

AddressLimits::Refusal AddressLimits::message(TimeMs now, const std::string& key, Spent& spent,
                                              size_t bytes) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return Refusal::kMessages;
  Entry& address = entry->second;
  const auto refuses = [&](std::optional<RateLimit>& all, Meter& own, double used,
                           double per_second, double least) {
    if (!all) return false;
    const bool greedy = exceeds_part(own, now, used, per_second, address.connections, least);
    return !all->take(now, used) && greedy;
  };
  if (refuses(address.messages, spent.messages, 1, messages_per_second_, kLeastMessages)) {
    return Refusal::kMessages;
  }
  const double size = static_cast<double>(bytes);
  return refuses(address.bytes, spent.bytes, size, bytes_per_second_, kLeastBytes) ? Refusal::kBytes
                                                                                   : Refusal::kNone;
}

AddressLimits::Entry AddressLimits::fresh(TimeMs now) const {
  const double enters = enters_per_minute_;
  const RateLimit a_minute(enters, enters, kMinute, now);
  Entry entry{a_minute, a_minute, std::nullopt, std::nullopt, 0, now, false};
  if (messages_per_second_ > 0) entry.messages = messages_a_second(messages_per_second_, now);
  if (bytes_per_second_ > 0) entry.bytes = messages_a_second(bytes_per_second_, now);
  return entry;
}

void AddressLimits::forget_idle(TimeMs now) {
  while (!idle_.empty() && idle_.front().first <= now) {
    const auto entry = entries_.find(idle_.front().second);
    idle_.pop_front();
    Entry& address = entry->second;
    address.in_idle = false;
    if (address.connections > 0) continue;
    if (now - address.idle_since >= kMinute) {
      entries_.erase(entry);
    } else {
      address.in_idle = true;
      idle_.emplace_back(address.idle_since + kMinute, entry->first);
    }
  }
}

}  // namespace hlsmesh::tracker

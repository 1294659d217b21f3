#include "tracker/split_channels.hpp"

#include <algorithm>

namespace hlsmesh::tracker {
namespace {

uint64_t hash(uint64_t state, std::string_view text) {
  // FNV-1a. An attacker who makes two families collide only gets a parameter reported that splits
  // nothing.
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return state;
}

// Calls visit(family, parameter's name) for each parameter that has a value.
template <class Visit>
void each_family(std::string_view channel, Visit visit) {
  const size_t end = std::min(channel.find('#'), channel.size());
  size_t at = std::min(channel.find('?'), end);
  for (size_t i = 0; at < end && i < SplitChannels::kMostParameters; ++i) {
    const size_t begin = at + 1;
    at = std::min(channel.find('&', begin), end);
    const std::string_view parameter = channel.substr(begin, at - begin);
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    const uint64_t before = hash(0xcbf29ce484222325u, channel.substr(0, begin + equals));
    // A zero byte, which no URL has, replaces the value.
    visit(hash(hash(before, std::string_view("", 1)), channel.substr(at)),
          parameter.substr(0, equals));
  }
}

// Returns the part of it that a log may show, whatever a stranger wrote.
std::string readable(std::string_view name) {
  std::string out(name.substr(0, SplitChannels::kMostNameBytes));
  for (char& c : out) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return out;
}

}  // namespace

std::vector<std::string> SplitChannels::opened(std::string_view channel) {
  std::vector<std::string> news;
  each_family(channel, [&](uint64_t id, std::string_view name) {
    Family& family = families_[id];
    if (++family.channels != 2) return;
    family.parameter = readable(name);
    ++parameters_[family.parameter];
    if (told_.size() < kMostTold && told_.insert(id).second) news.push_back(family.parameter);
  });
  return news;
}

void SplitChannels::closed(std::string_view channel) {
  each_family(channel, [&](uint64_t id, std::string_view) {
    const auto found = families_.find(id);
    Family& family = found->second;
    if (--family.channels == 1) {
      const auto parameter = parameters_.find(family.parameter);
      if (--parameter->second == 0) parameters_.erase(parameter);
    }
    if (family.channels == 0) families_.erase(found);
  });
}

}  // namespace hlsmesh::tracker

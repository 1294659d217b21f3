#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hlsmesh::tracker {

// Finds channels that differ only in the value of one query parameter. Such a parameter either
// selects another video, or differs for each viewer and keeps every viewer alone. It keeps names of
// parameters, never their values.
//
// It computes a hash of the channel for each of its first kMostParameters parameters when a channel
// is made and when it ends, and holds an entry for each in between.
class SplitChannels {
 public:
  static constexpr size_t kMostParameters = 8;
  // The longest name that is reported; a longer one is truncated.
  static constexpr size_t kMostNameBytes = 64;
  // The most families that are reported in all.
  static constexpr size_t kMostTold = 256;

  // To be called for a new channel. Returns the names of the parameters that are its only
  // difference from another channel, if that family of channels has not been reported before.
  std::vector<std::string> opened(std::string_view channel);
  void closed(std::string_view channel);

  // The parameters that are the only difference between present channels, each with its number of
  // families.
  const std::map<std::string, int32_t>& parameters() const { return parameters_; }

 private:
  struct Family {
    std::string parameter;
    int32_t channels = 0;
  };
  // Keyed by a hash of the channel without the parameter's value.
  std::map<uint64_t, Family> families_;
  std::map<std::string, int32_t> parameters_;
  std::set<uint64_t> told_;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hlsmesh::tracker {

// Notices channels that are one but for the value of a query parameter: either it selects another
// video, or it is each viewer's own and keeps everybody alone. Knows names of parameters, never
// their values.
//
// Costs a hash of the channel for each of its first kMostParameters parameters when a channel comes
// and when it goes, and an entry for each while it is there.
class SplitChannels {
 public:
  static constexpr size_t kMostParameters = 8;
  // Longest name that is told; what is longer is cut.
  static constexpr size_t kMostNameBytes = 64;
  // Families that are told of in all.
  static constexpr size_t kMostTold = 256;

  // A channel came to be. Returns the names of the parameters in which it alone differs from one
  // that is there, of families of channels that nobody was told of before.
  std::vector<std::string> opened(std::string_view channel);
  void closed(std::string_view channel);

  // Parameters in which channels that are there differ alone, and how many families of channels do.
  const std::map<std::string, int32_t>& parameters() const { return parameters_; }

 private:
  struct Family {
    std::string parameter;
    int32_t channels = 0;
  };
  // By a hash of the channel without the parameter's value.
  std::map<uint64_t, Family> families_;
  std::map<std::string, int32_t> parameters_;
  std::set<uint64_t> told_;
};

}  // namespace hlsmesh::tracker

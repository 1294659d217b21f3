#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/time.hpp"

namespace hlsmesh::tracker {

// Who in a channel is reported to send wrong pieces, and is introduced to nobody for a while. A
// report counts for the reporter's party (AddressLimits::party_of), against the network
// (AddressLimits::network_of) of whom it is about.
//
// A party accuses no more than kMostEach networks in kMemory, so whoever speaks for `a` parties
// keeps at most kMostEach * a / needed networks out, however many peers it has.
class Bans {
 public:
  static constexpr DurationMs kMemory{10 * 60'000};  // of a report
  static constexpr DurationMs kBan{10 * 60'000};
  static constexpr int32_t kMostEach = 2;

  struct Accused {
    const std::string& network;
    const std::string& party;
  };
  enum class Outcome {
    kIgnored,  // of its own party, repeated, by one that is banned or has accused too many
    kCounted,
    kBanned,  // the network is banned from now on, and was not before
  };
  // `by`: the reporter. `needed`: parties, 1 or more. Only reports of those who were connected to
  // the accused may come here.
  Outcome accuse(TimeMs now, const Accused& by, const Accused& accused, int32_t needed);
  bool bans(TimeMs now, const std::string& network) const;

 private:
  // Of each kind that are remembered: then the oldest goes. Flushing them takes 256 parties.
  static constexpr size_t kMostReports = 512;
  static constexpr size_t kMostBans = 512;

  struct Report {
    TimeMs at;
    std::string by;
    std::string of;
  };
  struct Ban {
    TimeMs until;
    std::string of;
  };
  std::vector<Report> reports_;  // the oldest first
  std::vector<Ban> bans_;        // the oldest first
};

}  // namespace hlsmesh::tracker

#include "tracker/bans.hpp"

#include <algorithm>

namespace hlsmesh::tracker {

Bans::Outcome Bans::accuse(TimeMs now, const Accused& by, const Accused& accused, int32_t needed) {
  reports_.erase(reports_.begin(), std::find_if(reports_.begin(), reports_.end(), [&](auto& each) {
                   return now - each.at < kMemory;
                 }));
  if (by.party == accused.party || bans(now, by.network)) return Outcome::kIgnored;
  int32_t own = 0;
  int32_t parties = 1;
  for (const Report& each : reports_) {
    if (each.by == by.party && each.of == accused.network) return Outcome::kIgnored;
    own += each.by == by.party ? 1 : 0;
    parties += each.of == accused.network ? 1 : 0;
  }
  if (own >= kMostEach) return Outcome::kIgnored;
  if (reports_.size() >= kMostReports) reports_.erase(reports_.begin());
  reports_.push_back({now, by.party, accused.network});
  if (parties < needed || bans(now, accused.network)) return Outcome::kCounted;
  if (bans_.size() >= kMostBans) bans_.erase(bans_.begin());
  bans_.push_back({now + kBan, accused.network});
  return Outcome::kBanned;
}

bool Bans::bans(TimeMs now, const std::string& network) const {
  return std::any_of(bans_.begin(), bans_.end(),
                     [&](const Ban& each) { return each.of == network && now < each.until; });
}

}  // namespace hlsmesh::tracker

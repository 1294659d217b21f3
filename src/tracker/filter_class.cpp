#include "tracker/filter_class.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "tracker/networks.hpp"

namespace hlsmesh::tracker {
namespace {

// The distances of a parent that the index distinguishes.
constexpr int32_t kSameProvince = 0;
constexpr int32_t kSameIsp = 1;
constexpr int32_t kAnywhere = 2;
constexpr std::array<int32_t, 3> kCost = {0, kOtherProvince, kOtherIsp};

// The most peers that a search for a further parent looks at. It would need more only if many peers
// have one address, and then it may return none.
constexpr int32_t kLooks = 64;
constexpr int32_t kLooksUnbounded = INT32_MAX;

int8_t level_of(const Peer& peer) {
  if (!peer.level_known) return kLevelUnknown;
  return static_cast<int8_t>(std::clamp(peer.level + 0.5, 0.0, static_cast<double>(kMaxLevel)));
}

constexpr uint8_t bit(Reach reach) {
  return static_cast<uint8_t>(1U << static_cast<unsigned>(reach));
}
constexpr uint8_t kKnownOpen = bit(Reach::kOpen) | bit(Reach::kKept);
constexpr uint8_t kOrdinary = bit(Reach::kNarrow) | bit(Reach::kUnknown) | bit(Reach::kOpen);
constexpr uint8_t kAll = kOrdinary | kKnownOpen | bit(Reach::kHard);

// The slots that an open peer keeps for those who are hard to reach, at most half of its own.
constexpr int32_t kKeptSlots = 2;

// An unknown level counts as equal to every level.
int32_t levels_apart(int8_t a, int8_t b) {
  return a == kLevelUnknown || b == kLevelUnknown ? 0 : std::abs(a - b);
}

}  // namespace

bool FilterClass::is_weak(const Peer& peer) {
  return peer.child_limit < 3 || peer.info.device == tracker_wire::Device::kMobile;
}

std::optional<Spot> FilterClass::spot_of(const Peer& peer) {
  const int32_t taken = peer.slots_taken();
  if (taken >= peer.child_limit || peer.layer >= kMaxLayer) return std::nullopt;
  Slack slack = taken < peer.child_limit - taken ? Slack::kAmple : Slack::kSome;
  if (peer.child_limit - taken == 1) slack = Slack::kLast;
  if (peer.idle) {
    if (peer.says_live.value_or(true)) return std::nullopt;
    slack = Slack::kIdle;
  }
  Reach reach = peer.outcomes.reach();
  const int32_t kept = std::min(kKeptSlots, peer.child_limit / 2);
  if (reach == Reach::kOpen && peer.child_limit - taken <= kept) reach = Reach::kKept;
  return Spot{peer.layer, slack, level_of(peer), reach, peer.rank};
}

void FilterClass::put(Shelf& shelf, Rank rank, Peer* peer) {
  const int32_t network = peer->network->id;
  const auto at = shelf.members.emplace(std::pair(network, rank), peer).first;
  const auto next = std::next(at);
  const bool is_first = at == shelf.members.begin() || std::prev(at)->first.first != network;
  if (!is_first) return;
  if (next != shelf.members.end() && next->first.first == network) {
    shelf.fronts.erase(next->first.second);
  }
  shelf.fronts.emplace(rank, peer);
}

void FilterClass::take(Shelf& shelf, Rank rank, const Peer& peer) {
  const int32_t network = peer.network->id;
  const auto next = shelf.members.erase(shelf.members.find({network, rank}));
  if (shelf.fronts.erase(rank) == 0) return;
  if (next != shelf.members.end() && next->first.first == network) {
    shelf.fronts.emplace(next->first.second, next->second);
  }
}

void FilterClass::update(Peer& peer) {
  const std::optional<Spot> spot = spot_of(peer);
  if (spot == peer.spot) return;
  remove(peer);
  if (!spot) return;
  const Key key{spot->slack, spot->level, spot->reach};
  Class& entry = classes_[spot->layer];
  peer.spot = spot;
  put(entry.all[key], spot->rank, &peer);
  if (peer.info.isp.empty()) return;
  Isp& isp = entry.isps[peer.info.isp];
  put(isp.all[key], spot->rank, &peer);
  if (peer.info.province.empty()) return;
  put(isp.provinces[peer.info.province][key], spot->rank, &peer);
}

void FilterClass::remove(Peer& peer) {
  if (!peer.spot) return;
  const Spot spot = *peer.spot;
  const Key key{spot.slack, spot.level, spot.reach};
  const auto entry = classes_.find(spot.layer);
  const auto take_from = [&](Shelves& shelves) {
    const auto shelf = shelves.find(key);
    take(shelf->second, spot.rank, peer);
    if (shelf->second.members.empty()) shelves.erase(shelf);
    return shelves.empty();
  };
  peer.spot.reset();
  if (const auto isp = entry->second.isps.find(peer.info.isp); isp != entry->second.isps.end()) {
    auto& provinces = isp->second.provinces;
    const auto province = provinces.find(peer.info.province);
    if (province != provinces.end() && take_from(province->second)) provinces.erase(province);
    if (take_from(isp->second.all)) entry->second.isps.erase(isp);
  }
  if (take_from(entry->second.all)) classes_.erase(entry);
}

FilterClass::Reaches FilterClass::reaches_of(const Peer& child, int32_t round) {
  const Reach reach = child.outcomes.reach();
  if (reach == Reach::kHard && !child.outcomes.is_unreachable()) {
    if (round == 0) return {kKnownOpen, 0};
    if (round == 1) return {bit(Reach::kUnknown), 0};
    return {static_cast<uint8_t>(bit(Reach::kHard) | bit(Reach::kNarrow)), 0};
  }
  if (reach == Reach::kOpen) {
    if (round > 0) return {};
    return {static_cast<uint8_t>(kOrdinary | bit(Reach::kHard)), bit(Reach::kKept)};
  }
  if (round == 0) return {kOrdinary, bit(Reach::kKept)};
  return {round == 1 ? bit(Reach::kHard) : uint8_t{0}, 0};
}

Peer* FilterClass::find_first(const Peer& child, TimeMs now, int32_t round) const {
  if (classes_.empty()) return nullptr;
  const int32_t nearest = classes_.begin()->first;
  // For a child without parents the search skips only the few parents that are held down.
  const int32_t looks = child.parents.empty() ? kLooksUnbounded : kLooks;
  return search({child, now, true, nullptr, looks, true, nullptr, reaches_of(child, round)},
                nearest + (is_weak(child) ? 1 : 0));
}

Peer* FilterClass::find_another(const Peer& child, TimeMs now) const {
  Reaches reaches = reaches_of(child, 0);
  // Places that are kept are for first parents.
  reaches[1] = child.outcomes.hard ? reaches_of(child, 1)[0] : uint8_t{0};
  return search({child, now, false, nullptr, kLooks, true, nullptr, reaches}, child.layer);
}

Peer* FilterClass::find_besides(const Peer& child, TimeMs now, const Network& besides) const {
  if (classes_.empty()) return nullptr;
  return search({child, now, true, nullptr, kLooksUnbounded, true, &besides, {kAll, 0}},
                classes_.begin()->first);
}

Peer* FilterClass::find_outside(const Peer& child, TimeMs now, const std::vector<Rank>& below,
                                int32_t round, const Network* besides) const {
  if (classes_.empty()) return nullptr;
  return search(
      {child, now, true, &below, kLooksUnbounded, true, besides, reaches_of(child, round)},
      classes_.begin()->first);
}

Peer* FilterClass::search(Query query, int32_t target) const {
  for (const bool likely : {true, false}) {
    query.likely = likely;
    for (const uint8_t among : query.reaches) {
      if (among == 0) continue;
      query.among = among;
      if (Peer* found = search_once(query, target)) return found;
    }
  }
  return nullptr;
}

Peer* FilterClass::search_once(Query& query, int32_t target) const {
  if (classes_.empty()) return nullptr;
  const int32_t nearest = classes_.begin()->first;
  const int32_t farthest = classes_.rbegin()->first;
  const int32_t reach = std::max(farthest - target, target - nearest);
  for (int32_t cost = 0; cost <= reach + kCost[kAnywhere]; ++cost) {
    for (const int32_t distance : {kSameProvince, kSameIsp, kAnywhere}) {
      const int32_t apart = cost - kCost[static_cast<size_t>(distance)];
      if (apart < 0) break;
      if (Peer* found = look(query, target + apart, distance)) return found;
      if (apart == 0) continue;
      if (Peer* found = look(query, target - apart, distance)) return found;
    }
  }
  return nullptr;
}

Peer* FilterClass::look(Query& query, int32_t layer, int32_t distance) const {
  const auto entry = classes_.find(layer);
  if (entry == classes_.end()) return nullptr;
  if (distance == kAnywhere) return pick(query, entry->second.all);
  const PeerFacts& info = query.child.info;
  if (info.isp.empty()) return nullptr;
  const auto isp = entry->second.isps.find(info.isp);
  if (isp == entry->second.isps.end()) return nullptr;
  if (distance == kSameIsp) return pick(query, isp->second.all);
  if (info.province.empty()) return nullptr;
  const auto province = isp->second.provinces.find(info.province);
  return province == isp->second.provinces.end() ? nullptr : pick(query, province->second);
}

Peer* FilterClass::pick(Query& query, const Shelves& shelves) const {
  const int8_t level = level_of(query.child);
  Slack least = query.first ? Slack::kLast : Slack::kAmple;
  // There are few that it can have.
  if (!query.first && query.child.outcomes.hard) least = Slack::kSome;
  if (query.first && !query.likely && !query.child.unfed) least = Slack::kIdle;
  for (auto begin = shelves.begin(); begin != shelves.end() && begin->first.slack <= least;) {
    // The shelves of one slack, sorted by the distance of their level.
    std::array<const Shelves::value_type*,
               (kMaxLevel + 2) * (static_cast<size_t>(Reach::kKept) + 1)>
        shelf{};
    size_t count = 0;
    const Slack slack = begin->first.slack;
    for (; begin != shelves.end() && begin->first.slack == slack; ++begin) {
      if ((query.among & bit(begin->first.reach)) == 0) continue;
      if (query.likely && levels_apart(level, begin->first.level) > 0) continue;
      shelf[count++] = &*begin;
    }
    std::sort(shelf.begin(), shelf.begin() + static_cast<std::ptrdiff_t>(count),
              [&](const auto* a, const auto* b) {
                const int32_t apart_a = levels_apart(level, a->first.level);
                const int32_t apart_b = levels_apart(level, b->first.level);
                return apart_a != apart_b ? apart_a < apart_b : a->first < b->first;
              });
    for (size_t i = 0; i < count; ++i) {
      if (Peer* found = pick(query, shelf[i]->second)) return found;
    }
  }
  return nullptr;
}

// The oldest of the child's own network or of the others, as if all stood in one row.
Peer* FilterClass::pick(Query& query, const Shelf& shelf) const {
  const Network* const own = query.child.network;
  Peer* const housemate = own == query.besides ? nullptr : pick_of(query, shelf, own->id);
  for (const auto& [rank, front] : shelf.fronts) {
    if (housemate != nullptr && rank > housemate->rank) break;
    if (query.below == nullptr && rank >= query.child.rank) break;
    if (front->network == own) continue;
    if (query.looks_left == 0) break;
    --query.looks_left;
    if (!may_any_feed(query, *front)) continue;
    Peer* const found = pick_of(query, shelf, front->network->id);
    if (found == nullptr) continue;
    return housemate != nullptr && housemate->rank < found->rank ? housemate : found;
  }
  return housemate;
}

Peer* FilterClass::pick_of(Query& query, const Shelf& shelf, int32_t network) {
  auto at = shelf.members.lower_bound({network, std::numeric_limits<Rank>::min()});
  for (; at != shelf.members.end() && at->first.first == network; ++at) {
    if (query.below == nullptr && at->first.second >= query.child.rank) return nullptr;
    if (query.looks_left == 0) return nullptr;
    --query.looks_left;
    if (may_feed(query, *at->second)) return at->second;
  }
  return nullptr;
}

// Of a peer of another network than the child's: what holds for all of its network.
bool FilterClass::may_any_feed(const Query& query, const Peer& of_network) const {
  const Network& network = *of_network.network;
  if (&network == query.besides) return false;
  for (const ParentLink& link : query.child.parents) {
    if (link.parent->network == &network) return false;
  }
  // A further parent takes nobody's place.
  if (query.besides != nullptr || !query.child.is_source()) return true;
  const bool may = network.all->may_begin(network, peers_in_room);
  if (!may) ++network.all->passed_over;
  return may;
}

bool FilterClass::may_feed(const Query& query, const Peer& parent) {
  if (query.below != nullptr &&
      std::binary_search(query.below->begin(), query.below->end(), parent.rank)) {
    return false;
  }
  const Peer& child = query.child;
  for (const ParentLink& link : child.parents) {
    if (link.parent == &parent) return false;
  }
  return std::none_of(child.held_down.begin(), child.held_down.end(), [&](const HoldDown& pair) {
    return pair.parent == parent.join && query.now < pair.until;
  });
}

std::vector<FilterClass::Entry> FilterClass::contents() const {
  std::vector<Entry> found;
  const auto collect = [&](const Entry& where, const Shelves& shelves) {
    for (const auto& [key, shelf] : shelves) {
      for (const auto& [place, peer] : shelf.members) {
        Entry& entry = found.emplace_back(where);
        entry.spot = {where.spot.layer, key.slack, key.level, key.reach, place.second};
        entry.peer = peer;
      }
    }
  };
  for (const auto& [layer, entry] : classes_) {
    Spot spot;
    spot.layer = layer;
    collect({0, spot, {}, {}, nullptr}, entry.all);
    for (const auto& [name, isp] : entry.isps) {
      collect({1, spot, name, {}, nullptr}, isp.all);
      for (const auto& [province, shelves] : isp.provinces) {
        collect({2, spot, name, province, nullptr}, shelves);
      }
    }
  }
  return found;
}

}  // namespace hlsmesh::tracker

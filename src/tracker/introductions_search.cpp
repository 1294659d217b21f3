// The search for a parent: who needs one, and what is done if there is none.

#include <algorithm>
#include <vector>

#include "tracker/introductions.hpp"
#include "tracker/pairs.hpp"

namespace hlsmesh::tracker {
namespace {

// The number of parents that play, or may.
int32_t active_parents(const Peer& peer) {
  return static_cast<int32_t>(
             std::count_if(peer.parents.begin(), peer.parents.end(),
                           [](const ParentLink& link) { return !link.parent->idle; })) +
         peer.kept_parents;
}

// Returns the source of a peer's segments, by the oldest parent at each step that is not idle.
const Peer& source_of(const Peer& peer) {
  const Peer* at = &peer;
  for (const Peer* parent = at; parent != nullptr;) {
    at = parent;
    parent = nullptr;
    for (const ParentLink& link : at->parents) {
      if (parent == nullptr && !link.parent->idle) parent = link.parent;
    }
  }
  return *at;
}

// Returns the one foreign network of all parents of a viewer that must not have them alone, or
// nullptr.
const Network* sole_network(const Peer& child) {
  if (child.parents.empty() || child.kept_parents > 0) return nullptr;
  const Peer& first = *child.parents.front().parent;
  if (!Introductions::must_not_be_alone(child, *first.network)) return nullptr;
  const bool one =
      std::all_of(child.parents.begin(), child.parents.end(),
                  [&](const ParentLink& link) { return link.parent->network == first.network; });
  return one ? first.network : nullptr;
}

bool is_of_same_place(const Peer& a, const Peer& b) {
  return a.info.isp == b.info.isp && a.info.province == b.info.province;
}

}  // namespace

bool Introductions::must_not_be_alone(const Peer& child, const Network& network) {
  return child.parents_wanted > 1 && &network != child.network && network.all->is_crowd(network);
}

void Introductions::provide(Peer& child, TimeMs now) {
  const FilterClass& index = child.room->parents;
  // An idle parent does not count, but stays until another one has opened, so a child may have one
  // parent more for a while.
  const int32_t parents = active_parents(child);
  const int32_t standing = static_cast<int32_t>(child.parents.size()) + child.kept_parents;
  const bool crowded = standing > child.parents_wanted;
  // A peer with kept children might get a parent below it, and the two would wait for each other's
  // segments. A peer that is alone needs no parent.
  const bool alone = child.room->nodes.size() == 1;
  if (child.idle || parents >= child.parents_wanted || crowded || child.kept_children > 0 ||
      alone) {
    return set_search(child, std::nullopt);
  }
  if (now < child.connect_after) return set_search(child, child.connect_after);

  const bool further = parents > 0 && !child.unfed;
  Peer* parent = further ? index.find_another(child, now) : nullptr;
  // Few can feed one that is hard to reach. If it has no children, it loses nothing at the end of
  // the order, where all of them may.
  const bool may_move = child.outcomes.hard && child.children.empty();
  if (parent == nullptr && further && may_move && child.channel->is_before_end(child)) {
    child.channel->move_to_end(child);
    parent = index.find_another(child, now);
  }
  const Network* const sole = parent == nullptr && further ? sole_network(child) : nullptr;
  if (sole != nullptr) parent = find_company(child, *sole, now);
  if (sole != nullptr && parent == nullptr && now - child.entered_at >= kOneNetworkFor) {
    // Fed by the CDN, it is another beginning for those who come later.
    while (!child.parents.empty()) part(child, *child.parents.back().parent, now);
    return provide(child, now);
  }
  if (!further) parent = find_first(child, parents == 0, now);
  if (parent == nullptr) {
    DurationMs pause = doubled(kSearchPause, child.empty_searches, kLongestSearchPause);
    if (sole != nullptr) pause = kSearchPause;
    if (parents == 0) pause = standing > 0 ? kSearchPause : kOrphanPause;
    TimeMs again = now + pause;
    if (child.deferred && *child.deferred > now) again = *child.deferred;
    for (const HoldDown& pair : child.held_down) {
      if (now < pair.until) again = std::min(again, pair.until);
    }
    ++child.empty_searches;
    return set_search(child, again);
  }
  child.empty_searches = 0;
  child.deferred.reset();
  introduce(child, *parent, now);
  int32_t missing = child.parents_wanted - parents - 1;
  // Further parents in the child's own place are introduced together, so that their messages share
  // packets; a parent in another place can wait. A peer whose connections fail gets one parent at a
  // time.
  while (parents > 0 && parents == standing && missing > 0 && child.failures == 0) {
    parent = index.find_another(child, now);
    if (parent == nullptr || !is_of_same_place(*parent, child)) break;
    introduce(child, *parent, now);
    --missing;
  }
  set_search(child, missing > 0 ? std::optional(child.connect_after) : std::nullopt);
}

// Returns a parent for a peer that is fed by nobody, or nullptr. `starved`: nobody could feed it.
Peer* Introductions::find_first(Peer& child, bool starved, TimeMs now) {
  const FilterClass& index = child.room->parents;
  // A VOD viewer whose parents are paused is ahead of those who came later.
  const bool vod = child.channel->type() == ChannelType::kVod;
  const bool may_move = starved && (!vod || child.is_source());
  const bool waited = child.deferred && *child.deferred <= now;
  if (waited) child.deferred.reset();
  const int32_t rounds = FilterClass::kRounds - (now < child.last_resort_after ? 1 : 0);
  for (int32_t round = 0; round < rounds; ++round) {
    Peer* parent = index.find_first(child, now, round);
    if (parent != nullptr && child.parents.empty() && must_not_be_alone(child, *parent->network) &&
        index.find_besides(child, now, *parent->network) == nullptr) {
      parent = nullptr;
    }
    if (parent == nullptr && may_move) parent = find_by_moving(child, round, waited, now);
    if (parent != nullptr) return parent;
    if (child.deferred) break;
  }
  return nullptr;
}

// Returns a parent for an orphan whom no peer of a lower rank can feed, or nullptr. `waited`: it
// has deferred to others.
Peer* Introductions::find_by_moving(Peer& orphan, int32_t round, bool waited, TimeMs now) {
  const std::vector<Rank> below = Channel::ranks_below(orphan, kMostMoved);
  const FilterClass& index = orphan.room->parents;
  Peer* parent = below.empty() ? nullptr : index.find_outside(orphan, now, below, round);
  if (parent != nullptr && must_not_be_alone(orphan, *parent->network) &&
      index.find_outside(orphan, now, below, round, parent->network) == nullptr) {
    return nullptr;
  }
  if (parent != nullptr && !waited && orphan.channel->type() == ChannelType::kVod) {
    if (!orphan.deferred) orphan.deferred = now + kVodDeference;
    return nullptr;
  }
  if (parent != nullptr && !waited) {
    const Peer& source = source_of(*parent);
    if (source.rank > orphan.rank && source.search_at && *source.search_at <= now + kDeference) {
      // Just after that search.
      if (!orphan.deferred) orphan.deferred = *source.search_at + DurationMs{1};
      return nullptr;
    }
  }
  if (parent != nullptr) orphan.channel->move_to_end(orphan);
  return parent;
}

// Returns a parent of another network for a viewer whose parents are all of one, or nullptr.
Peer* Introductions::find_company(Peer& child, const Network& sole, TimeMs now) {
  const FilterClass& index = child.room->parents;
  if (Peer* found = index.find_besides(child, now, sole)) return found;
  const std::vector<Rank> below = Channel::ranks_below(child, kMostMoved);
  Peer* const found = below.empty() ? nullptr : index.find_outside(child, now, below, 0, &sole);
  if (found != nullptr) child.channel->move_to_end(child);
  return found;
}

}  // namespace hlsmesh::tracker

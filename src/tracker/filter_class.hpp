#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/time.hpp"
#include "tracker/peer.hpp"

namespace hlsmesh::tracker {

// Classes that are filled. Fan-outs of two and more reach a hundred thousand peers in 17; the bound
// is for rooms where everybody has room for one, and it bounds a search.
inline constexpr int32_t kMaxLayer = 32;

// Levels told apart; what is above counts as the highest.
inline constexpr int8_t kMaxLevel = 7;

// What a parent from afar must make up for by being nearer to the CDN, in classes. One class more
// is one relay more on a segment's way, some hundred milliseconds; another network is a longer way
// at less speed for every segment, and costs both operators transit.
inline constexpr int32_t kOtherProvince = 1;
inline constexpr int32_t kOtherIsp = 3;

// The filterClass of protocol section 5: the peers of one room that could take a child, by class →
// ISP → province → level, and within a level by slack and then by rank, the oldest first, who have
// shown that they stay. Chooses, and does nothing else: whoever asks makes the link.
//
// A parent is looked for in places of increasing cost: classes away from the best one, plus what
// its distance counts for (above); at equal cost the nearer place comes first, within a place one
// with more slack. Peers of another level, who have other segments, and VOD viewers who are paused
// come into question only when there is nobody else anywhere. The best class is
// - for a first parent the one nearest to the CDN, so that the tree stays flat; for a weak peer
//   (is_weak) the one after it, so that those who can feed many come to stand above it;
// - for a further one the child's own, whose peers have a segment when the child has it: the places
//   nearer to the CDN are for the first parents of others. Only ample slack is given to these.
//
// Every change is O(log n). A search looks at the first peers of at most (classes x 3 x levels x 3)
// shelves, none of which depends on n.
class FilterClass {
 public:
  // `peer` entered, or something changed that its place depends on.
  void update(Peer& peer);
  // `peer` left.
  void remove(Peer& peer);

  // The parent to introduce to `child`, which has none, or nullptr.
  Peer* find_first(const Peer& child, TimeMs now) const;
  // The same for one that has parents. No two of a child's parents are of one address, or one flood
  // could be all of them; the child's own address, a household or an office, is no stranger.
  Peer* find_another(const Peer& child, TimeMs now) const;
  // A first parent of any rank. `below`, sorted, are the ranks of the child and all below it.
  Peer* find_outside(const Peer& child, TimeMs now, const std::vector<Rank>& below) const;

  // The lowest class with a free slot.
  std::optional<int32_t> first_class() const {
    return classes_.empty() ? std::nullopt : std::optional(classes_.begin()->first);
  }

  // Few can ever be fed by it, so it gains nobody anything near the CDN.
  static bool is_weak(const Peer& peer);
  // Where a peer belongs, or nowhere.
  static std::optional<Spot> spot_of(const Peer& peer);

  // A peer in one of the three views of a class: of all, of an ISP, of a province of it.
  struct Entry {
    int32_t view = 0;
    Spot spot;
    std::string isp;
    std::string province;
    const Peer* peer = nullptr;
  };
  // Everything that is in here. For tests.
  std::vector<Entry> contents() const;

 private:
  using Shelf = std::map<Rank, Peer*>;
  // By slack and level.
  using Shelves = std::map<std::pair<Slack, int8_t>, Shelf>;
  struct Isp {
    Shelves all;
    std::map<std::string, Shelves, std::less<>> provinces;
  };
  struct Class {
    Shelves all;
    std::map<std::string, Isp, std::less<>> isps;
  };
  struct Query {
    const Peer& child;
    TimeMs now;
    bool first;
    const std::vector<Rank>* below;
    int32_t looks_left;
    bool likely;  // only those that are likely to have what the child plays
  };

  Peer* search(Query query, int32_t target) const;
  Peer* search_once(Query& query, int32_t target) const;
  Peer* look(Query& query, int32_t layer, int32_t distance) const;
  static Peer* pick(Query& query, const Shelves& shelves);
  static Peer* pick(Query& query, const Shelf& shelf);
  static bool may_feed(const Query& query, const Peer& parent);

  std::map<int32_t, Class> classes_;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <array>
#include <compare>
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

// The highest class. With a fan-out of two, 17 classes hold a hundred thousand peers. The bound
// matters in rooms where every peer takes only one child, and it bounds a search.
inline constexpr int32_t kMaxLayer = 32;

// The highest level that the index distinguishes; a higher one counts as this.
inline constexpr int8_t kMaxLevel = 7;

// The cost of a distant parent, in classes: it must be that much nearer to the CDN. One class more
// is one more relay on a segment's way, some hundred milliseconds. Another network is a longer way
// at less speed for every segment, and costs both operators transit.
inline constexpr int32_t kOtherProvince = 1;
inline constexpr int32_t kOtherIsp = 3;

// The filterClass of protocol section 6: the peers of one room that could take a child, by class →
// ISP → province → level, and within a level by slack and then by rank: the oldest come first,
// since they have shown that they stay. It only chooses; the caller makes the link.
//
// A search goes through places of increasing cost: the number of classes away from the best one,
// plus the cost of the distance (above). At equal cost the nearer place comes first, and within a
// place a peer with more slack. Peers of another level, who have other segments, and paused VOD
// viewers are chosen only if there is no other parent. The best class is
// - for a first parent the one nearest to the CDN, so that the tree stays flat; for a weak peer
//   (is_weak) the next one, so that peers who can feed many stand above it;
// - for a further parent the child's own, whose peers have a segment when the child has it: the
//   places nearer to the CDN are kept for first parents. A further parent must have ample slack.
//
// A network that is the beginning of as many strangers as it may be (Networks) is passed over as a
// whole by their search for a first parent.
//
// Every change is O(log n). A search looks at the first peers of at most (classes x 3 x levels x 3)
// shelves, none of which depends on n.
class FilterClass {
 public:
  // To be called when `peer` has entered, or when something has changed on which its place depends.
  void update(Peer& peer);
  // `peer` left.
  void remove(Peer& peer);

  // In which a search for a first parent considers the peers of a room, by whom they can be
  // connected with (reach.hpp): whoever probably can with the child comes in the first round.
  static constexpr int32_t kRounds = 3;

  // Returns the parent to introduce to `child`, which has none, or nullptr.
  Peer* find_first(const Peer& child, TimeMs now, int32_t round = 0) const;
  // The same for a child that has parents. No two parents of a child have the same address, since
  // otherwise one attacker could be all of them. Several parents may have the child's own address,
  // which is that of a household or an office.
  Peer* find_another(const Peer& child, TimeMs now) const;
  // The same as find_first, for a child that must have a parent of another network than `besides`.
  Peer* find_besides(const Peer& child, TimeMs now, const Network& besides) const;
  // Returns a first parent of any rank. `below`: the ranks of the child and of all peers below it,
  // sorted. `besides`: none, or as above.
  Peer* find_outside(const Peer& child, TimeMs now, const std::vector<Rank>& below, int32_t round,
                     const Network* besides = nullptr) const;

  // The lowest class with a free slot.
  std::optional<int32_t> first_class() const {
    return classes_.empty() ? std::nullopt : std::optional(classes_.begin()->first);
  }

  // Returns true if the peer can feed only few, so that nobody gains if it is near the CDN.
  static bool is_weak(const Peer& peer);
  // Returns the place where a peer belongs, or nullopt if it belongs nowhere.
  static std::optional<Spot> spot_of(const Peer& peer);

  // A peer in one of the three views of a class: of all, of an ISP, of a province of it. A peer
  // whose ISP is not known is in the first alone, since nobody is near to it.
  struct Entry {
    int32_t view = 0;
    Spot spot;
    std::string isp;
    std::string province;
    const Peer* peer = nullptr;
  };
  // Returns everything in the index. For tests.
  std::vector<Entry> contents() const;

  // Kept by Room: its peers, whether they could take a child or not.
  size_t peers_in_room = 0;

 private:
  struct Shelf {
    // By network and rank.
    std::map<std::pair<int32_t, Rank>, Peer*> members;
    // The lowest rank of each network.
    std::map<Rank, Peer*> fronts;
  };
  struct Key {
    Slack slack;
    int8_t level;
    Reach reach;

    friend auto operator<=>(const Key& a, const Key& b) = default;
  };
  using Shelves = std::map<Key, Shelf>;
  // Sets of Reach, as bits: those of the first are looked at before those of the second.
  using Reaches = std::array<uint8_t, 2>;
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
    bool likely;  // only peers that probably have what the child plays
    const Network* besides;
    Reaches reaches;
    uint8_t among = 0;  // the one of these that is being looked at
  };

  Peer* search(Query query, int32_t target) const;
  Peer* search_once(Query& query, int32_t target) const;
  Peer* look(Query& query, int32_t layer, int32_t distance) const;
  Peer* pick(Query& query, const Shelves& shelves) const;
  Peer* pick(Query& query, const Shelf& shelf) const;
  static Peer* pick_of(Query& query, const Shelf& shelf, int32_t network);
  static void put(Shelf& shelf, Rank rank, Peer* peer);
  static void take(Shelf& shelf, Rank rank, const Peer& peer);
  static Reaches reaches_of(const Peer& child, int32_t round);
  static bool may_feed(const Query& query, const Peer& parent);
  bool may_any_feed(const Query& query, const Peer& of_network) const;

  std::map<int32_t, Class> classes_;
};

}  // namespace hlsmesh::tracker

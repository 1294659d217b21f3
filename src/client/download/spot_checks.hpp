#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/command_queue.hpp"
#include "client/download/gift.hpp"
#include "client/stats.hpp"
#include "common/random.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// Where no digests show what peers send for what it is: before the player gets a segment, one place
// of what a peer has given of it, drawn at random, may be compared with what the CDN has there. Of
// each peer the first gift is looked at, and each further one half as likely as the one before that
// was; in the long run one place of that share of all segments which the site has set
// (EngineConfig::checks).
//
// A peer is blamed only once the origin has answered a request for such a place of a segment that
// came from the CDN as that segment has it: some origins answer with other bytes. Before, a gift
// that does not fit is fetched from the CDN instead. An origin does not answer them if it
// sends all of the file, or nothing of a place that there is: how long a segment is, its CDN shows.
class SpotChecks {
 public:
  // Of the place, unless the piece is shorter. Whoever changes a share of a segment's bytes is
  // found by that share of the checks, however long a place is; fewer bytes would cost the CDN as
  // much as the head of its answer does.
  static constexpr size_t kBytes = 1'024;
  // What the player may wait for the answers, if it has enough in its buffer.
  static constexpr DurationMs kPatience{1'000};
  // After an answer that is none about a segment of the CDN's own, and twice as long after each
  // further one: of an origin that has answered before, and of one that never has.
  static constexpr DurationMs kRest{4'000};
  static constexpr DurationMs kLongRest{60'000};

  SpotChecks(CommandQueue& commands, EngineStats& stats) : commands_(commands), stats_(stats) {}

  // `share`: of segments, in the long run; 0: none.
  void begin(uint64_t seed, double share) {
    random_ = Random(seed);
    share_ = share;
  }
  // Whether the driver can fetch parts of what the player loads.
  void set_able(bool able) { able_ = able; }
  // The origin has refused a part of a segment: it is asked for none before.
  void rest(TimeMs until) { rest_until_ = std::max(rest_until_, until); }
  // For what must not be guessed by peers.
  Random& random() { return random_; }

  // The player is about to be given the segment for the load, of which the driver can fetch parts.
  // It is whole, and has no digests. No more is asked for while too much is under way.
  void examine(TimeMs now, LoadId load, TrackKind kind, const Gifts& gifts,
               const SegmentPtr& segment);
  // The player has just been given it by the CDN.
  void try_origin(TimeMs now, LoadId load, TrackKind kind, const SegmentPtr& segment);
  // The CDN alone has brought it. If no place of it was answered for, and a peer had told its size
  // right, it was the origin's doing.
  void on_whole(TimeMs now, const SegmentBuffer& segment);
  bool is_under_way(const SegmentPtr& segment) const;
  // Whether the player and others may have what the peer gave: something of it was looked at and
  // had nothing wrong, or nothing can be looked at.
  bool vouches(TimeMs now, const PeerId& giver) const;

  // --- the fetches that were asked for; their names are negative
  MutableBytes room(FetchId id, size_t offset, size_t size, size_t total);
  void on_bytes(FetchId id, size_t size);
  struct Finding {
    SegmentPtr segment;  // it is not the CDN's, or not known to be
    PeerId liar;  // who made it so; nobody: the origin may have answered wrongly, or not at all
  };
  // The fetch is over. nullopt: nothing is wrong, as far as it shows.
  std::optional<Finding> on_end(TimeMs now, FetchId id);

  // What is under way is about a presentation of the past, or may be: who waits for it waits for
  // the CDN.
  void forget() { checks_.clear(); }

 private:
  // Of the givers that are remembered: more than a viewer has in an hour. One that is forgotten is
  // looked at anew.
  static constexpr size_t kMostGivers = 64;
  // Under way: two segments of eight givers each, who have not been looked at before.
  static constexpr size_t kMostChecks = 16;

  struct Check {
    FetchId id;
    SegmentPtr segment;
    TrackKind kind = TrackKind::kMain;
    PeerId giver;          // nobody: the CDN gave the segment
    size_t from = 0;       // of the place in the segment
    size_t size = 0;       // of the place
    size_t come = 0;       // bytes of it that have come
    size_t coming = 0;     // that stand behind those
    bool other = false;    // the CDN's segment has another size
    bool ignored = false;  // the answer is not of the place alone
    std::array<uint8_t, kBytes> bytes;
  };
  static bool is_of_cdn(const Check& check) { return check.giver == PeerId(); }
  // Whether the origin may be asked at all.
  bool is_at_work(TimeMs now) const { return able_ && share_ > 0 && now >= rest_until_; }
  bool may_begin(TimeMs now) const { return is_at_work(now) && checks_.size() < kMostChecks; }
  bool was_honest(const PeerId& giver) const;
  // Of a check without an answer.
  std::optional<Finding> doubt(const Check& check);
  // It answers for no places: it is asked for none for a while.
  void give_up_origin(TimeMs now);
  // Asks for a place in that piece.
  void ask(LoadId load, TrackKind kind, const PeerId& giver, uint32_t piece,
           const SegmentPtr& segment);
  Check* find(FetchId id);
  // Whether the gift, of a segment of so many pieces, is to be looked at.
  bool is_due(const Gift& gift, size_t pieces);
  // How many were, and had nothing wrong.
  int32_t& passed(const PeerId& giver);

  CommandQueue& commands_;
  EngineStats& stats_;
  Random random_{0};
  double share_ = 0;
  bool able_ = false;
  // Per kind of track, which may each have an origin of its own: it answers with what it was asked
  // for.
  std::array<bool, kTrackKinds> proven_{};
  TimeMs rest_until_{};
  DurationMs rest_ = kLongRest;  // the next one
  int32_t last_ = 0;
  // The latest segment of which a place was not answered for, and its size as peers told it.
  std::pair<SegmentKey, size_t> unanswered_;
  std::list<Check> checks_;
  std::list<std::pair<PeerId, int32_t>> passed_;  // the latest giver last
};

}  // namespace hlsmesh

#pragma once

#include <list>
#include <optional>
#include <string_view>
#include <utility>

#include "client/command_queue.hpp"
#include "client/download/cdn.hpp"
#include "client/download/downloads.hpp"
#include "client/download/mesh.hpp"
#include "client/player/player.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "common/sorted_map.hpp"

namespace hlsmesh {

// One load of the player that has not ended.
//
//   on_load --> waiting <--LACK, loss, silence, misbehaviour-- asking --> done
//                 |   +----------------ask--------------------> |
//                 |                                             | give-up time
//                 +------------------> at the CDN <-------------+
struct Load {
  enum class State { kWaiting, kAsking, kAtCdn };

  Load(LoadId name, Wish&& about) : id(name), wish(std::move(about)) {}

  const LoadId id;
  Wish wish;
  Download* download = nullptr;  // nullptr: not shareable
  State state = State::kWaiting;
  TimeMs began_at{};
  TimeMs due = kNever;                    // waiting: decide again; asking: look at it again
  PeerHandle parent;                      // asking: whom
  std::list<PeerHandle> tried;            // parents that failed it
  std::optional<FallbackReason> failure;  // the last of those failures
  bool refused = false;                   // by the player, which has had its first bytes
  bool promising = false;                 // live: peers would bring it in time, by its pieces' rate
  bool newest = false;                    // of a live playlist, when it began
  bool for_late = false;                  // it waits for parents that are late, and known to be
  int ranges = 0;                         // parts that were asked of the CDN
  bool led = false;                       // the first of them for others, and not in need
  bool in_vain = false;                   // the CDN has brought what peers had not, of some of it
  bool doubts = false;                    // at the CDN: its segment is here, and not sure
  CdnFetch fetch;                         // at the CDN
};

// Who waits: the player's loads, and for each where its next attempt is made.
class Loads {
 public:
  Loads(CommandQueue& commands, const Player& player, Downloads& downloads, Mesh& mesh,
        EngineStats& stats)
      : commands_(commands),
        player_(player),
        downloads_(downloads),
        mesh_(mesh),
        stats_(stats),
        cdn_(commands, downloads, stats) {}

  bool empty() const { return loads_.size() == 0; }

  // A load that is decided by settle(), or, if `at_cdn`, is being fetched by the driver already.
  // Returns the name of that fetch, else zero.
  FetchId begin(TimeMs now, LoadId id, Wish&& wish, bool at_cdn);
  // Also of a load that was answered, if the player has not had the answer.
  void abort(TimeMs now, LoadId id);
  // Of a load at the CDN: the player refuses what it has had of it so far. False if there is no
  // such load.
  bool refuse(LoadId id, bool refused);

  // Fetches a part of the segment of a load that waits, into the buffer that holds what others have
  // brought (Cdn::begin). The load is answered once its segment is whole; if it is not when the
  // fetch is over, the CDN is asked for all of it. False if no part can be asked for.
  bool fetch_range(TimeMs now, LoadId id, FetchRange range, const SegmentPtr& into);
  MutableBytes reserve_fetch(FetchId id, size_t offset, size_t size, size_t total);
  // Returns the body if others may have more of it now; else nullptr.
  SegmentPtr on_fetch_bytes(TimeMs now, FetchId id, size_t size);
  // False if there is no such fetch.
  bool on_fetch_done(TimeMs now, FetchId id, size_t size, double first_byte_ms, double body_ms);
  // nullptr: there is no such fetch, or one of a range, after which the CDN is asked for all of the
  // segment. Else its fetch is over, and end() must follow.
  Load* on_fetch_failed(TimeMs now, FetchId id);
  void end(Load& load);
  // The segment, which peers gave, is not the CDN's: whoever waits for it gets that one.
  void fetch_instead(TimeMs now, const SegmentPtr& bad);
  // Nothing that the peer has given of what is on its way is used.
  void distrust(TimeMs now, const PeerId& giver);

  // Peers may be asked from now on, or no longer: then loads that wait for them go to the CDN.
  void set_active(TimeMs now, bool active);
  // What the rendition's loads are about, or all if it is empty, belongs to the past: they end at
  // the CDN, and what comes of them is not kept.
  void forget(TimeMs now, std::string_view rendition);

  // Looks again at loads that wait for a parent: at all of them, or at those that are due.
  void review_all(TimeMs now);
  void on_timeout(TimeMs now);
  // Takes in what became of what loads waited for.
  void take_outcomes(TimeMs now);
  // Decides where each load that waits makes its next attempt. `hope`: until when it is worth
  // waiting for a parent that is not connected yet.
  void settle(TimeMs now, TimeMs hope);
  void add_timers(Timer& timer) const;

  // Whether a load has all that its line carries: the CDN and neighbors bring the segment that its
  // player needs soonest.
  bool in_need(TimeMs now) const;
  // What is known of a wish that has been there since `began_at`.
  Need need(TimeMs now, const Wish& wish, TimeMs began_at) const;

  // nullptr, or what does not hold.
  const char* audit() const;

 private:
  // A load that waited in vain is forgotten after this time, and no more than kVainLimit count.
  static constexpr DurationMs kVainMemory{10'000};
  static constexpr int kVainLimit = 4;

  Load* find(LoadId id);
  Load* find(FetchId id);
  // Its parent need not hurry for it any more.
  void detach(const Load& load);
  // Leaves its download, in which it waits no longer.
  static void leave(Load& load);
  // Its fetch of a part has ended.
  static void end_range(const Load& load);
  Need need(TimeMs now, const Load& load) const { return need(now, load.wish, load.began_at); }
  // The load may be gone afterwards.
  void decide(TimeMs now, Load& load, TimeMs hope);
  bool join(TimeMs now, Load& load);
  bool came_otherwise(const Load& load);
  // Whether the load waits for pieces of several parents.
  bool gather(TimeMs now, Load& load);
  DurationMs patience_for_late(TimeMs now, Load& load, const Need& needed,
                               const Mesh::Prospect& prospect) const;
  // Whether the load goes on waiting for its parent; else it is given up.
  void review(TimeMs now, Load& load);
  void ask(TimeMs now, Load& load, Parent& parent, DurationMs within);
  void go_to_cdn(TimeMs now, Load& load);
  void share(const CdnFetch& fetch, Download& download) const;
  // Whether the CDN is to bring what is missing from its beginning on, and neighbors meanwhile from
  // its end: the player needs it before the CDN alone could bring it on a line that carries
  // something else.
  bool may_be_joint(TimeMs now, const Load& load) const;
  // They do so.
  static bool is_joint(const Load& load) {
    return load.download != nullptr && load.download->joint == load.id;
  }
  // Its fetch has begun, or brought bytes: neighbors need not bring those, nor the next ones.
  void advance(TimeMs now, Load& load);
  // Neighbors help its fetch where the player needs them to. The load may be gone afterwards.
  void help(TimeMs now, Load& load);
  // Where neighbors bring nothing of it any more, what they brought is not taken for the CDN's.
  static void end_joint(Load& load);
  // Its segment is whole before the CDN has brought all of it: answers it, unless it is still
  // checked. The load may be gone afterwards.
  void end_early(TimeMs now, Load& load);
  // What the load's fetch of all of the segment has brought, and others may have, will not be
  // whole.
  void unshare(TimeMs now, const Load& load);
  // The segment is whole with what its fetch of all of it has brought.
  void note_whole(Load& load, const SegmentPtr& segment, TransferTimes times);
  // CDN and neighbors together have brought its segment.
  void note_joint(Load& load, const SegmentPtr& segment, TransferTimes times);
  void tell_cached(const SegmentBuffer& segment);
  // What a fetch of a range has led to. The load may be gone afterwards.
  void on_range(Load& load, Cdn::Arrival arrival, const SegmentPtr& segment, TransferTimes times);
  // Answers it, and notes so.
  void give(const Load& load, Receipt& receipt, const SegmentPtr& segment);
  // The CDN alone has just brought its segment: the origin can be asked for a place of it.
  void try_ranges(TimeMs now, const Load& load, const SegmentPtr& body);
  // Whether the player may have the segment, which is whole.
  enum class Checked {
    kYes,     // nothing of it is to be checked, or is and fits, or a peer found honest gave it
    kNotYet,  // the load is due when no answer has come by then
    kNo       // whether a peer lies that never was found honest is not known, or not yet
  };
  Checked check(TimeMs now, Load& load, Receipt& receipt, const SegmentPtr& body);
  // The CDN brings all of a segment that is here: the load is answered with whatever is sure first,
  // that or what peers gave.
  void fetch_beside(TimeMs now, Load& load, const Receipt& receipt, const SegmentPtr& body);
  bool not_yet(TimeMs now, const Load& load, const Downloads::Outcome& lack) const;
  // The parent that it waited for has failed it.
  void fail(TimeMs now, Load& load, PeerHandle peer, FallbackReason reason);
  void answered(TimeMs now, const Load& load);
  // No load waits for late parents for some time.
  void pause_for_late(TimeMs now);
  void count_level(const Load& load);

  CommandQueue& commands_;
  const Player& player_;
  Downloads& downloads_;
  Mesh& mesh_;
  EngineStats& stats_;
  Cdn cdn_;
  // Ordered: what is decided must not hang on where a hash puts things.
  SortedMap<LoadId, Load> loads_;
  bool active_ = false;
  TimeMs vain_until_{};      // 10 s for each load that lately waited in vain
  TimeMs late_after_{};      // before, no load waits for late parents
  DurationMs late_pause_{};  // after the last one that did in vain
};

}  // namespace hlsmesh

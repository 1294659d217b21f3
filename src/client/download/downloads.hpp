#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string_view>

#include "client/command_queue.hpp"
#include "client/download/download.hpp"
#include "client/download/estimates.hpp"
#include "client/download/parent.hpp"
#include "client/download/scheduler.hpp"
#include "client/download/shelf.hpp"
#include "client/download/wish.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "media/rendition.hpp"

namespace hlsmesh {

// Bytes in: the segments on their way, and the sources that bring them. It knows loads by name
// only; what became of what they wait for is in outcomes().
class Downloads {
 public:
  Downloads(CommandQueue& commands, const ChannelRenditions& renditions, EngineStats& stats,
            size_t cache_bytes)
      : shelf(commands, stats, cache_bytes),
        commands_(commands),
        renditions_(renditions),
        stats_(stats) {}

  Shelf shelf;  // what is held

  // --- segments on their way
  // That of the segment, begun if there is none; it stays for as long as it is not idle, and until
  // the next sweep().
  Download& of(const Segment& segment, TrackKind kind);
  Download& of(const Wish& wish) {
    Download& download = of(wish.segment, wish.kind);
    download.listed |= wish.listed;
    return download;
  }
  // nullptr: the segment is not on its way.
  Download* find(const SegmentKey& key);
  // Whether a segment that `is_meant` accepts is on its way.
  template <class Predicate>
  bool any(Predicate is_meant) const {
    for (const Download& each : downloads_) {
      if (!each.idle() && is_meant(each.segment)) return true;
    }
    return false;
  }
  template <class Visit>
  void for_each(Visit visit) {
    for (Download& download : downloads_) visit(download);
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Download& download : downloads_) visit(download);
  }
  // Of a segment that has come whole from the CDN: what parents still send of it is thrown away,
  // unless a load waits for it there.
  void supersede(const SegmentKey& key);
  // Lets go of downloads that are idle.
  void sweep();
  // Media bytes from all peers so far, to tell a line from one transfer on it.
  uint64_t peer_bytes() const { return peer_bytes_; }
  void count_bytes(size_t bytes) { peer_bytes_ += bytes; }
  // A segment is whole of which peers have brought some.
  void count_gift(Download& download);
  Estimates& estimates() { return estimates_; }
  const Estimates& estimates() const { return estimates_; }
  // What is on its way of the rendition, or of any if it is empty, belongs to the past: what comes
  // of it from parents is thrown away.
  void forget(std::string_view rendition);

  // --- parents
  // Its channel is open; until remove().
  void add(Parent& parent);
  void remove(TimeMs now, Parent& parent, FallbackReason reason);
  // nullptr when it is gone.
  Parent* parent(PeerHandle peer) const;
  // Open ones, in the order of their handles.
  const std::list<Parent*>& parents() const { return parents_; }

  // Parents that may be asked for it, except those that were `tried`; and until when it is worth
  // waiting for those that may not be asked yet. A parent that holds a segment newer than
  // `believable` watches another broadcast.
  std::list<Candidate> candidates(TimeMs now, const Wish& wish, const std::list<PeerHandle>& tried,
                                  double believable);
  TimeMs hope(TimeMs now, const Wish& wish, const std::list<PeerHandle>& tried);
  // Sends the REQUEST; the parent must be idle and ready.
  void ask(TimeMs now, Parent& parent, const Wish& wish, std::optional<LoadId> load);
  // The segment comes from the CDN: a miss of each parent that does not have it.
  void count_misses(TimeMs now, const Wish& wish, const std::list<PeerHandle>& tried);

  // --- what a parent sends. What it may not do ends its connection.
  struct Offence {
    const char* what = nullptr;  // nullptr: none
    FallbackReason reason = FallbackReason::kProtocol;
    // Nobody who checks what it passes on commits it.
    bool proven = false;
  };
  Offence on_header(TimeMs now, Parent& parent, const peer::Fields& header);
  // False if it refuses nothing that was asked.
  bool on_lack(TimeMs now, Parent& parent, const peer::Fields& lack);
  // Where the next packet of `size` bytes goes; empty if it does not fit or is not wanted.
  MutableBytes room(Parent& parent, size_t size);
  // `quiet`: it was one in the middle of a transfer, which concerns nobody else.
  Offence on_packet(TimeMs now, Parent& parent, size_t size, bool& quiet);

  // Timers of a parent that is open. True if it must be given up.
  bool on_timeout(TimeMs now, Parent& parent);
  void add_timers(const Parent& parent, Timer& timer) const;

  // --- loads
  // Answers the load with a complete segment.
  void answer(LoadId load, TrackKind kind, const SegmentPtr& segment, TransferTimes times);
  void report_progress(LoadId load, const Transfer& transfer);

  struct Outcome {
    LoadId load;
    PeerHandle peer;                        // whose
    std::optional<FallbackReason> failure;  // nullopt: the segment has come
    bool kept = false;                      // it is in the cache; else the load was answered
    // The failure is a LACK that may mean that the segment is on its way to the parent, which had
    // `current` when it said so.
    bool may_come = false;
    std::optional<MediaSequence> current;
  };
  // What became of what loads waited for. Whoever has read it clears it.
  std::list<Outcome>& outcomes() { return outcomes_; }

  // nullptr, or what does not hold. `asks`: transfers that are open with neighbors.
  const char* audit(size_t asks) const;

 private:
  // From when on the parent may be asked for it; kNever: not before it has shown an extension. One
  // of version 1 knows a segment by its URL alone.
  TimeMs asked_from(const Parent& parent, const Wish& wish) const;
  // Whether the cache lacks it and no CDN fetch will bring it.
  bool wanted(const SegmentKey& key);
  bool at_cdn(const SegmentKey& key);
  void fail(const Parent& parent, LoadId load, FallbackReason reason);
  // Whether the transfer is for nobody, and will not end soon.
  bool is_useless(TimeMs now, Parent& parent);
  void finish(TimeMs now, Parent& parent);
  // What the parent gives has digests, or need not be looked at first.
  bool is_sure(TimeMs now, const Parent& parent, const SegmentKey& key) const;
  void waste(Transfer& transfer);
  void let_go(Transfer& transfer);

  CommandQueue& commands_;
  const ChannelRenditions& renditions_;
  EngineStats& stats_;
  std::list<Download> downloads_;  // a handful; they stay where they are
  std::list<Parent*> parents_;
  std::list<Outcome> outcomes_;
  Estimates estimates_;
  uint64_t peer_bytes_ = 0;  // media bytes from all peers, to tell a line from one transfer on it
};

}  // namespace hlsmesh

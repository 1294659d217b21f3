#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>

#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/neighbor.hpp"
#include "client/download/patience.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "common/random.hpp"

namespace hlsmesh {

// Downloads whose pieces all neighbors bring together (extension 2). A viewer says which segment it
// wants, hears which pieces of it each neighbor holds, and asks each for a few at a time, the rarest
// first, so that whoever is quick brings more.
class Mesh {
 public:
  Mesh(CommandQueue& commands, Downloads& downloads, EngineStats& stats, Random& random)
      : commands_(commands), downloads_(downloads), stats_(stats), random_(random) {}

  // The neighbor's channel is open, and it speaks extension 2; until remove().
  void add(Neighbor& neighbor) { neighbors_.push_back(&neighbor); }
  void remove(Neighbor& neighbor);

  // What is to be expected of a download.
  struct Prospect {
    bool asked = false;   // somebody has it, or is going to have it
    bool proven = false;  // one of them has delivered before
    std::optional<DurationMs> left;  // until the last piece is expected; nullopt: nobody can tell
  };
  // Says to parents, and to those who have spoken of it, that we want the segment. See
  // Downloads::candidates for `believable`.
  Prospect pursue(TimeMs now, const Wish& wish, const Need& need, double believable);
  // Downloads under way that no load waits for.
  size_t ahead() const;
  // The segment comes from elsewhere, or nobody wants it any more.
  void drop(TimeMs now, Download& download);
  // The part of it that is missing, from the first byte to the last; all of it, where too little is
  // here, or its size is not known.
  FetchRange rest(const Download& download) const;
  // What is missing comes from elsewhere.
  void leave(TimeMs now, Download& download);
  // What is on its way of the rendition, or of any if it is empty, belongs to the past.
  void forget(TimeMs now, std::string_view rendition);

  // --- what a neighbor sends
  // Where the pieces of a DATA message of `size` bytes go, of which `head` is the beginning; empty
  // when they are not wanted. They end where the message ends.
  MutableBytes room(Neighbor& neighbor, size_t size, ByteView head);
  // Such a message is there. `quiet`: it concerns nobody but those who want the same segment.
  Downloads::Offence on_data(TimeMs now, Neighbor& neighbor, size_t size, bool& quiet);
  // False if it refuses nothing that was asked.
  bool on_lack(TimeMs now, Neighbor& neighbor, const peer::Fields& lack);
  // It speaks of a segment that comes, or says which pieces it holds of one that we want.
  Downloads::Offence on_have(TimeMs now, Neighbor& neighbor, const peer::Fields& have);
  // It speaks of a segment, or asks for one, which it must have heard of.
  void on_word(TimeMs now, Neighbor& neighbor, const peer::Fields& message);
  // Segments that neighbors have spoken of since they were last taken.
  std::list<SegmentKey> take_words() { return std::exchange(fresh_words_, {}); }

  // --- who fetches first
  // The player asks for the segment, which a live playlist of ours has just shown.
  void on_listed(TimeMs now, const SegmentKey& key);
  // The neighbor that is to fetch first; nullptr: nobody, which means us. Only while we have no
  // parents.
  Neighbor* leader() const;
  // Whether a parent has told us to fetch first.
  bool leads() const;

  // The segment that the latest DATA brought pieces of; nullptr: none that anybody may have.
  const SegmentPtr& fresh() const { return fresh_; }

  void on_timeout(TimeMs now);
  void add_timers(Timer& timer) const;

  // Transfers that are open with all neighbors.
  size_t asks() const;
  // nullptr, or what does not hold.
  const char* audit() const;

 private:
  // Whether we may say to the neighbor that we want it.
  bool may_open(TimeMs now, const Neighbor& neighbor, const Download& download,
                double believable) const;
  void open(TimeMs now, Neighbor& neighbor, Download& download, DurationMs within);
  // Asks for what is missing, of whoever holds it and has room.
  void feed(TimeMs now, Download& download);
  bool has_spoken(PeerHandle peer, const SegmentKey& key) const;
  PieceSet asked_of(const Download& download) const;
  bool prepare(Download& download, size_t size);
  Downloads::Offence take(TimeMs now, Neighbor& neighbor, PieceAsk& ask,
                          const peer::DataHeader& header, size_t bytes, bool& quiet);
  void finish(TimeMs now, Download& download);
  void fail(TimeMs now, Download& download);

  CommandQueue& commands_;
  Downloads& downloads_;
  EngineStats& stats_;
  Random& random_;
  std::list<Neighbor*> neighbors_;
  SegmentPtr fresh_;
  struct Word {
    PeerHandle peer;
    SegmentKey key;
    TimeMs at{};
  };
  std::list<Word> words_;  // who has lately spoken of what
  std::list<SegmentKey> fresh_words_;
  // The message that room() was called for, until on_data().
  peer::DataHeader header_;
  bool has_header_ = false;
  bool has_room_ = false;
};

}  // namespace hlsmesh

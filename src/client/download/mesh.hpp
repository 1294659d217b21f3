#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <utility>

#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/neighbor.hpp"
#include "client/download/patience.hpp"
#include "client/download/usefulness.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "common/random.hpp"

namespace hlsmesh {

// Downloads whose pieces all neighbors bring together (protocol section 5). A viewer says which
// segment it wants, hears which pieces of it each neighbor holds, and asks each for a few at a
// time, the rarest first, so that whoever is quick brings more.
class Mesh {
 public:
  // How long a download that no load waits for goes on after it was last pursued.
  static constexpr DurationMs kKeep{1'500};

  Mesh(CommandQueue& commands, Downloads& downloads, EngineStats& stats, Random& random)
      : commands_(commands), downloads_(downloads), stats_(stats), random_(random) {}

  // The neighbor's channel is open, and it speaks extension 2; until remove().
  void add(Neighbor& neighbor) { neighbors_.push_back(&neighbor); }
  // `reason`: of its end, for those who wait for it.
  void remove(Neighbor& neighbor, FallbackReason reason);

  // Whether neighbors get of us what we have; else nothing is gained by having what they lack.
  void set_passes_on(bool passes_on) { passes_on_ = passes_on; }
  void set_live(bool live) { live_ = live; }
  bool live() const { return live_; }

  // What is to be expected of a download.
  struct Prospect {
    bool asked = false;   // somebody has it, or is going to have it
    bool proven = false;  // one of them has delivered before
    bool begun = false;   // some of it is here
    bool beside = false;  // a parent that has delivered before and lacks it comes to it next
    std::optional<DurationMs> left;  // until the last piece is expected; nullopt: nobody can tell
    // How long after the player has asked the soonest parent usually has some; nullopt: not known.
    std::optional<DurationMs> late;
  };
  // Says to parents, and to those who have spoken of it, that we want the segment, unless it comes
  // from elsewhere. See Downloads::candidates for `believable`.
  Prospect pursue(TimeMs now, const Wish& wish, const Need& need, double believable,
                  DurationMs keep = kKeep);
  // Downloads under way that no load waits for.
  size_t ahead() const;
  // Lets go of downloads that no load waits for and that were not pursued lately.
  void drop_unwanted(TimeMs now);
  // The segment comes from elsewhere, or nobody wants it any more.
  void drop(TimeMs now, Download& download);
  // What is missing comes from elsewhere.
  void leave(TimeMs now, Download& download);
  // What is missing of a segment, or, unless `all`, what is missing behind all that neighbors have
  // brought or were asked for; from its first byte to its last. All of the segment where nothing is
  // here, or its size is in doubt.
  FetchRange rest(const Download& download, bool all) const;
  // It did not come in time: a miss of each parent that has given nothing. Of parents that had
  // nothing it is heard how long after `asked_at`, unless that is kNever, they have some of it.
  void miss(TimeMs now, const Download& download, TimeMs asked_at);
  // The same, and the CDN brings that part. If it is the whole, nothing is kept; else what is
  // missing besides may still come.
  void give_up(TimeMs now, Download& download, const FetchRange& range, TimeMs asked_at);
  // Whether neighbors hold some of a segment that is fetched, or may be about to say so.
  bool may_help(TimeMs now, const Download& download) const;
  // The CDN brings it from its beginning, has brought so many bytes and goes on at that rate:
  // neighbors bring it from its end, so that whoever is quicker brings more, and neither brings
  // what the other has.
  void bring_end(TimeMs now, Download& download, size_t arrived, double bytes_per_ms);
  // Nothing is asked for ahead of the player while this is so.
  void save_line(bool saves) { saves_line_ = saves; }
  // A fetch from the CDN, which begins with a piece, has brought bytes [from, to); neighbors may
  // have before. `over`: the piece with `from` in it was here when the fetch brought its beginning:
  // one that a neighbor brought later stays the neighbor's. Returns the same for `to`.
  bool replace(Download& download, size_t from, size_t to, bool over);
  // These pieces come, or have come, from elsewhere: those that were asked for are cancelled.
  void take_back(TimeMs now, const Download& download, const PieceSet& pieces);
  // What is on its way of the rendition, or of any if it is empty, and what was said of it belongs
  // to the past.
  void forget(TimeMs now, std::string_view rendition);
  // A segment that several brought was bad: until the liar is found, each comes from one.
  void suspect(TimeMs now) { alone_until_ = now + kSuspicion; }

  // --- what a neighbor sends
  // Where the pieces of a DATA message of `size` bytes go, of which `head` is the beginning; empty
  // when they are not wanted. They end where the message ends.
  MutableBytes room(Neighbor& neighbor, size_t size, ByteView head);
  // Such a message is there. `quiet`: it concerns nobody but those who want the same segment.
  Downloads::Offence on_data(TimeMs now, Neighbor& neighbor, size_t size, bool& quiet);
  // False if it refuses nothing that was asked.
  bool on_lack(TimeMs now, Neighbor& neighbor, const peer::Fields& lack);
  // It speaks of a segment that comes, or says which pieces it holds of one that we want. False if
  // that is no news of a segment that we want.
  bool on_have(TimeMs now, Neighbor& neighbor, const peer::Fields& have);
  // It asks for a segment, which it must have heard of.
  void on_want(TimeMs now, Neighbor& neighbor, const peer::Fields& want);
  // The publisher's digests of a rendition have come.
  void on_digests(TimeMs now);
  // Segments that neighbors have spoken of since they were last taken.
  std::list<SegmentKey> take_words() { return std::exchange(fresh_words_, {}); }

  // --- who fetches first
  // The player asks for the segment, which a live playlist of ours has just shown.
  void on_listed(TimeMs now, const SegmentKey& key);
  // Names the neighbor that is to fetch first: one that learns of live segments well before us; or,
  // where our line, of `up` bytes per millisecond, carries the stream hardly more than once, a
  // stronger one that is sooner to have sent a segment although it learns of it later. Where there
  // is none, and our line carries it less than 1.5 times, the soonest is to fetch beside us. Nobody
  // while we have parents; where `up` is 0, which means not known, nobody for its line.
  void choose_leader(TimeMs now, double up);
  // The neighbor that is to fetch first; nullptr: nobody, which means us.
  Neighbor* leader() const { return beside_ ? nullptr : leader_; }
  // The one that is to fetch beside us; nullptr: nobody.
  const Neighbor* second() const { return beside_ ? leader_ : nullptr; }
  // For how long a load of the newest segment waits for the leader's first piece; 0: without one.
  DurationMs grace() const;
  // It was waited for in vain.
  void lose_leader(TimeMs now);
  // Whether a parent has told us to fetch first.
  bool leads() const;

  // Whether most of it is here, and neighbors hold most of what is missing.
  bool is_late(const Download& download) const;
  Shortage& shortage() { return shortage_; }

  // The segment that the latest DATA brought pieces of; nullptr: none that anybody may have.
  const SegmentPtr& fresh() const { return fresh_; }

  void on_timeout(TimeMs now);
  void add_timers(Timer& timer) const;

  // Transfers that are open with all neighbors.
  size_t asks() const;
  // nullptr, or what does not hold.
  const char* audit() const;

 private:
  static constexpr DurationMs kSuspicion{60'000};

  // --- asking
  // Whether other sources than neighbors bring it.
  bool comes_otherwise(const Download& download) const;
  // Whether we may say to the neighbor that we want it.
  bool may_open(TimeMs now, Neighbor& neighbor, const Download& download, bool ahead,
                double believable) const;
  // Whether the neighbor has something for us, or is going to.
  bool may_bring(const Neighbor& neighbor, const PieceAsk& ask) const;
  // Of a segment that is to come from one neighbor: which; nullptr: nobody has any of it yet.
  const Neighbor* sole_giver(TimeMs now, const Download& download) const;
  // Where digests are needed: looks for the right ones among those that have come, and gives them
  // to the body. False if there are none.
  bool find_digests(TimeMs now, Download& download);
  // Who is to send them; nullptr: nobody has any of the segment yet.
  Neighbor* giver_of_digests(TimeMs now, const Download& download) const;
  // Asks for what is missing, of whoever holds it and has room.
  void feed(TimeMs now, Download& download);
  PieceSet missing(const Download& download) const;
  // Where the size of what comes from the CDN is its head's word, and a neighbor says so too, that
  // is its size.
  void settle_size(const Download& download) const;
  // The first piece that the neighbor can bring before the CDN, which comes from the beginning.
  static uint32_t reach(const Download& download, const Neighbor& neighbor);
  // Whether the neighbor is to blame when we wait for the segment in vain. Not who waits for it
  // itself: of a live segment all may wait for one that is gone.
  bool is_to_blame(const Neighbor& neighbor, const SegmentKey& key) const {
    return !neighbor.we_lead && !(live_ && neighbor.words.wants(key));
  }
  void close(TimeMs now, Neighbor& neighbor, PieceAsk& ask);
  static void stop_listening(TimeMs now, Neighbor& neighbor);
  // Looks at what was asked of a neighbor and has not come.
  void judge(TimeMs now, Neighbor& neighbor, PieceAsk& ask);

  // --- who fetches first
  void choose_stronger(TimeMs now, double up, const Neighbor* before);

  // --- arrivals
  // Makes the body of the size that most neighbors say. False if it cannot be had.
  bool prepare(TimeMs now, Download& download, size_t size);
  size_t votes(const Download& download, size_t size) const;
  // Whether `bytes` bytes, from piece `first` on, which stand where room() said, are the segment's.
  Downloads::Offence check(const Download& download, uint32_t first, size_t bytes) const;
  Downloads::Offence on_digests(TimeMs now, Neighbor& neighbor, size_t bytes);
  Downloads::Offence take(TimeMs now, Download& download, const PieceSet& came, size_t bytes,
                          bool& quiet);
  void finish(TimeMs now, Download& download);
  // What has come is no use, and nobody is asked again for it.
  void fail(TimeMs now, Download& download);
  void let_go(Download& download);

  CommandQueue& commands_;
  Downloads& downloads_;
  EngineStats& stats_;
  Random& random_;
  std::list<Neighbor*> neighbors_;
  SegmentPtr fresh_;
  std::list<SegmentKey> fresh_words_;
  Shortage shortage_;
  Neighbor* leader_ = nullptr;
  bool saves_line_ = false;
  bool beside_ = false;  // `leader_` fetches beside us
  TimeMs alone_until_{};
  bool passes_on_ = false;
  bool live_ = false;
  // The message that room() was called for, until on_data().
  peer::DataHeader header_;
  bool has_header_ = false;
  bool has_room_ = false;
};

}  // namespace hlsmesh

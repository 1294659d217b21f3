#pragma once

#include <cstdint>
#include <list>
#include <string_view>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/command_queue.hpp"
#include "client/inputs.hpp"
#include "client/timers.hpp"
#include "media/digest_file.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// Which bytes of peers may be used: where the publisher gives digests of a rendition's segments
// (docs/DIGESTS.md), those that have them, and no others. What comes from the CDN is played in any
// case, but is shared only if it has them too.
class Trust {
 public:
  // Between two looks at a live file that lacks what its playlist lists.
  static constexpr DurationMs kAgain{500};
  // After a file that could not be had; each further time twice as long, up to kLongestPause.
  static constexpr DurationMs kPause{2'000};
  static constexpr DurationMs kLongestPause{60'000};
  // A file that has not come after this time is asked for again.
  static constexpr DurationMs kGone{15'000};
  // The time that a file usually takes to come.
  static constexpr DurationMs kUsual{400};

  explicit Trust(CommandQueue& commands) : commands_(commands) {}

  void set_policy(DigestPolicy policy) { policy_ = policy; }

  // A media playlist was loaded, for the first time or again.
  void on_playlist(TimeMs now, TrackKind kind, int32_t index, const RenditionSignature& rendition,
                   const PlaylistFacts& facts);
  // Another presentation begins: nothing is known any more.
  void forget() { renditions_.clear(); }
  // The file that kFetchDigests asked for. Returns false, and nothing changes but that it is asked
  // for again later, if it is none.
  bool on_file(TimeMs now, TrackKind kind, int32_t index, std::string_view text);
  void on_no_file(TimeMs now, TrackKind kind, int32_t index);

  // --- what peers may give
  // Whether bytes of this segment must have digests.
  bool demands(const SegmentKey& key) const;
  // What its publisher says of the segment; nullptr: nothing. What is not known of a live one is
  // asked for again.
  const PublishedDigest* of(TimeMs now, const Segment& segment);
  // Whether peers can be of any use: no digest is demanded, or there is one, or one may come.
  bool has_hope(TimeMs now, const Segment& segment);
  // Until when a digest that is demanded and not here is to be expected; in the past: it is not.
  TimeMs expected_until(const SegmentKey& key) const;

  // --- what is whole
  enum class Proof {
    kNone,     // nothing is known that it could be compared with
    kProven,   // it has the publisher's digest, or none is demanded
    kRefuted,  // it has another
  };
  // Compares a complete segment, and notes its digests in it.
  Proof prove(TimeMs now, SegmentBuffer& body);
  // Whether peers may have of it: no digest is demanded, or its digests are known.
  bool admits(const SegmentBuffer& body) const;

  // Asks for what is due.
  void run(TimeMs now);
  void add_timers(Timer& timer) const;

 private:
  struct Rendition {
    explicit Rendition(const RenditionSignature& of) : signature(of) {}

    const RenditionSignature signature;
    TrackKind kind = TrackKind::kMain;
    // The player's number of it, as of its latest playlist; kNoIndex once another rendition has
    // that number: the player counts the audio tracks of a group alone, for example.
    int32_t index = kNoIndex;
    int32_t asked_as = kNoIndex;  // the number that its file was asked for by
    bool live = false;
    double newest = 0;  // that its playlist listed
    DigestFile file;
    bool has_file = false;
    bool asked = false;   // and not answered
    TimeMs due = kNever;  // when the file is to be asked for, or, once asked, again
    TimeMs asked_at{};
    DurationMs pause{};
  };
  static constexpr int32_t kNoIndex = -1;

  const Rendition* find(std::string_view signature) const;
  // Whose file was asked for by that number, and has not come.
  Rendition* asked(TrackKind kind, int32_t index);

  CommandQueue& commands_;
  DigestPolicy policy_ = DigestPolicy::kWhereSaid;
  std::list<Rendition> renditions_;  // those whose segments need digests
};

}  // namespace hlsmesh

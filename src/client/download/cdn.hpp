#pragma once

#include <cstddef>

#include "cache/segment_cache.hpp"
#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/shelf.hpp"
#include "client/stats.hpp"

namespace hlsmesh {

// A fetch from the CDN, which the driver makes.
struct CdnFetch final : Source {
  CdnFetch() : Source(PeerHandle()) {}

  FetchId id;
  TimeMs began_at{};
  bool by_driver = false;  // it was begun before the engine knew of the load: when, is not known
  FetchRange range;        // what was asked for
  Part part;               // only in what peers may carry
  SegmentPtr body;         // where it lands; nullptr: it is not wanted, or not there yet
  bool joint = false;      // neighbors bring some of the body, of which all is fetched
  bool ranged = false;     // the answer is the range; false: all of the segment
  bool served = false;     // the origin has sent some of the range, whether there was room or not
  bool misfit = false;     // of a segment of another size than neighbors say
  bool over = false;       // the piece in which `at` is was here before; see Mesh::replace
  size_t at = 0;           // where in the segment the next byte goes
  size_t reserved = 0;     // bytes that the driver is writing there

  // The bytes that have come.
  size_t arrived() const { return at - (ranged ? range.from : 0); }
  // A range was asked for, and the answer is all of the segment.
  bool ignored() const { return !ranged && !range.whole(); }
};

// What comes from the CDN. Each fetch is for one load, and a source of the load's segment.
//
// An origin may not serve ranges: it sends all of the file, another part of it, or an error, or
// forbids them by CORS, which looks like a lost connection. After such an answer no range is asked
// for during kRangeRest, and twice as long after each further one, until one has succeeded: an
// error may be of the moment. The player never hears of it.
class Cdn {
 public:
  // Each request in vain costs a round trip, and a line in the page's console where CORS forbids
  // it.
  static constexpr DurationMs kRangeRest{4'000};

  Cdn(CommandQueue& commands, Downloads& downloads, EngineStats& stats)
      : commands_(commands), downloads_(downloads), stats_(stats) {}

  // Returns true if a part of the segment may be asked for.
  bool may_range(TimeMs now, const Wish& wish) const {
    return wish.shareable && wish.streams && now >= ranges_from_;
  }

  // Names the fetch, and issues kFetch unless the driver has begun it. `fetch` must be as new.
  // `range` is whole unless may_range(). `into`: the buffer that holds what others have brought of
  // the segment, and gets these bytes too; nullptr: the fetch makes one with its first byte.
  void begin(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, FetchRange range = {},
             const SegmentPtr& into = nullptr);
  // Where bytes of its body go; see Engine::reserve_fetch.
  MutableBytes room(CdnFetch& fetch, const Wish& wish, size_t offset, size_t size, size_t total);

  enum class Arrival {
    kMore,
    kComplete,  // the segment is whole, whoever brought the rest of it, and looks good
    kBad,       // it is not media, or not its publisher's; the buffer has left the cache
  };
  // `size` bytes stand where room() said, and are committed.
  Arrival arrive(TimeMs now, CdnFetch& fetch, const Wish& wish, size_t size);

  // A fetch of all of the segment is over, with `size` bytes, and the player has them; see
  // Engine::on_fetch_done for the times. `refused`: the player did not take it.
  void finish(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, size_t size,
              double first_byte_ms, double body_ms, bool refused);
  // A fetch of a range is over, with `size` bytes, which may be fewer than were asked for, or all
  // of the segment. What it brought is in its buffer, which is let go of; `fetch` is as new.
  Arrival finish_range(TimeMs now, CdnFetch& fetch, const Wish& wish, size_t size,
                       double first_byte_ms, double body_ms);
  // The fetch failed, or nobody wants it any more. What one of a range has brought is in its
  // buffer, which is let go of; `fetch` is as new.
  void fail(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, bool refused);
  void abandon(CdnFetch& fetch, const Wish& wish, LoadId load, bool refused);

 private:
  // The buffer is ready for the bytes up to `end`; false if there is none, or it is another's.
  bool prepare(CdnFetch& fetch, const Wish& wish, size_t end, size_t total);
  // What has become of the buffer.
  Arrival look(TimeMs now, CdnFetch& fetch, const Wish& wish);
  // Whether the pieces that are whole with these bytes have their digests, as far as those are
  // known.
  static bool fits_digests(const SegmentBuffer& body, size_t from, size_t size);
  void refute(CdnFetch& fetch, const Wish& wish);
  // Lets go of the buffer, which leaves the cache unless others hold it; or in any case.
  void drop(CdnFetch& fetch);
  void discard(CdnFetch& fetch);
  void release(CdnFetch& fetch);
  void refuse_ranges(TimeMs now);
  void measure(TimeMs now, const CdnFetch& fetch, const Wish& wish, size_t size,
               double first_byte_ms, double body_ms);
  void note_given(LoadId load, const Wish& wish, TransferTimes times, bool refused);

  CommandQueue& commands_;
  Downloads& downloads_;
  EngineStats& stats_;
  int32_t last_fetch_ = 0;
  TimeMs ranges_from_{};     // no range is asked for before
  DurationMs range_rest_{};  // the latest rest
};

}  // namespace hlsmesh

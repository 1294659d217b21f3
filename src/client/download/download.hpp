#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/commands.hpp"
#include "client/download/gift.hpp"
#include "common/ids.hpp"
#include "common/piece_set.hpp"
#include "common/random.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// Twice in the 100 ms after which hls.js looks again how far a load has come. A fast peer's packets
// come a hundred times as often.
inline constexpr DurationMs kProgressInterval{50};

// Bytes [from, to) of a segment, or those from `from` to its end when `to` is 0.
struct FetchRange {
  size_t from = 0;
  size_t to = 0;

  bool whole() const { return from == 0 && to == 0; }
};

// Whoever brings segments: a parent, or the CDN.
struct Source {
  explicit Source(PeerHandle of) : peer(of) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const PeerHandle peer;  // 0: the CDN

  bool is_cdn() const { return peer.value() == 0; }
};

// One segment on its way: which sources bring it, and how many of the player's loads are about it.
// It is on its way for as long as either is so.
struct Download {
  Download(const Segment& of, TrackKind track) : segment(of), kind(track) {}

  const Segment segment;
  const TrackKind kind;
  std::list<const Source*> sources;  // in the order in which they were asked; twice if asked twice
  int32_t loads = 0;

  // --- where its sources bring pieces
  LoadId asker;                           // the load that waits for it; 0: none
  SegmentPtr body;                        // what has come; nullptr before its size is known
  PieceSet here;                          // of `body`
  PieceSet at_cdn;                        // what a fetch under way brings of it
  LoadId joint;                           // whose fetch brings its beginning meanwhile; 0: none
  double cdn_rate = 0;                    // of that fetch, in bytes per millisecond
  bool looked = false;                    // its first bytes look like media: others may have it
  Deliveries deliveries;                  // of those who brought it
  PieceSet doubted;                       // of `here`: their givers had not been found honest
  PieceSet mixed;                         // of `here`: the CDN has brought some of their bytes too
  uint64_t peer_bytes = 0;                // that they brought
  TimeMs first_at = kNever;               // the arrival of its first piece
  TimeMs came_at{};                       // that of its latest one
  uint64_t bytes_before = 0;              // what had come from all peers at its first piece
  TimeMs told_at{};                       // when the load last heard how far it has come
  std::optional<FallbackReason> failure;  // the last of a neighbor since a load joined
  TimeMs keep_until{};                    // without a load, it is wanted until then
  bool listed = false;                    // our own playlist shows it
  bool announced = false;                 // neighbors have heard that it comes

  bool idle() const { return sources.empty() && loads == 0; }
  // Neighbors bring it from its last piece on.
  bool from_end() const { return joint.value() != 0; }
  bool mostly_here() const {
    return body != nullptr && body->committed_bytes() * 2 >= body->size();
  }
  bool has_fetch() const {
    for (const Source* source : sources) {
      if (source->is_cdn()) return true;
    }
    return false;
  }
};

// Of those of whom something has stayed. A piece of which the CDN has brought some says nothing of
// its giver, and is not drawn.
Gifts gifts_of(const Download& download, Random& random);

// A source's part in a download: it brings the segment while this lasts. Neither source nor
// download may move or go before it.
class Part {
 public:
  Part() = default;
  Part(Download& download, const Source& source)
      : download_(&download), place_(download.sources.insert(download.sources.end(), &source)) {}
  Part(Part&& other) noexcept
      : download_(std::exchange(other.download_, nullptr)), place_(other.place_) {}
  Part& operator=(Part&& other) noexcept {
    std::swap(download_, other.download_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~Part() { release(); }

  explicit operator bool() const { return download_ != nullptr; }
  Download* download() const { return download_; }
  void release() {
    if (download_ != nullptr) std::exchange(download_, nullptr)->sources.erase(place_);
  }

 private:
  Download* download_ = nullptr;
  std::list<const Source*>::iterator place_;
};

}  // namespace hlsmesh

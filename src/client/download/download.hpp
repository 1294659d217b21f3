#pragma once

#include <cstdint>
#include <list>
#include <utility>

#include "common/ids.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

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

  bool idle() const { return sources.empty() && loads == 0; }
  bool at_cdn() const {
    for (const Source* source : sources) {
      if (source->is_cdn()) return true;
    }
    return false;
  }
};

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
  void release() {
    if (download_ != nullptr) std::exchange(download_, nullptr)->sources.erase(place_);
  }

 private:
  Download* download_ = nullptr;
  std::list<const Source*>::iterator place_;
};

}  // namespace hlsmesh

#pragma once

#include <algorithm>
#include <cstddef>

#include "client/clock.hpp"
#include "common/sorted_map.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// How long a CDN fetch is expected to take: an average that follows bad news faster than good,
// because the price of too low a value is a stall and that of too high a one some bytes.
class CdnTime {
 public:
  // Before the first measurement: slower than most CDNs, so that a cold start does not gamble.
  static constexpr double kStartMs = 1'000;
  // A run of disk-cache hits must not make the CDN look instantaneous.
  static constexpr double kFloorMs = 100;

  void measured(DurationMs time) {
    const double sample = std::max(to_ms(time), kFloorMs);
    mean_ms_ += (sample - mean_ms_) * (sample > mean_ms_ ? 0.7 : 0.3);
  }
  DurationMs expected() const { return to_duration(mean_ms_); }

 private:
  double mean_ms_ = kStartMs;
};

// Bytes per second of media, by rendition: how large its next segment is going to be.
class SegmentSizes {
 public:
  void measured(const Segment& segment, size_t bytes) {
    if (!(segment.span.duration > 0)) return;
    const double sample = static_cast<double>(bytes) / segment.span.duration;
    const auto [entry, is_new] = bytes_per_second_.try_emplace(rendition_of(segment), sample);
    if (!is_new) entry->second += (sample - entry->second) * 0.3;
  }
  // 0 while unknown.
  size_t expected(const Segment& segment) const {
    const auto entry = bytes_per_second_.find(rendition_of(segment));
    if (entry == bytes_per_second_.end() || !(segment.span.duration > 0)) return 0;
    return static_cast<size_t>(std::min(entry->second * segment.span.duration, 1e9));
  }
  // Whether the segment may have `bytes`. A rendition of variable rate that began with a still
  // picture has segments many times as large later; what nothing is known of may be as large as the
  // protocol lets it.
  bool plausible(const Segment& segment, size_t bytes) const {
    constexpr size_t kAlways = 8 * 1024 * 1024;
    constexpr size_t kFactor = 16;
    const size_t usual = expected(segment);
    return usual == 0 || bytes <= kAlways || bytes / kFactor <= usual;
  }
  void clear() { bytes_per_second_.clear(); }

 private:
  static RenditionSignature rendition_of(const Segment& segment) {
    return RenditionSignature(hlsmesh::rendition_of(segment.key));
  }

  SortedMap<RenditionSignature, double> bytes_per_second_;
};

}  // namespace hlsmesh

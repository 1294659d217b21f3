#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "client/clock.hpp"
#include "common/sorted_map.hpp"
#include "media/rendition.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// What the CDN was measured at: the time to the first byte, and the rate from there. Both follow
// bad news faster than good, because the price of too low a value is a stall and that of too high a
// one some bytes. But one slow fetch says little of the CDN some time later: while no other is
// made, because peers give everything, the estimate goes back to what was usual.
class CdnTime {
 public:
  // Before the first measurement: slower than most CDNs, so that a cold start does not gamble.
  static constexpr double kStartMs = 1'000;
  // A run of disk-cache hits must not make the CDN look instantaneous.
  static constexpr double kFloorMs = 100;

  // hls.js counts every body as at least this long.
  static constexpr double kBodyMs = 50;

  // A fetch of `bytes` took `whole_ms`, of which its body took `body_ms`.
  void measured(TimeMs now, double whole_ms, double body_ms, size_t bytes) {
    mean_ms_ = mean(now);
    measured_at_ = now;
    follow(mean_ms_, std::max(whole_ms, kFloorMs), 0.7, 0.3);
    follow(usual_ms_, std::max(whole_ms, kFloorMs), 0.1, 0.3);
    if (bytes == 0) return;
    const auto amount = static_cast<double>(bytes);
    const double ms_per_byte = std::max(body_ms, kBodyMs) / amount;
    if (bytes_ == 0) {
      bytes_ = amount;
      ms_per_byte_ = ms_per_byte;
      line_ = 1 / ms_per_byte;
    }
    follow(bytes_, amount, 0.3, 0.3);
    follow(ms_per_byte_, ms_per_byte, 0.7, 0.3);
    follow(line_, 1 / ms_per_byte, 0.5, 0.2);
  }
  // That a fetch is expected to take, of `bytes` where that is known; 0: of the usual size.
  DurationMs expected(TimeMs now, size_t bytes = 0) const {
    const double more = bytes > 0 && bytes_ > 0 ? static_cast<double>(bytes) - bytes_ : 0;
    return to_duration(std::max(kFloorMs, mean(now) + more * ms_per_byte_));
  }
  // What the line has shown to carry; 0 while unknown. One slow answer says little of it.
  double line_bytes_per_ms() const { return line_; }

 private:
  // Bad news of this age counts half, of twice this age a fifth.
  static constexpr double kHalfMs = 10'000;

  double mean(TimeMs now) const {
    const double worse = std::max(0.0, mean_ms_ - usual_ms_);
    const double age = to_ms(now - measured_at_) / kHalfMs;
    return mean_ms_ - worse + worse / (1 + age * age);
  }
  static void follow(double& mean, double sample, double up, double down) {
    mean += (sample - mean) * (sample > mean ? up : down);
  }

  double line_ = 0;
  double mean_ms_ = kStartMs;
  double usual_ms_ = kStartMs;
  TimeMs measured_at_{};
  double ms_per_byte_ = 0;
  double bytes_ = 0;  // of the usual fetch
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
    if (!(segment.span.duration > 0)) return 0;
    const std::string_view rendition = hlsmesh::rendition_of(segment.key);
    double rate = 0;
    for (const auto& [known, bytes] : bytes_per_second_) {
      if (known == rendition) rate = bytes;
    }
    return static_cast<size_t>(std::min(rate * segment.span.duration, 1e9));
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
  // Of the rendition of the highest rate; 0 while none is known.
  double most_bytes_per_ms() const {
    double most = 0;
    for (const auto& [rendition, rate] : bytes_per_second_) most = std::max(most, rate);
    return most / 1'000;
  }
  void clear() { bytes_per_second_.clear(); }

 private:
  static RenditionSignature rendition_of(const Segment& segment) {
    return RenditionSignature(hlsmesh::rendition_of(segment.key));
  }

  SortedMap<RenditionSignature, double> bytes_per_second_;
};

// What is to be expected, by what has come so far.
struct Estimates {
  SegmentSizes sizes;

  CdnTime& cdn(TrackKind kind) { return cdn_[index(kind)]; }
  const CdnTime& cdn(TrackKind kind) const { return cdn_[index(kind)]; }

 private:
  size_t index(TrackKind kind) const {
    const auto number = static_cast<size_t>(kind);
    return number < cdn_.size() ? number : 0;
  }

  std::array<CdnTime, 3> cdn_;  // by TrackKind
};

}  // namespace hlsmesh

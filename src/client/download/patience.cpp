#include "client/download/patience.hpp"

#include <algorithm>

namespace hlsmesh {
namespace {

constexpr DurationMs kMargin{500};

// Percent of the player's goal. The mean buffer of a player whose loads all wait in vain stays
// above 80 % of what it would be without peers, for segments of 2 to 20 s.
constexpr int64_t kFull = 85;
constexpr int64_t kEnough = 70;

DurationMs percent(DurationMs duration, int64_t percent) { return duration * percent / 100; }

// While the buffer grows: the fuller it is, the more of what the CDN would gain.
DurationMs growing_part(const Need& need, DurationMs gain) {
  const int64_t full = (need.slack + need.waited) * 100 / std::max(need.goal, DurationMs(1));
  return percent(gain, std::clamp<int64_t>(full, 50, 75));
}

DurationMs of_newest(const Need& need) {
  return need.newest ? need.duration * 5 / 4 : DurationMs::zero();
}

}  // namespace

DurationMs latest_cdn_start(const Need& need) {
  return need.slack - need.cdn_time * 3 / 2 - kMargin;
}

bool needs_whole_line(const Need& need) { return need.slack < need.cdn_time * 2 + kMargin; }

DurationMs patience_when_full(const Need& need) {
  return std::min(need.slack - percent(need.goal, kFull), latest_cdn_start(need));
}

DurationMs patience(const Need& need, bool proven) {
  if (need.ahead) return patience_for_transfer(need);
  DurationMs growing = growing_part(need, need.duration - need.cdn_time);
  // What a proven parent holds it is getting itself, and began to before the CDN would here.
  growing = std::max(growing, proven ? std::min(need.cdn_time, need.duration) : of_newest(need));
  growing /= 1 << std::clamp(need.vain, 0, 30);
  if (proven) growing = std::max(growing, of_newest(need));
  return std::max(patience_when_full(need),
                  std::min(growing - need.waited, latest_cdn_start(need)));
}

DurationMs patience_for_late(const Need& need, bool begun) {
  if (need.newest) return latest_cdn_start(need);
  if (need.line_time * 2 >= need.duration) {
    return need.line_time * (begun ? 5 : 3) / 4 - need.waited;
  }
  const DurationMs growing = growing_part(need, need.duration - need.cdn_time);
  return std::min(growing - need.waited, latest_cdn_start(need));
}

DurationMs patience_for_transfer(const Need& need) {
  const DurationMs growing =
      std::max(std::max(growing_part(need, need.duration), need.cdn_time), of_newest(need));
  const DurationMs wait = std::max(need.slack - percent(need.goal, kEnough), growing - need.waited);
  if (need.ahead) return *need.ahead + wait;
  // The CDN would not be faster; but all transfers together get no more than twice its time.
  return std::max(std::min(wait, latest_cdn_start(need)),
                  std::min(need.cdn_time, need.cdn_time * 2 - need.waited));
}

}  // namespace hlsmesh

#include "client/upload/turns.hpp"

#include <algorithm>

namespace hlsmesh {

using Turn = SegmentShelf::Turn;

namespace {

// A buffer is filled in a burst.
constexpr DurationMs kBurst{10'000};
// Pieces are small: they go out some at a time.
constexpr DurationMs kLeastWait{20};

}  // namespace

Turn Turns::take(TimeMs now, Child child, int32_t others, SegmentBuffer& segment, bool last) {
  const bool had = segment.was_given(child.number);
  if (!ledger_.asks(now, child.number) || (had && !ledger_.may_repeat(now, child.number, false))) {
    return Turn::kRefused;
  }
  const Turn turn = of_line(now, child, others, segment, last);
  if (turn == Turn::kRefused) {
    // When it wants the next one.
    ledger_.on_refused(now, child.number, to_duration(segment.segment().span.duration * 1'250));
  } else if (turn == Turn::kNow) {
    if (had) ledger_.may_repeat(now, child.number, true);
    segment.give(child.number);
    ledger_.on_sent(now, child.number, segment.size());
    uplink.on_begun(now, segment.size());
  }
  return turn;
}

bool Turns::admit(TimeMs now, Child child, size_t bytes) {
  ledger_.asks(now, child.number);
  if (!budget.take(now, bytes, !ledger_.has_more(now, child.number))) return false;
  ledger_.on_sent(now, child.number, bytes);
  uplink.on_begun(now, bytes);
  return true;
}

bool Turns::may_send(TimeMs now, int32_t child) {
  DurationMs wait = budget.wait(now, !ledger_.has_more(now, child));
  if (!budget.capped()) wait = std::max(wait, uplink.ahead_of_share(now) - kBurst);
  if (wait <= DurationMs::zero()) return true;
  line_free_at_ = std::min(line_free_at_, now + wait + kLeastWait);
  return false;
}

// On a slow line one after the other: of segments that share it, each would come late. Refused at
// once, a child loses a round trip and asks elsewhere; begun too late, its segment is sent for
// nothing.
Turn Turns::of_line(TimeMs now, Child child, int32_t others, const SegmentBuffer& segment,
                    bool last) {
  constexpr DurationMs kFree{250};  // before the line is idle, when the next segment begins
  const double rate = uplink.bytes_per_ms();
  const DurationMs lasts = to_duration(segment.segment().span.duration * 1'000);
  const bool favoured = !ledger_.has_more(now, child.number);
  if (!budget.capped()) {
    // Whoever had more than its share gets a quarter of one.
    const DurationMs burst = std::max(kBurst, lasts * 2) / (favoured ? 1 : 4);
    if (uplink.ahead_of_share(now) > burst) return Turn::kRefused;
  }
  if (rate > 0) {
    // A child plays one segment while the next one comes; somewhat more it has in its buffer.
    const DurationMs own = to_duration(static_cast<double>(segment.size()) / rate);
    const DurationMs ahead = uplink.backlog(now);
    if (lasts > DurationMs::zero() && ahead + own > lasts * 5 / 4) {
      if (others > 0 || !uplink.doubtful(now, child.peer)) return Turn::kRefused;
    } else if (own > lasts / 8 && ahead > kFree && !last) {
      line_free_at_ = std::min(line_free_at_, now + ahead - kFree);
      return Turn::kLater;
    }
  } else if (others > 1) {
    return last ? Turn::kRefused : Turn::kLater;
  }
  return budget.take(now, segment.size(), favoured) ? Turn::kNow : Turn::kRefused;
}

}  // namespace hlsmesh

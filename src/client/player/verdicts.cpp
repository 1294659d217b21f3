#include "client/player/verdicts.hpp"

#include <algorithm>

namespace hlsmesh {
namespace {

// No more of a segment's listed duration than this share of what is usual in the stream: a part of
// the segment is missing. What lacks less looks whole.
constexpr double kLeastShare = 0.9;
// Some playlists list longer durations than their segments have, or whole seconds. Before any
// segment of the CDN has shown what is usual, only who gave half of a segment has cut it; each that
// did so raises this share, up to kLeastShare.
constexpr double kCutShare = 0.5;
constexpr double kSurer = 0.1;

// What a decoder that gave up had at hand, in seconds before and after the frame that was shown: it
// works ahead of the picture, and audio ahead of video.
constexpr double kDecoderBehind = 1;
constexpr double kDecoderAhead = 2;

}  // namespace

bool Verdicts::is_about(const Receipt& receipt, LoadId load, double seconds) {
  if (load.value() != 0) return receipt.load == load;
  const MediaSpan& span = receipt.span;
  return receipt.given() && receipt.kind != TrackKind::kSubtitle &&
         span.start <= seconds + kDecoderAhead && span.end() >= seconds - kDecoderBehind;
}

bool Verdicts::is_bad(const SegmentKey& key, Receipt& receipt, LoadId load, double seconds) {
  double share = 0;
  if (load.value() != 0 && seconds >= 0) share = share_of_usual(receipt, seconds);
  if (share > kLeastShare) {
    if (receipt.refused != load) receipt.refused = LoadId();
    return false;
  }
  receipt.refused = receipt.load;
  shelf_.cache.drop(key);
  return !receipt.gifts.empty() && share <= kCutShare + kSurer * shares_seen_;
}

double Verdicts::share_of_usual(const Receipt& receipt, double seconds) {
  if (!(receipt.span.duration > 0) || receipt.kind == TrackKind::kSubtitle) return 1;
  const double share = std::min(1.0, seconds / receipt.span.duration);
  if (receipt.gifts.empty()) {
    // Of durations that vary the least ones count.
    usual_share_ += (share - usual_share_) / (share < usual_share_ ? 2 : 8);
    ++shares_seen_;
  }
  return share / usual_share_;
}

void Verdicts::distrust(const PeerId& giver) {
  shelf_.receipts.for_each([&](const SegmentKey& key, const Receipt& receipt) {
    if (has_given(receipt.gifts, giver)) shelf_.cache.drop(key);
  });
}

void Verdicts::forget() {
  usual_share_ = 1;
  shares_seen_ = 0;
}

}  // namespace hlsmesh

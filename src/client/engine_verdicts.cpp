// What the player says of the bytes that it was given, and what they look like before it has them.

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"
#include "media/container.hpp"

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

bool Engine::Impl::is_good(const Segment& segment, ByteView body) {
  return segment.opaque || is_whole_media(body);
}

bool Engine::Impl::looks_right(Transfer& transfer) {
  const Segment& segment = transfer.ask.segment;
  if (transfer.buffer == nullptr) return true;
  if (transfer.received == transfer.size) return is_good(segment, transfer.buffer->bytes());
  if (transfer.looked_at || segment.opaque || transfer.received < kHeadBytes) return true;
  transfer.looked_at = true;
  return begins_like_media(transfer.buffer->bytes().first(transfer.received), transfer.size);
}

void Engine::Impl::note_given(const Load& load, TransferTimes times) {
  Receipt receipt;
  receipt.times = times;
  receipt.load = load.id;
  receipt.kind = load.kind;
  receipts_.add(cache_, load.segment, std::move(receipt));
  if (load.refused) receipts_.find(load.segment.key)->refused = load.id;
}

bool Engine::Impl::on_verdict(TimeMs now, LoadId id, double seconds) {
  if (Load* load = find_load(id)) {
    // The player parses the CDN's bytes while they arrive.
    load->refused |= seconds < 0 && load->shareable;
    return false;
  }
  bool peers_fault = false;
  receipts_.for_each([&](const SegmentKey& key, Receipt& receipt) {
    const MediaSpan& span = receipt.span;
    if (id.value() != 0) {
      if (receipt.load != id) return;
    } else if (!receipt.given() || receipt.kind == TrackKind::kSubtitle ||
               span.start > seconds + kDecoderAhead || span.end() < seconds - kDecoderBehind) {
      return;
    }
    double share = 0;
    if (id.value() != 0 && seconds >= 0) share = share_of_usual(receipt, seconds);
    if (share > kLeastShare) {
      if (receipt.refused != id) receipt.refused = LoadId();
      return;
    }
    receipt.refused = receipt.load;
    cache_.drop(key);
    if (receipt.giver.text.empty() || share > kCutShare + kSurer * shares_seen_) return;
    peers_fault = true;
    distrust(now, receipt.giver);
  });
  return peers_fault;
}

double Engine::Impl::share_of_usual(const Receipt& receipt, double seconds) {
  if (!(receipt.span.duration > 0) || receipt.kind == TrackKind::kSubtitle) return 1;
  const double share = std::min(1.0, seconds / receipt.span.duration);
  if (receipt.giver.text.empty()) {
    // Of durations that vary the least ones count.
    usual_share_ += (share - usual_share_) / (share < usual_share_ ? 2 : 8);
    ++shares_seen_;
  }
  return share / usual_share_;
}

void Engine::Impl::distrust(TimeMs now, const PeerId& giver) {
  receipts_.for_each([&](const SegmentKey& key, const Receipt& receipt) {
    if (receipt.giver == giver) cache_.drop(key);
  });
  if (PeerSession* peer = find_peer(giver)) {
    misbehaved(now, *peer, FallbackReason::kWrongSegment, "a segment that the player refused");
  }
}

}  // namespace hlsmesh

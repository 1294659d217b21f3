// What the player says of the bytes that it was given, and what they look like before it has them.

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"
#include "media/container.hpp"

namespace hlsmesh {
namespace {

// Less of a segment's listed duration than this share of what is usual in the stream: a part of the
// segment is missing. Durations that are rounded to whole seconds, and the last segment of a
// recording, stay above it.
constexpr double kLeastShare = 0.75;

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
    if (id.value() != 0 && seconds >= 0 && is_usual(receipt, seconds)) {
      if (receipt.refused != id) receipt.refused = LoadId();
      return;
    }
    receipt.refused = receipt.load;
    cache_.drop(key);
    if (receipt.giver.text.empty()) return;
    peers_fault = true;
    distrust(now, receipt.giver);
  });
  settle(now);
  return peers_fault;
}

bool Engine::Impl::is_usual(const Receipt& receipt, double seconds) {
  if (!(receipt.span.duration > 0) || receipt.kind == TrackKind::kSubtitle) return true;
  const double share = std::min(1.0, seconds / receipt.span.duration);
  const bool usual = share > kLeastShare * usual_share_;
  // Some playlists list other durations than their segments have.
  if (receipt.giver.text.empty()) usual_share_ += (share - usual_share_) / 8;
  return usual;
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

// What peers say on their channels (protocol section 2).

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

// Memory that a segment of unknown size gets with its first packet.
constexpr size_t kFirstBytes = 256 * 1024;

// Packets of an honest parent have 1 KB or more on average, whatever limit its browser has; a few
// short ones beyond that are no matter. Each packet costs the page an event, whatever is in it.
constexpr int64_t kLeastPacketBytes = 1024;
constexpr int64_t kSparePackets = 128;

// Twice in the 100 ms after which hls.js looks again how far a load has come. A fast peer's packets
// come a hundred times as often.
constexpr DurationMs kProgressInterval{50};

}  // namespace

void Engine::Impl::on_channel_text(TimeMs now, PeerHandle handle, std::string_view text) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open) return;
  peer::Fields message;
  if (const std::optional<peer::ParseError> error = peer::read(text, message)) {
    misbehaved(now, *peer, FallbackReason::kProtocol, peer::to_string(*error));
    return;
  }
  peer->liveness.on_traffic();
  bool chatter = false;
  switch (message.event) {
    case peer::Event::kKeepAlive:
    case peer::Event::kKeepAliveAck:
      on_keep_alive(now, *peer, message);
      chatter = true;
      break;
    case peer::Event::kRequest:
      on_request(now, *peer, message);
      break;
    case peer::Event::kBinary:
      on_binary_header(now, *peer, message);
      break;
    case peer::Event::kLack:
      chatter = !on_lack(now, *peer, message);
      break;
    case peer::Event::kClose:
      end_peer(now, *peer, PeerEnd::kClosedByPeer, FallbackReason::kPeerLost);
      break;
    case peer::Event::kError:
      end_peer(now, *peer, PeerEnd::kFailed, FallbackReason::kPeerLost);
      break;
    case peer::Event::kUnknown:
      chatter = true;
      break;
  }
  if (peer->ended) return;
  const auto kilobytes = static_cast<int64_t>(text.size() / 1024);
  if (peer->channel.flooded() || (chatter && !peer->chatter.take(now, 1 + kilobytes))) {
    misbehaved(now, *peer, FallbackReason::kProtocol, "floods us with messages");
  }
}

void Engine::Impl::heard_current(TimeMs now, PeerSession& peer,
                                 std::optional<MediaSequence> current) {
  if (!current) return;
  peer.current = current;
  peer.current_at = now;
}

void Engine::Impl::on_keep_alive(TimeMs now, PeerSession& peer, const peer::Fields& message) {
  const bool ack = message.event == peer::Event::kKeepAliveAck;
  peer.liveness.on_spoken();
  if (ack) peer.liveness.on_ack(now);
  heard_current(now, peer, message.current);
  if (message.hlsmesh && *message.hlsmesh > peer.level) {
    peer.level = *message.hlsmesh;
    if (peer.requester) peer.requester->on_level(now);
  }
  if (!ack) say_current(now, peer, peer::Event::kKeepAliveAck);
}

void Engine::Impl::on_request(TimeMs now, PeerSession& peer, const peer::Fields& message) {
  if (!peer.uploader) {
    // A parent does not ask; but whoever asks is answered.
    peer.channel.send(now, answer_to(message, peer::Event::kLack));
    return;
  }
  peer.usefulness.on_request(now);
  if (!peer.uploader->on_request(now, message)) {
    misbehaved(now, peer, FallbackReason::kProtocol, "too many requests unanswered");
  }
  // settle() answers it.
}

void Engine::Impl::on_binary_header(TimeMs now, PeerSession& peer, const peer::Fields& message) {
  if (!peer.requester) {
    misbehaved(now, peer, FallbackReason::kProtocol, "a child sent BINARY");
    return;
  }
  heard_current(now, peer, message.current);
  Requester& requester = *peer.requester;
  switch (requester.on_header(now, message)) {
    case Requester::Answer::kExpected:
      break;
    case Requester::Answer::kUnasked:
      misbehaved(now, peer,
                 requester.idle() ? FallbackReason::kProtocol : FallbackReason::kWrongSegment,
                 "BINARY for what was not asked");
      return;
    case Requester::Answer::kWithinTransfer:
      misbehaved(now, peer, FallbackReason::kProtocol, "BINARY within a transfer");
      return;
  }
  Transfer& transfer = *requester.transfer();
  if (message.attachments <= 0 || message.size <= 0 || message.size > peer::kMaxSegmentBytes ||
      !sizes_.plausible(transfer.ask.segment, transfer.size)) {
    misbehaved(now, peer, FallbackReason::kWrongSegment, "a segment of impossible size");
    return;
  }
  if (!transfer.ask.segment.may_have(transfer.size)) {
    misbehaved(now, peer, FallbackReason::kWrongSegment, "a byte range of another length");
    return;
  }
  if (transfer.attachments > kSparePackets + message.size / kLeastPacketBytes) {
    misbehaved(now, peer, FallbackReason::kProtocol, "a segment in crumbs");
    return;
  }
  transfer.bytes_before = peer_bytes_;
  const std::optional<LoadId> load = transfer.ask.load;
  if (!transfer.ask.unwanted && (load || wanted(transfer.ask.segment.key))) {
    // Its memory comes with its bytes: an announcement is only a word.
    transfer.buffer = cache_.begin(transfer.ask.segment, transfer.size, 0);
  }
  if (!load) return;
  // What the cache could never hold goes to the player and is not kept: our limit is no fault of
  // the parent's.
  if (transfer.buffer == nullptr && transfer.size > cache_.budget()) {
    transfer.buffer = SegmentBuffer::allocate(transfer.ask.segment, transfer.size, 0);
  }
  if (transfer.buffer == nullptr) {
    requester.detach(*load);
    parent_failed(now, *load, peer.handle, FallbackReason::kNoMemory);
    return;
  }
  report_progress(*load, transfer);
}

void Engine::Impl::report_progress(LoadId load, const Transfer& transfer) {
  Command& command = commands_.push(CommandKind::kLoadProgress);
  command.load = load;
  command.code = static_cast<int32_t>(transfer.received);
  command.aux = static_cast<double>(transfer.size);
}

bool Engine::Impl::on_lack(TimeMs now, PeerSession& peer, const peer::Fields& message) {
  heard_current(now, peer, message.current);
  if (!peer.requester) return false;
  std::optional<LoadId> load;
  bool held = false;
  const Requester::Refusal refusal = peer.requester->on_lack(now, message, load, held);
  if (refusal != Requester::Refusal::kCurrent) return refusal == Requester::Refusal::kEarlier;
  if (!load) peer.usefulness.missed(now);
  const bool dawdles = peer.requester->dawdles();
  if (load && !dawdles && not_yet(now, *load, peer, message, held)) {
    Load& waiting = *find_load(*load);
    waiting.state = Load::State::kWaiting;
    waiting.due = now;
    return true;
  }
  if (load) parent_failed(now, *load, peer.handle, FallbackReason::kLack);
  if (dawdles) end_peer(now, peer, PeerEnd::kTimedOut, FallbackReason::kLack);
  return true;
}

MutableBytes Engine::Impl::reserve_channel_binary(PeerHandle handle, size_t size) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open || !peer->requester) return {};
  Transfer* transfer = peer->requester->transfer();
  if (transfer != nullptr && transfer->buffer != nullptr) {
    // Most segments get all of their memory with the first packet.
    const size_t step = std::max(kFirstBytes, 2 * sizes_.expected(transfer->ask.segment));
    if (!cache_.grow(transfer->buffer, transfer->received + size, step)) {
      let_go(transfer->buffer);
    }
  }
  return peer->requester->room(size);
}

bool Engine::Impl::on_channel_binary(TimeMs now, PeerHandle handle, size_t size) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open) return false;
  peer->liveness.on_traffic();
  const Requester::Packet packet =
      peer->requester ? peer->requester->on_packet(now, size) : Requester::Packet::kUnexpected;
  bool failed = false;  // somebody who waited for it
  const char* offence = nullptr;
  FallbackReason reason = FallbackReason::kProtocol;
  switch (packet) {
    case Requester::Packet::kMore:
    case Requester::Packet::kComplete: {
      peer->received_bytes += size;
      peer_bytes_ += size;
      Transfer& transfer = *peer->requester->transfer();
      if (!looks_right(transfer)) {
        offence = "a segment that is not media";
        reason = FallbackReason::kWrongSegment;
        break;
      }
      if (const std::optional<LoadId> load = transfer.ask.load) {
        if (transfer.buffer != nullptr) {
          if (now - transfer.told_at >= kProgressInterval) {
            transfer.told_at = now;
            report_progress(*load, transfer);
          }
        } else {
          peer->requester->detach(*load);
          parent_failed(now, *load, handle, FallbackReason::kNoMemory);
          failed = true;
        }
      }
      if (packet == Requester::Packet::kMore) return failed;
      finish_transfer(now, *peer);
      return true;
    }
    case Requester::Packet::kEmpty:
      offence = "an empty packet";
      break;
    case Requester::Packet::kUnexpected:
      offence = "binary without a header";
      break;
    case Requester::Packet::kTooMuch:
      offence = "more bytes than announced";
      break;
    case Requester::Packet::kTooLittle:
      offence = "fewer bytes than announced";
      break;
  }
  misbehaved(now, *peer, reason, offence);
  return true;
}

void Engine::Impl::finish_transfer(TimeMs now, PeerSession& peer) {
  std::optional<Transfer> transfer = peer.requester->take_transfer(now);
  peer.ahead_after = now;
  const Segment& segment = transfer->ask.segment;
  const SegmentPtr& buffer = transfer->buffer;
  if (buffer == nullptr) {
    sizes_.measured(segment, transfer->size);
    waste(*transfer);
    return;
  }
  const bool kept = cache_.peek(segment.key) == buffer;
  Load* load = transfer->ask.load ? find_load(*transfer->ask.load) : nullptr;
  if (!kept && load == nullptr) {
    waste(*transfer);
    return;
  }
  // Transfers side by side share the line, and the player is told of the line: of all that came in
  // the meantime this was only a part.
  const uint64_t meanwhile = peer_bytes_ - transfer->bytes_before;
  const DurationMs alone =
      to_duration(to_ms(now - transfer->started_at) * static_cast<double>(transfer->size) /
                  static_cast<double>(std::max<uint64_t>(meanwhile, 1)));
  const TransferTimes times{now - alone, now};
  if (load == nullptr && at_cdn(segment.key)) {
    // Too late for the load that asked: the player gets these bytes from the CDN.
    stats_.p2p_wasted_bytes += transfer->size;
  } else {
    stats_.p2p_bytes += transfer->size;
    stats_.p2p_segments += 1;
    peer.usefulness.got();
    give_back_pause_ = kGiveBackPause;
  }
  sizes_.measured(segment, transfer->size);
  Receipt receipt;
  receipt.times = times;
  receipt.giver = peer.remote;
  if (load != nullptr) {
    receipt.load = load->id;
    receipt.kind = load->kind;
    done(*load, buffer, times);
    loads_.erase(*transfer->ask.load);
  }
  receipts_.add(cache_, segment, std::move(receipt));
  if (kept) {
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kPeer), segment.url);
  }
}

void Engine::Impl::waste(Transfer& transfer) {
  stats_.p2p_wasted_bytes += transfer.received;
  let_go(transfer.buffer);
}

void Engine::Impl::let_go(SegmentPtr& segment) {
  cache_.abandon(segment);
  segment = nullptr;
}

}  // namespace hlsmesh

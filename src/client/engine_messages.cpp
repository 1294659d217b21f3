// What peers say on their channels (protocol section 1).

#include <algorithm>
#include <utility>
#include <variant>

#include "client/engine_impl.hpp"

namespace hlsmesh {

void Engine::Impl::on_channel_text(TimeMs now, PeerHandle handle, std::string_view text) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open) return;
  const peer::ParseResult parsed = peer::parse(text);
  const auto* message = std::get_if<peer::Message>(&parsed);
  if (message == nullptr) {
    misbehaved(now, *peer, FallbackReason::kProtocol,
               peer::to_string(*std::get_if<peer::ParseError>(&parsed)));
    settle(now);
    return;
  }
  peer->liveness.on_traffic();
  if (const auto* keep_alive = std::get_if<peer::KeepAlive>(message)) {
    on_keep_alive(now, *peer, *keep_alive);
  } else if (const auto* ack = std::get_if<peer::KeepAliveAck>(message)) {
    on_keep_alive_ack(now, *peer, *ack);
  } else if (const auto* request = std::get_if<peer::Request>(message)) {
    on_request(now, *peer, *request);
  } else if (const auto* binary = std::get_if<peer::Binary>(message)) {
    on_binary_header(now, *peer, *binary);
  } else if (const auto* lack = std::get_if<peer::Lack>(message)) {
    on_lack(now, *peer, *lack);
  } else if (std::holds_alternative<peer::Close>(*message)) {
    end_peer(now, *peer, PeerEnd::kClosedByPeer, FallbackReason::kPeerLost);
  } else if (std::holds_alternative<peer::Error>(*message)) {
    end_peer(now, *peer, PeerEnd::kFailed, FallbackReason::kPeerLost);
  }
  settle(now);
  peer = find_peer(handle);
  if (peer != nullptr && peer->channel.flooded()) {
    misbehaved(now, *peer, FallbackReason::kProtocol, "floods us with messages");
    settle(now);
  }
}

std::optional<MediaSequence> Engine::Impl::own_current() const {
  const MediaSequence newest = cache_.newest();
  return newest.value() < 0 ? std::nullopt : std::optional(newest);
}

void Engine::Impl::heard_current(TimeMs now, PeerSession& peer,
                                 std::optional<MediaSequence> current) {
  if (!current) return;
  peer.current = current;
  peer.current_at = now;
}

void Engine::Impl::heard_level(TimeMs now, PeerSession& peer, std::optional<int32_t> level) {
  if (!level || *level <= peer.level) return;
  peer.level = *level;
  if (peer.requester) peer.requester->on_level(now);
}

void Engine::Impl::on_keep_alive(TimeMs now, PeerSession& peer, const peer::KeepAlive& message) {
  peer.liveness.on_spoken();
  heard_current(now, peer, message.current);
  heard_level(now, peer, message.hlsmesh);
  peer.channel.send(now, peer::KeepAliveAck{own_current(), peer::kExtensionLevel});
}

void Engine::Impl::on_keep_alive_ack(TimeMs now, PeerSession& peer,
                                     const peer::KeepAliveAck& message) {
  peer.liveness.on_spoken();
  peer.liveness.on_ack(now);
  heard_current(now, peer, message.current);
  heard_level(now, peer, message.hlsmesh);
}

void Engine::Impl::on_request(TimeMs now, PeerSession& peer, const peer::Request& message) {
  if (!peer.uploader) {
    // A parent does not ask; but whoever asks is answered.
    peer::Lack lack;
    lack.url = message.url;
    lack.sn = message.sn;
    lack.rendition = message.rendition;
    peer.channel.send(now, lack);
    return;
  }
  if (!peer.uploader->on_request(now, message)) {
    misbehaved(now, peer, FallbackReason::kProtocol, "too many requests unanswered");
  }
  // settle() answers it.
}

void Engine::Impl::on_binary_header(TimeMs now, PeerSession& peer, const peer::Binary& message) {
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
  if (message.attachments <= 0 || message.size <= 0 || message.size > peer::kMaxSegmentBytes ||
      static_cast<uint64_t>(message.size) > cache_.budget()) {
    misbehaved(now, peer, FallbackReason::kWrongSegment, "a segment of impossible size");
    return;
  }
  Transfer& transfer = *requester.transfer();
  if (!transfer.ask.segment.may_have(transfer.size)) {
    misbehaved(now, peer, FallbackReason::kWrongSegment, "a byte range of another length");
    return;
  }
  transfer.bytes_before = peer_bytes_;
  const std::optional<LoadId> load = transfer.ask.load;
  if (load || wanted(transfer.ask.segment.key)) {
    transfer.buffer = cache_.begin(transfer.ask.segment, transfer.size);
  }
  if (!load) return;
  if (transfer.buffer == nullptr) {
    requester.detach(*load);
    parent_failed(now, *load, peer.handle, FallbackReason::kNoMemory);
    return;
  }
  report_progress(*load, transfer);
}

void Engine::Impl::report_progress(LoadId load, const Transfer& transfer) {
  Command command;
  command.kind = CommandKind::kLoadProgress;
  command.load = load;
  command.code = static_cast<int32_t>(transfer.received);
  command.aux = static_cast<double>(transfer.size);
  commands_.push(command);
}

void Engine::Impl::on_lack(TimeMs now, PeerSession& peer, const peer::Lack& message) {
  heard_current(now, peer, message.current);
  if (!peer.requester) return;
  std::optional<LoadId> load;
  if (peer.requester->on_lack(message, load) == Requester::Refusal::kCurrent && load) {
    if (not_yet(now, *load, message)) {
      Load& waiting = *find_load(*load);
      waiting.state = Load::State::kWaiting;
      waiting.due = now;
      return;
    }
    parent_failed(now, *load, peer.handle, FallbackReason::kLack);
  }
}

MutableBytes Engine::Impl::reserve_channel_binary(PeerHandle handle, size_t size) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open || !peer->requester) return {};
  return peer->requester->room(size);
}

void Engine::Impl::on_channel_binary(TimeMs now, PeerHandle handle, size_t size) {
  PeerSession* peer = find_peer(handle);
  if (peer == nullptr || !peer->open) return;
  peer->liveness.on_traffic();
  const Requester::Packet packet =
      peer->requester ? peer->requester->on_packet(now, size) : Requester::Packet::kUnexpected;
  const char* offence = nullptr;
  switch (packet) {
    case Requester::Packet::kMore:
    case Requester::Packet::kComplete: {
      peer->received_bytes += size;
      peer_bytes_ += size;
      const Transfer& transfer = *peer->requester->transfer();
      if (transfer.ask.load) report_progress(*transfer.ask.load, transfer);
      if (packet == Requester::Packet::kMore) return;
      finish_transfer(now, *peer);
      settle(now);
      return;
    }
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
  misbehaved(now, *peer, FallbackReason::kProtocol, offence);
  settle(now);
}

void Engine::Impl::finish_transfer(TimeMs now, PeerSession& peer) {
  std::optional<Transfer> transfer = peer.requester->take_transfer(now);
  peer.ahead_after = now;
  const Segment& segment = transfer->ask.segment;
  const SegmentPtr& buffer = transfer->buffer;
  if (buffer == nullptr) {
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
  const TransferTimes times{now - alone, now, load == nullptr};
  if (load == nullptr && at_cdn(segment.key)) {
    // Too late for the load that asked: the player gets these bytes from the CDN.
    stats_.p2p_wasted_bytes += transfer->size;
  } else {
    stats_.p2p_bytes += transfer->size;
    stats_.p2p_segments += 1;
  }
  sizes_.measured(segment, transfer->size);
  if (load != nullptr) {
    done(*load, buffer, LoadSource::kPeer, times);
    loads_.erase(*transfer->ask.load);
  }
  if (kept) {
    transfer_log_.add(cache_, segment.key, times);
    event(EventCode::kSegmentCached, PeerHandle(), LoadId(), static_cast<double>(LoadSource::kPeer),
          segment.url);
  }
}

void Engine::Impl::waste(Transfer& transfer) {
  stats_.p2p_wasted_bytes += transfer.received;
  cache_.abandon(transfer.buffer);
  transfer.buffer = nullptr;
}

}  // namespace hlsmesh

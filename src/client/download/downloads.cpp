#include "client/download/downloads.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "client/download/looks.hpp"

namespace hlsmesh {
namespace {

// A parent of extension 1 or higher has shown it within a round trip of opening; one that has not
// by then is of version 1.
constexpr DurationMs kLevelShown{1'000};

// Memory that a segment of unknown size gets with its first packet.
constexpr size_t kFirstBytes = 256 * 1024;

// Packets of an honest parent have 1 KB or more on average, whatever limit its browser has; a few
// short ones beyond that are no matter. Each packet costs the page an event, whatever is in it.
constexpr int64_t kLeastPacketBytes = 1024;
constexpr int64_t kSparePackets = 128;

bool was_tried(const std::list<PeerHandle>& tried, PeerHandle peer) {
  return std::find(tried.begin(), tried.end(), peer) != tried.end();
}

}  // namespace

// One that is idle has what nobody waits for, and goes with the next sweep().
Download& Downloads::of(const Segment& segment, TrackKind kind) {
  if (Download* const found = find(segment.key)) return *found;
  return downloads_.emplace_back(segment, kind);
}

Download* Downloads::find(const SegmentKey& key) {
  for (Download& each : downloads_) {
    if (each.segment.key == key && !each.idle()) return &each;
  }
  return nullptr;
}

void Downloads::supersede(const SegmentKey& key) {
  for (Parent* parent : parents_) {
    Transfer* const transfer = parent->requester.transfer();
    if (transfer != nullptr && !transfer->ask.load && transfer->ask.segment.key == key) {
      let_go(*transfer);
    }
  }
}

void Downloads::sweep() {
  for (auto each = downloads_.begin(); each != downloads_.end();) {
    if (!each->idle()) {
      ++each;
      continue;
    }
    stats_.p2p_wasted_bytes += each->peer_bytes;
    shelf.cache.abandon(each->body);
    each = downloads_.erase(each);
  }
}

void Downloads::count_gift(Download& download) {
  stats_.p2p_bytes += std::exchange(download.peer_bytes, 0);
  for (Parent* parent : parents_) {
    if (has_given(download.deliveries, parent->id)) {
      parent->usefulness.got();
    }
  }
}

void Downloads::forget(std::string_view rendition) {
  for (Parent* parent : parents_) parent->requester.forget(rendition);
}

void Downloads::add(Parent& parent) {
  auto next = parents_.begin();
  while (next != parents_.end() && (*next)->peer < parent.peer) ++next;
  parents_.insert(next, &parent);
}

void Downloads::remove(TimeMs now, Parent& parent, FallbackReason reason) {
  const std::optional<LoadId> load = parent.requester.load();
  if (std::optional<Transfer> transfer = parent.requester.take_transfer(now)) waste(*transfer);
  parent.requester.stop();
  parents_.erase(std::find(parents_.begin(), parents_.end(), &parent));
  if (load) fail(parent, *load, reason);
}

Parent* Downloads::parent(PeerHandle peer) const {
  for (Parent* each : parents_) {
    if (each->peer == peer) return each;
  }
  return nullptr;
}

TimeMs Downloads::asked_from(const Parent& parent, const Wish& wish) const {
  if (parent.link.extension >= 1) return TimeMs();
  // Protocol section 1: the key of version 1 may be `url` alone.
  const std::string& url = wish.segment.url;
  if (wish.secret || url.size() > peer::kMaxUrlBytes || !renditions_.url_is_unique(url)) {
    return kNever;
  }
  // A parent of extension 1 that shows it late must not hear more than the file name.
  const bool plain = url.find_first_of("/?") == std::string::npos;
  return plain ? TimeMs() : parent.link.opened_at + kLevelShown;
}

std::list<Candidate> Downloads::candidates(TimeMs now, const Wish& wish,
                                           const std::list<PeerHandle>& tried, double believable) {
  std::list<Candidate> found;
  // Without its digest, what they bring could not be told from anything else.
  if (shelf.trust.demands(wish.segment.key) && shelf.trust.of(now, wish.segment) == nullptr) {
    return found;
  }
  for (const Parent* parent : parents_) {
    const Requester& requester = parent->requester;
    const Link& link = parent->link;
    // Who exchanges pieces is asked for them (Mesh).
    if (link.extension >= peer::kPieceExtension) continue;
    if (was_tried(tried, parent->peer) || now < asked_from(*parent, wish)) continue;
    if (!link.may_have(now, wish.segment.key.sn)) continue;
    if (link.current && static_cast<double>(link.current->value()) > believable) continue;
    if (requester.resting(now)) continue;  // nor is it worth waiting for
    Candidate candidate;
    candidate.peer = parent->peer;
    candidate.busy = !requester.idle();
    candidate.ready_in = std::max(DurationMs::zero(), requester.ready_at() - now);
    candidate.free_in = requester.remaining(now).value_or(DurationMs::zero());
    candidate.bytes_per_ms = requester.bytes_per_ms(now);
    candidate.proven = requester.proven();
    candidate.round_trip = link.liveness.round_trip().value_or(DurationMs::zero());
    found.push_back(candidate);
  }
  return found;
}

TimeMs Downloads::hope(TimeMs now, const Wish& wish, const std::list<PeerHandle>& tried) {
  TimeMs until = now;
  const SegmentKey& key = wish.segment.key;
  if (!parents_.empty() && shelf.trust.demands(key) &&
      shelf.trust.of(now, wish.segment) == nullptr) {
    until = std::max(until, shelf.trust.expected_until(key));
  }
  for (const Parent* parent : parents_) {
    if (was_tried(tried, parent->peer) || now >= asked_from(*parent, wish)) continue;
    until = std::max(until, parent->link.opened_at + kLevelShown);
  }
  return until;
}

void Downloads::ask(TimeMs now, Parent& parent, const Wish& wish, std::optional<LoadId> load) {
  parent.link.channel.send(now,
                           parent.requester.ask(now, wish.segment, load, parent.link.extension >= 1,
                                                Part(of(wish), parent)));
}

void Downloads::count_misses(TimeMs now, const Wish& wish, const std::list<PeerHandle>& tried) {
  for (Parent* parent : parents_) {
    // Those that were asked in vain have been counted.
    if (was_tried(tried, parent->peer)) continue;
    if (now < asked_from(*parent, wish) || !parent->link.may_have(now, wish.segment.key.sn)) {
      parent->usefulness.missed(now);
    }
  }
}

bool Downloads::at_cdn(const SegmentKey& key) {
  const Download* const download = find(key);
  return download != nullptr && download->has_fetch();
}

bool Downloads::wanted(const SegmentKey& key) {
  return shelf.cache.peek(key) == nullptr && !at_cdn(key);
}

void Downloads::fail(const Parent& parent, LoadId load, FallbackReason reason) {
  Outcome& outcome = outcomes_.emplace_back();
  outcome.load = load;
  outcome.peer = parent.peer;
  outcome.failure = reason;
}

Downloads::Offence Downloads::on_header(TimeMs now, Parent& parent, const peer::Fields& header) {
  parent.link.on_current(now, header.current);
  Requester& requester = parent.requester;
  switch (requester.on_header(now, header)) {
    case Requester::Answer::kExpected:
      break;
    case Requester::Answer::kUnasked:
      return {"BINARY for what was not asked",
              requester.idle() ? FallbackReason::kProtocol : FallbackReason::kWrongSegment};
    case Requester::Answer::kWithinTransfer:
      return {"BINARY within a transfer"};
  }
  Transfer& transfer = *requester.transfer();
  const Segment& segment = transfer.ask.segment;
  if (header.attachments <= 0 || header.size <= 0 || header.size > peer::kMaxSegmentBytes ||
      !estimates_.sizes.plausible(segment, transfer.size)) {
    return {"a segment of impossible size", FallbackReason::kWrongSegment};
  }
  if (!segment.may_have(transfer.size)) {
    return {"a byte range of another length", FallbackReason::kWrongSegment};
  }
  if (transfer.attachments > kSparePackets + header.size / kLeastPacketBytes) {
    return {"a segment in crumbs"};
  }
  transfer.bytes_before = peer_bytes_;
  const std::optional<LoadId> load = transfer.ask.load;
  if (!transfer.ask.unwanted && (load || wanted(segment.key))) {
    // Its memory comes with its bytes: an announcement is only a word.
    transfer.buffer = shelf.cache.begin(segment, transfer.size, 0);
  }
  // What the cache could never hold goes to the player and is not kept: our limit is no fault of
  // the parent's.
  if (load && transfer.buffer == nullptr && transfer.size > shelf.cache.budget() &&
      is_sure(now, parent, segment.key)) {
    transfer.buffer = SegmentBuffer::allocate(segment, transfer.size, 0);
  }
  if (transfer.buffer == nullptr) {
    transfer.drop();
    if (load) {
      requester.detach(*load);
      fail(parent, *load, FallbackReason::kNoMemory);
    }
    return {};
  }
  // A late answer brings it once more.
  if (!transfer.ask.part) transfer.ask.part = Part(of(segment, TrackKind::kMain), parent);
  if (load) report_progress(*load, transfer);
  return {};
}

void Downloads::report_progress(LoadId load, const Transfer& transfer) {
  Command& command = commands_.push(CommandKind::kLoadProgress);
  command.load = load;
  command.code = static_cast<int32_t>(transfer.received);
  command.aux = static_cast<double>(transfer.size);
}

bool Downloads::on_lack(TimeMs now, Parent& parent, const peer::Fields& lack) {
  parent.link.on_current(now, lack.current);
  std::optional<LoadId> load;
  bool held = false;
  const Requester::Refusal refusal = parent.requester.on_lack(now, lack, load, held);
  if (refusal != Requester::Refusal::kCurrent) return refusal == Requester::Refusal::kEarlier;
  if (!load) {
    parent.usefulness.missed(now);
    return true;
  }
  fail(parent, *load, FallbackReason::kLack);
  outcomes_.back().may_come = held && !parent.requester.dawdles();
  outcomes_.back().current = lack.current;
  return true;
}

MutableBytes Downloads::room(Parent& parent, size_t size) {
  Transfer* const transfer = parent.requester.transfer();
  if (transfer != nullptr && transfer->buffer != nullptr) {
    // Most segments get all of their memory with the first packet.
    const size_t step = std::max(kFirstBytes, 2 * estimates_.sizes.expected(transfer->ask.segment));
    if (!shelf.cache.grow(transfer->buffer, transfer->received + size, step)) let_go(*transfer);
  }
  return parent.requester.room(size);
}

Downloads::Offence Downloads::on_packet(TimeMs now, Parent& parent, size_t size, bool& quiet) {
  Requester& requester = parent.requester;
  const Requester::Packet packet = requester.on_packet(now, size);
  switch (packet) {
    case Requester::Packet::kMore:
    case Requester::Packet::kComplete:
      break;
    case Requester::Packet::kEmpty:
      return {"an empty packet"};
    case Requester::Packet::kUnexpected:
      return {"binary without a header"};
    case Requester::Packet::kTooMuch:
      return {"more bytes than announced"};
    case Requester::Packet::kTooLittle:
      return {"fewer bytes than announced"};
  }
  parent.received_bytes += size;
  peer_bytes_ += size;
  Transfer& transfer = *requester.transfer();
  if (!looks_right(transfer)) {
    return {"a segment that is not media", FallbackReason::kWrongSegment};
  }
  if (packet == Requester::Packet::kComplete && transfer.buffer != nullptr) {
    const Trust::Proof proof = shelf.trust.prove(now, *transfer.buffer);
    if (proof == Trust::Proof::kRefuted) {
      return {"a segment that is not its publisher's", FallbackReason::kWrongSegment};
    }
    // The file has moved on meanwhile: nobody's fault, and no use.
    if (proof == Trust::Proof::kNone) let_go(transfer);
  }
  const std::optional<LoadId> load = transfer.ask.load;
  const bool lost = load && transfer.buffer == nullptr;
  if (lost) {
    requester.detach(*load);
    fail(parent, *load, FallbackReason::kNoMemory);
  } else if (load && now - transfer.told_at >= kProgressInterval) {
    transfer.told_at = now;
    report_progress(*load, transfer);
  }
  quiet = packet == Requester::Packet::kMore && !lost;
  if (packet == Requester::Packet::kComplete) finish(now, parent);
  return {};
}

void Downloads::finish(TimeMs now, Parent& parent) {
  std::optional<Transfer> transfer = parent.requester.take_transfer(now);
  parent.ahead_after = now;
  const Segment& segment = transfer->ask.segment;
  const SegmentPtr& buffer = transfer->buffer;
  if (buffer == nullptr) {
    estimates_.sizes.measured(segment, transfer->size);
    waste(*transfer);
    return;
  }
  const bool kept = shelf.cache.peek(segment.key) == buffer;
  const std::optional<LoadId> load = transfer->ask.load;
  // What is not in the cache goes to the player at once: nothing of it can be looked at before.
  const bool doubtful = load && !kept && !is_sure(now, parent, segment.key);
  if (doubtful) fail(parent, *load, FallbackReason::kNoMemory);
  if (!kept && (!load || doubtful)) return waste(*transfer);
  // Transfers side by side share the line, and the player is told of the line: of all that came in
  // the meantime this was only a part.
  const uint64_t meanwhile = peer_bytes_ - transfer->bytes_before;
  const DurationMs alone =
      to_duration(to_ms(now - transfer->started_at) * static_cast<double>(transfer->size) /
                  static_cast<double>(std::max<uint64_t>(meanwhile, 1)));
  Receipt receipt;
  receipt.times = TransferTimes{now - alone, now};
  const auto pieces = static_cast<uint32_t>(buffer->piece_count());
  receipt.gifts.push_back(Gift{parent.id, pieces, shelf.checks.random().below(pieces)});
  if (!load && at_cdn(segment.key)) {
    // Too late for the load that asked: the player gets these bytes from the CDN.
    stats_.p2p_wasted_bytes += transfer->size;
  } else {
    stats_.p2p_bytes += transfer->size;
    stats_.p2p_segments += 1;
    parent.usefulness.got();
  }
  estimates_.sizes.measured(segment, transfer->size);
  if (load) {
    Outcome& outcome = outcomes_.emplace_back();
    outcome.load = *load;
    outcome.kept = kept;
    receipt.kind = find(segment.key)->kind;
    if (!kept) {
      receipt.load = *load;
      answer(*load, receipt.kind, buffer, receipt.times);
    }
  }
  shelf.receipts.add(shelf.cache, segment, std::move(receipt));
  if (kept) {
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kPeer), segment.url);
  }
}

bool Downloads::is_sure(TimeMs now, const Parent& parent, const SegmentKey& key) const {
  return shelf.trust.demands(key) || shelf.checks.vouches(now, parent.id);
}

void Downloads::waste(Transfer& transfer) {
  stats_.p2p_wasted_bytes += transfer.received;
  let_go(transfer);
}

void Downloads::let_go(Transfer& transfer) {
  // Its last bytes may have shown that it is bad.
  shelf.cache.discard(transfer.buffer);
  transfer.drop();
}

bool Downloads::is_useless(TimeMs now, Parent& parent) {
  constexpr DurationMs kSoon{8'000};
  constexpr DurationMs kUselessLook{1'000};
  Transfer* const transfer = parent.requester.transfer();
  if (transfer == nullptr || transfer->ask.load || now < transfer->look_at) return false;
  transfer->look_at = now + kUselessLook;
  DurationMs of_use = kSoon;
  if (transfer->buffer != nullptr && wanted(transfer->ask.segment.key)) {
    const double ahead_s = transfer->ask.segment.span.start - shelf.playhead();
    of_use = std::max(of_use, to_duration(ahead_s * 1'000));
  }
  return parent.requester.remaining(now).value_or(DurationMs::max()) > of_use;
}

bool Downloads::on_timeout(TimeMs now, Parent& parent) {
  // Version 1 has no way to cancel a transfer but to end the connection.
  if (is_useless(now, parent)) return true;
  std::optional<LoadId> load;
  const Requester::Due due = parent.requester.on_timeout(now, load);
  if (due == Requester::Due::kRepeat) {
    parent.link.channel.send(now, parent.requester.repeated());
  } else if (load) {
    fail(parent, *load, FallbackReason::kTimeout);
  }
  return due == Requester::Due::kGone;
}

void Downloads::add_timers(const Parent& parent, Timer& timer) const {
  timer.also(parent.requester.next_due(), Wake::kAnswer);
  const Transfer* const transfer = parent.requester.transfer();
  if (transfer != nullptr && !transfer->ask.load) timer.also(transfer->look_at, Wake::kUnwanted);
}

const char* Downloads::audit(size_t asks) const {
  if (!outcomes_.empty()) return "a load has not heard what became of its segment";
  size_t parts = asks;
  for (const Parent* parent : parents_) {
    const Requester& requester = parent->requester;
    const Transfer* const transfer = requester.transfer();
    parts += requester.parts();
    if (transfer == nullptr) continue;
    if (transfer->received >= transfer->size) return "a transfer is complete and still under way";
    if (transfer->ask.load && transfer->ask.unwanted) return "a load waits for what nobody wants";
    if ((transfer->buffer != nullptr) != static_cast<bool>(transfer->ask.part)) {
      return "a transfer keeps bytes and brings nothing, or the reverse";
    }
    if (transfer->buffer == nullptr) continue;
    if (transfer->buffer->size() != transfer->size) return "a buffer has not its transfer's size";
    if (transfer->buffer->committed_bytes() != transfer->received) return "a buffer misses bytes";
  }
  for (const Download& download : downloads_) {
    if (download.loads < 0) return "a download miscounts its loads";
    for (const Source* source : download.sources) parts -= source->is_cdn() ? 0 : 1;
  }
  return parts == 0 ? nullptr : "a download miscounts its sources";
}

void Downloads::answer(LoadId load, TrackKind kind, const SegmentPtr& segment,
                       TransferTimes times) {
  Command& command = commands_.push(CommandKind::kLoadDone, segment, 0, segment->size());
  command.load = load;
  command.code = static_cast<int32_t>(LoadSource::kPeer);
  DurationMs lasted = times.end - times.first_byte;
  const double line = estimates_.cdn(kind).line_bytes_per_ms();
  if (line > 0) lasted = std::min(lasted, to_duration(static_cast<double>(segment->size()) / line));
  command.t0 = to_ms(times.end - lasted);
  command.t1 = to_ms(times.end);
}

}  // namespace hlsmesh

#include "client/peers/children.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh {
namespace {

// A busy page reports a drained channel late by this, in milliseconds, at most.
constexpr double kReportMs = 100;

// What may wait in all channels together, in milliseconds of the line and in bytes at least: pieces
// that come later, for a child that comes first, wait behind it.
constexpr double kLineMs = 50;
// Segments whose sent pieces are remembered: of two tracks those that viewers load at one time.
constexpr size_t kMostSpreads = 6;
constexpr size_t kLeastLine = 64 * 1024;

// Who tells of pieces in order is this many ahead of the first that it has not sent, so that
// several neighbors have something to ask for; and tells of so many at a time.
constexpr uint32_t kTellAhead = 12;
constexpr uint32_t kTellStep = 4;

}  // namespace

void Children::pump(TimeMs now) {
  for (const bool all : {false, true}) {
    for (auto& [handle, child] : table_) {
      if (!child.open() || !child.uploader) continue;
      if (all || !ledger_.has_more(now, child.number)) pump(now, child);
    }
  }
  pump_pieces(now);
}

void Children::pump_pieces(TimeMs now, const SegmentPtr& body) {
  for (auto& [handle, session] : table_) {
    if (session.open() && !session.orders.empty()) {
      session.orders.tell(now, session.link.channel, *this, body);
    }
  }
  send_pieces(now);
}

// One message for each in turn, so that all get their share of the line.
void Children::send_pieces(TimeMs now) {
  line_refused_ = false;
  // What nobody has had of us comes first: those who get it pass it on.
  for (const bool again : {false, true}) {
    bool any = true;
    while (any) {
      any = false;
      for (const bool wrapped : {false, true}) {
        const PeerHandle from = turn_;
        for (auto& [handle, session] : table_) {
          // Packets of a transfer follow one another.
          if (!session.open() || (session.uploader && !session.uploader->idle())) continue;
          if ((from < handle) == wrapped) continue;
          const size_t sent = session.orders.send(now, session.link.channel, *this, again);
          if (sent == 0) continue;
          session.sent_bytes += sent;
          stats_.upload_bytes += sent;
          turn_ = handle;
          any = true;
        }
      }
    }
  }
  if (line_refused_ == line_full_) return;
  line_full_ = line_refused_;
  if (line_full_) {
    turns_.uplink.on_full(now);
  } else {
    turns_.uplink.on_lost();
  }
}

void Children::pump(TimeMs now, PeerSession& child) {
  Channel& channel = child.link.channel;
  channel.set_drain(turns_.uplink.bytes_per_ms() * kReportMs);
  const bool fresh = child.sent_bytes == 0;
  const size_t sent = child.uploader->pump(now, channel, *this);
  // Of a channel that was never used it is certain how much waits in it.
  if (fresh && sent > 0 && !child.uploader->idle()) {
    child.full = true;
    turns_.uplink.on_full(now);
  }
  child.sent_bytes += sent;
  stats_.upload_bytes += sent;
}

void Children::pass_on(TimeMs now, const SegmentPtr& body) {
  for (auto& [handle, session] : table_) {
    if (session.open() && session.orders.waits_for(body)) return pump_pieces(now, body);
  }
}

Children::Spread& Children::spread_of(const SegmentBuffer& body) {
  const SegmentKey& key = body.segment().key;
  for (Spread& spread : spreads_) {
    if (spread.key == key) return spread;
  }
  if (spreads_.size() >= kMostSpreads) spreads_.pop_front();
  return spreads_.emplace_back(Spread{key});
}

PieceSet Children::doubted(TimeMs now, const SegmentBuffer& body) {
  PieceSet out;
  downloads_.for_each([&](const Download& download) {
    if (download.body.get() == &body) out = download.doubted;
  });
  if (body.complete()) {
    out = downloads_.shelf.vouches(now, body.segment().key) ? PieceSet() : PieceSet::all();
  }
  return out;
}

uint32_t Children::told_before(TimeMs now, const SegmentBuffer& body, PieceSet held) {
  if (!in_order_) return PieceSet::kMost;
  Spread& spread = spread_of(body);
  if (spread.told_at == kNever) spread.told_at = now;
  // Whoever comes later than that may need any of it.
  if (to_ms(now - spread.told_at) > body.segment().span.duration * 1'000) return PieceSet::kMost;
  // What it has from others it does not ask for, so that it would never be sent.
  held.add(spread.sent);
  return held.run_end(0) / kTellStep * kTellStep + kTellAhead;
}

void Children::add_held(PeerHandle neighbor, const SegmentBuffer& body, PieceSet& held) {
  for (const PieceAsk& ask : table_.find(neighbor)->neighbor.asks.all()) {
    if (ask.download().segment.key == body.segment().key) held.add(ask.has);
  }
}

bool Children::line_has_room(TimeMs now, PeerHandle to, size_t bytes) {
  if (!turns_.may_send(now, table_.find(to)->number)) return false;
  size_t queued = 0;
  for (const auto& [handle, session] : table_) {
    const Channel& channel = session.link.channel;
    if (session.open() && !channel.stuck(now)) queued += channel.queued();
  }
  const double most = turns_.uplink.bytes_per_ms() * kLineMs;
  bool has_room = queued == 0 || queued + bytes <= std::max(kLeastLine, static_cast<size_t>(most));
  line_refused_ |= !has_room;
  return has_room;
}

void Children::on_writable(TimeMs now, PeerSession& session, size_t gone) {
  if (session.full) {
    turns_.uplink.on_drained(now, session.handle, gone);
  } else if (line_full_) {
    turns_.uplink.on_drained(now, session.handle, gone);
    turns_.uplink.on_full(now);
  }
  session.full = false;
  if (session.uploader) {
    session.uploader->on_progress(now);
    pump(now, session);
    // Only now is it certain how much waits in the channel.
    session.full = !session.uploader->idle();
  }
  if (session.full) {
    turns_.uplink.on_full(now);
    pump_pieces(now);
  } else {
    pump(now);  // the line is free for others
  }
}

void Children::on_ended(PeerSession& child) {
  if (std::exchange(child.full, false)) turns_.uplink.on_lost();
}

int32_t Children::served(TimeMs now) const {
  // Whoever takes nothing for this long keeps nobody else waiting.
  constexpr DurationMs kStuck{2'000};
  int32_t count = 0;
  for (const auto& [handle, child] : table_) {
    const std::optional<Uploader>& uploader = child.uploader;
    count +=
        child.open() && uploader && !uploader->idle() && now - uploader->progress_at() < kStuck;
  }
  return count;
}

SegmentPtr Children::find(TimeMs now, const peer::Fields& request) {
  return downloads_.shelf.find(now, request);
}

bool Children::coming(TimeMs now, const peer::Fields& request) {
  if (!serves()) return false;
  return downloads_.any([&](const Segment& segment) {
    return downloads_.shelf.is_meant(now, request, segment);
  }) || downloads_.shelf.is_next(now, request) ||
         downloads_.shelf.awaits_proof(now, request);
}

SegmentPtr Children::find_any(TimeMs now, const peer::Fields& want) {
  if (!serves()) return nullptr;
  if (SegmentPtr found = find(now, want)) return found;
  SegmentPtr body;
  downloads_.for_each([&](const Download& download) {
    if (download.looked && downloads_.shelf.trust.admits(*download.body) &&
        !downloads_.shelf.receipts.refused(download.segment.key) &&
        downloads_.shelf.is_meant(now, want, download.segment)) {
      body = download.body;
    }
  });
  return body;
}

bool Children::may_give(const SegmentPtr& body) {
  if (!serves()) return false;
  const SegmentKey& key = body->segment().key;
  if (downloads_.shelf.receipts.refused(key) || !downloads_.shelf.trust.admits(*body)) return false;
  if (downloads_.shelf.cache.peek(key) == body) return true;
  bool comes = false;
  downloads_.for_each([&](const Download& download) { comes |= download.body == body; });
  return comes;
}

bool Children::may_begin(TimeMs now, PeerHandle to, SegmentBuffer& segment) {
  const int32_t number = table_.find(to)->number;
  return !segment.was_given(number) || ledger_.may_repeat(now, number, true);
}

void Children::note_given(PeerHandle to, SegmentBuffer& segment) {
  segment.give(table_.find(to)->number);
}

bool Children::admit(TimeMs now, PeerHandle to, SegmentBuffer&, size_t bytes) {
  return turns_.admit(now, {to, table_.find(to)->number}, bytes);
}

MediaSequence Children::newest(TimeMs now) { return downloads_.shelf.newest(now); }

SegmentShelf::Turn Children::turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) {
  const Turns::Child whose{child, table_.find(child)->number};
  return turns_.take(now, whose, served(now), segment, last);
}

}  // namespace hlsmesh

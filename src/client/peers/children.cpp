#include "client/peers/children.hpp"

#include <utility>

namespace hlsmesh {
namespace {

// A busy page reports a drained channel late by this, in milliseconds, at most.
constexpr double kReportMs = 100;

}  // namespace

void Children::pump(TimeMs now) {
  for (const bool all : {false, true}) {
    for (auto& [handle, child] : table_) {
      if (!child.open() || !child.uploader) continue;
      if (all || !ledger_.has_more(now, child.child)) pump(now, child);
    }
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

void Children::on_writable(TimeMs now, PeerSession& child, size_t gone) {
  child.uploader->on_progress(now);
  if (child.full) turns_.uplink.on_drained(now, child.handle, gone);
  pump(now, child);
  // Only now is it certain how much waits in the channel.
  child.full = !child.uploader->idle();
  if (child.full) {
    turns_.uplink.on_full(now);
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
  return downloads_.any([&](const Segment& segment) {
    return downloads_.shelf.is_meant(now, request, segment);
  }) || downloads_.shelf.is_next(now, request);
}

MediaSequence Children::newest(TimeMs now) { return downloads_.shelf.newest(now); }

SegmentShelf::Turn Children::turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) {
  const Turns::Child whose{child, table_.find(child)->child};
  return turns_.take(now, whose, served(now), segment, last);
}

}  // namespace hlsmesh

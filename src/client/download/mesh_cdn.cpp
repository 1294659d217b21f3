// What the CDN brings of segments that neighbors have.

#include <algorithm>
#include <cmath>

#include "client/download/mesh.hpp"

namespace hlsmesh {
namespace {

// A parent that has said nothing of a segment for this long has kept us waiting for it.
constexpr DurationMs kSilentFor{1'000};

// Whoever holds some of a segment has said so within this time.
constexpr DurationMs kWord{400};

// The time in which whoever has sent nothing so far may send a piece.
constexpr double kUnknownMs = 400;

// What the CDN is about to bring: neighbors would not be sooner.
constexpr uint32_t kNextPieces = 2;

}  // namespace

Gifts gifts_of(const Download& download, Random& random) {
  Gifts gifts;
  for (const Delivery& each : download.deliveries) {
    if (each.pieces.empty()) continue;
    PieceSet own = each.pieces;
    own.remove(download.mixed);
    uint32_t probe = own.first();
    if (!own.empty()) {
      for (uint32_t left = random.below(own.count()); left > 0; --left)
        probe = own.first(probe + 1);
    }
    gifts.push_back(Gift{each.giver, each.pieces.count(), probe});
  }
  return gifts;
}

FetchRange Mesh::rest(const Download& download, bool all) const {
  const SegmentPtr& body = download.body;
  if (body == nullptr || body->open() || download.here.empty()) return {};
  // Up to where something is here, or is going to be.
  PieceSet near = download.here;
  for (const Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr) continue;
    if (ask->size != 0 && ask->size != body->size()) return {};
    near.add(ask->left);
  }
  const PieceSet gap = missing(download);
  if (gap.empty()) return {};
  const uint32_t last = gap.last();
  uint32_t first = gap.first();
  if (!all) first = std::max(first, gap.first(near.last() + 1));
  if (first > last) first = gap.first();
  FetchRange range;
  range.from = static_cast<size_t>(first) * peer::kWirePieceBytes;
  range.to = last + 1 == peer::pieces_in(body->size())
                 ? 0
                 : (static_cast<size_t>(last) + 1) * peer::kWirePieceBytes;
  return range;
}

void Mesh::miss(TimeMs now, const Download& download, TimeMs asked_at) {
  for (Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || ask->gave) continue;
    Parent* const parent = downloads_.parent(neighbor->peer);
    if (parent != nullptr) parent->usefulness.missed(now);
    // It has said neither that it comes nor that it does not.
    const bool waited = ask->size == 0 && now - ask->opened_at >= kSilentFor;
    if (waited && neighbor->is_parent && is_to_blame(*neighbor, download.segment.key)) {
      neighbor->asks.on_vain(1);
    }
    if (asked_at != kNever && neighbor->is_parent && ask->size == 0) {
      neighbor->asks.listen(*ask, asked_at);
    }
  }
}

void Mesh::give_up(TimeMs now, Download& download, const FetchRange& range, TimeMs asked_at) {
  miss(now, download, range.whole() ? asked_at : kNever);
  if (range.whole()) return drop(now, download);
  PieceSet& cut = download.at_cdn;
  cut = PieceSet::all();
  if (range.to > 0) cut.cut(peer::pieces_in(range.to));
  for (uint32_t at = 0; at < range.from / peer::kWirePieceBytes; ++at) cut.remove(at);
  take_back(now, download, cut);
}

// What comes once more counts for the CDN.
bool Mesh::replace(Download& download, size_t from, size_t to, bool over) {
  const bool all = to >= download.body->expected();
  const auto first = static_cast<uint32_t>(from / peer::kWirePieceBytes);
  const auto end = static_cast<uint32_t>(to / peer::kWirePieceBytes);
  const bool amid = from % peer::kWirePieceBytes > 0;
  PieceSet again = PieceSet::all(all ? PieceSet::kMost : end);
  again.remove(PieceSet::all(amid && !over ? first + 1 : first));
  again.keep(download.here);
  if (amid && !over && download.here.has(first)) download.mixed.add(first);
  download.mixed.remove(again);
  if (!amid || end > first) over = download.here.has(end);
  if (!all && to % peer::kWirePieceBytes > 0 && over) download.mixed.add(end);
  for (Delivery& each : download.deliveries) each.pieces.remove(again);
  const uint64_t twice =
      std::min(download.peer_bytes, uint64_t{again.count()} * peer::kWirePieceBytes);
  download.peer_bytes -= twice;
  stats_.p2p_wasted_bytes += twice;
  return over;
}

bool Mesh::may_help(TimeMs now, const Download& download) const {
  for (const Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr) continue;
    if (ask->size == 0 ? now - ask->opened_at < kWord : !ask->has.empty()) return true;
  }
  return false;
}

void Mesh::bring_end(TimeMs now, Download& download, size_t arrived, double bytes_per_ms) {
  download.cdn_rate = bytes_per_ms;
  download.at_cdn = PieceSet();
  const auto next = static_cast<uint32_t>(arrived / peer::kWirePieceBytes);
  download.at_cdn.add(0, std::min(next + kNextPieces, PieceSet::kMost) - 1);
  settle_size(download);
  take_back(now, download, download.at_cdn);
  feed(now, download);
}

// What the head says of an encoded body is another size than neighbors say.
void Mesh::settle_size(const Download& download) const {
  const SegmentPtr& body = download.body;
  if (download.from_end() && body != nullptr && body->open() &&
      votes(download, body->expected()) > 0) {
    body->end(body->expected());
  }
}

uint32_t Mesh::reach(const Download& download, const Neighbor& neighbor) {
  const double ms = neighbor.asks.proven() ? neighbor.asks.piece_ms() : kUnknownMs;
  const double pieces = download.cdn_rate * ms / peer::kWirePieceBytes;
  const auto most = static_cast<double>(PieceSet::kMost);
  return static_cast<uint32_t>(std::min(download.at_cdn.last() + 1 + std::ceil(pieces), most));
}

void Mesh::take_back(TimeMs now, const Download& download, const PieceSet& pieces) {
  for (Neighbor* neighbor : neighbors_) {
    PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || !ask->left.intersects(pieces)) continue;
    PieceSet theirs = ask->left;
    theirs.keep(pieces);
    neighbor->link.channel.send(now, neighbor->asks.cancel(*ask, theirs));
  }
}

}  // namespace hlsmesh

// Pieces that must have their publisher's digests.

#include "client/download/mesh.hpp"

namespace hlsmesh {

static_assert(kDigestedBytes == peer::kWirePieceBytes);

bool Mesh::find_digests(TimeMs now, Download& download) {
  const PublishedDigest* const published = downloads_.shelf.trust.of(now, download.segment);
  if (published == nullptr) return false;
  for (Neighbor* neighbor : neighbors_) {
    PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || ask->digests == nullptr || ask->size != published->size ||
        ask->digests_come < ask->digests->count()) {
      continue;
    }
    if (ask->digests->digest() == published->digest) {
      download.body->set_digests(ask->digests);
      return true;
    }
    // They came before the publisher's file.
    neighbor->words.refuse(now, download.segment.key, true);
    neighbor->asks.on_vain(1);
    close(now, *neighbor, *ask);
  }
  return false;
}

// Whoever was asked for them, unless that is too long ago; else the first who holds pieces.
Neighbor* Mesh::giver_of_digests(TimeMs now, const Download& download) const {
  Neighbor* holder = nullptr;
  Neighbor* late = nullptr;
  for (Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || ask->size != download.body->expected() ||
        !ask->has.intersects(missing(download))) {
      continue;
    }
    if (now < ask->digests_until) return neighbor;
    Neighbor*& place = ask->digests == nullptr ? holder : late;
    if (place == nullptr) place = neighbor;
  }
  return holder != nullptr ? holder : late;
}

// A relay has checked what it passes on, so whoever sends a wrong piece has made it so.
Downloads::Offence Mesh::check(const Download& download, uint32_t first, size_t bytes) const {
  const SegmentBuffer& body = *download.body;
  if (!downloads_.shelf.trust.demands(download.segment.key)) return {};
  if (body.digests() == nullptr) return {"pieces before their digests"};
  const size_t offset = size_t{first} * peer::kWirePieceBytes;
  if (body.digests()->fit(first, body.bytes().subspan(offset, bytes))) return {};
  return {"a piece that is not its publisher's", FallbackReason::kWrongSegment, true};
}

Downloads::Offence Mesh::on_digests(TimeMs now, Neighbor& neighbor, size_t bytes) {
  const size_t count = bytes / sizeof(Digest);
  PieceAsk* const ask = neighbor.asks.find(header_.transfer);
  const bool fits = count > 0 && bytes % sizeof(Digest) == 0 && (ask == nullptr || has_room_);
  if (!neighbor.asks.on_digests(count) || !fits) return {"digests that were not asked for"};
  if (ask == nullptr) return {};  // they crossed our CANCEL
  ask->digests_come += count;
  ask->look_at = now;
  Download& download = ask->download();
  const PublishedDigest* const published = downloads_.shelf.trust.of(now, download.segment);
  const bool all = ask->digests_come == ask->digests->count();
  if (all && published != nullptr && ask->digests->digest() != published->digest) {
    return {"digests that are not its publisher's", FallbackReason::kWrongSegment};
  }
  feed(now, download);
  return {};
}

void Mesh::on_digests(TimeMs now) {
  downloads_.for_each([&](Download& download) { feed(now, download); });
}

}  // namespace hlsmesh

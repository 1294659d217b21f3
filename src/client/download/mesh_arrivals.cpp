// What neighbors send.

#include <algorithm>
#include <cassert>

#include "client/download/looks.hpp"
#include "client/download/mesh.hpp"
#include "media/segment_key.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh {
namespace {

// Words that one input brings: one, unless nothing takes them.
constexpr size_t kMostFresh = 4;

// Whoever refuses later than this has kept us waiting.
constexpr DurationMs kLateLack{1'000};

PieceSet run_of(uint32_t first, uint32_t count) {
  PieceSet run;
  run.add(first, first + count - 1);
  return run;
}

}  // namespace

// --- words

bool Mesh::on_have(TimeMs now, Neighbor& neighbor, const peer::Fields& have) {
  neighbor.passes_on = true;
  if (have.transfer == 0) {
    if (!have.rendition || !have.sn) return false;
    const SegmentKey key = key_of(*have.rendition, *have.sn);
    if (neighbor.words.on_word(now, key) && fresh_words_.size() < kMostFresh) {
      fresh_words_.push_back(key);
    }
    return false;
  }
  if (const auto cancel = neighbor.asks.hear_have(now, have.transfer)) {
    neighbor.link.channel.send(now, *cancel);
  }
  PieceAsk* const ask = neighbor.asks.find(have.transfer);
  if (ask == nullptr) return false;  // it crossed our CANCEL
  Download& download = ask->download();
  const auto size = static_cast<size_t>(have.size);
  const bool plausible = download.segment.may_have(size) &&
                         downloads_.estimates().sizes.plausible(download.segment, size);
  const bool another = ask->size != 0 && ask->size != size;
  Trust& trust = downloads_.shelf.trust;
  const PublishedDigest* const published = trust.of(now, download.segment);
  // It has other bytes than the publisher's, or cannot show that it has those.
  const bool doubtful = (published != nullptr && published->size != size) ||
                        (!have.digests && trust.demands(download.segment.key));
  const bool first = std::exchange(ask->size, size) == 0;
  if (!plausible || another || doubtful || !prepare(now, download, size)) {
    neighbor.words.refuse(now, download.segment.key, !plausible || another || doubtful);
    close(now, neighbor, *ask);
    return false;
  }
  PieceSet news;
  peer::from_text(have.pieces, news);
  const auto count = static_cast<uint32_t>((size - 1) / peer::kWirePieceBytes + 1);
  news.cut(count);
  // It fetches the segment as we do, on a line that both may share.
  if (first && download.from_end() && news.count() < count) {
    neighbor.asks.on_late(now - ask->opened_at);
  }
  news.remove(ask->has);
  if (!news.empty()) neighbor.link.on_held(now, download.segment.key.sn);
  ask->has.add(news);
  settle_size(download);
  feed(now, download);
  return !news.empty();
}

void Mesh::on_want(TimeMs now, Neighbor& neighbor, const peer::Fields& want) {
  if (want.rendition && want.sn) neighbor.words.on_want(now, key_of(*want.rendition, *want.sn));
}

bool Mesh::prepare(TimeMs now, Download& download, size_t size) {
  if (download.body == nullptr && download.from_end()) return true;  // the CDN's is to come
  if (download.body != nullptr) {
    const size_t before = download.body->expected();
    // A size is what somebody says until some of it has come.
    if (before == size || !download.here.empty() || comes_otherwise(download) ||
        votes(download, before) >= votes(download, size)) {
      return true;
    }
    for (Neighbor* neighbor : neighbors_) {
      PieceAsk* const ask = neighbor->asks.find(download);
      if (ask == nullptr || ask->left.empty()) continue;
      const PieceSet left = ask->left;
      neighbor->link.channel.send(now, neighbor->asks.cancel(*ask, left));
    }
    let_go(download);
  }
  download.body = downloads_.shelf.cache.begin(download.segment, size, 0);
  // What the cache could never hold goes to the player and is not kept.
  if (download.body == nullptr && download.loads > 0 && size > downloads_.shelf.cache.budget()) {
    download.body = SegmentBuffer::allocate(download.segment, size, 0);
  }
  return download.body != nullptr;
}

size_t Mesh::votes(const Download& download, size_t size) const {
  size_t votes = 0;
  for (const Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    votes += ask != nullptr && ask->size == size ? 1 : 0;
  }
  return votes;
}

void Mesh::stop_listening(TimeMs now, Neighbor& neighbor) {
  neighbor.link.channel.send(now, neighbor.asks.stop_listening());
}

bool Mesh::on_lack(TimeMs now, Neighbor& neighbor, const peer::Fields& lack) {
  neighbor.link.on_current(now, lack.current);
  neighbor.asks.hear_lack(lack.transfer);
  PieceAsk* const ask = neighbor.asks.find(lack.transfer);
  if (ask == nullptr) return false;  // it crossed our CANCEL
  Download& download = ask->download();
  PieceSet pieces;
  if (lack.pieces.empty() || !peer::from_text(lack.pieces, pieces)) {
    neighbor.words.refuse(now, download.segment.key, false);
    download.failure = FallbackReason::kLack;
    // What it has a newer one of it hardly is getting.
    const bool newer = lack.current && is_behind(download.segment.key, *lack.current);
    if (download.listed && is_to_blame(neighbor, download.segment.key) &&
        now - ask->opened_at >= kLateLack && !ask->gave) {
      neighbor.asks.on_vain(newer ? 2 : 1);
    }
    if (download.loads == 0) {
      neighbor.ahead_after = now + Words::kAfterLack;
    } else if (Parent* const parent = downloads_.parent(neighbor.peer)) {
      parent->usefulness.missed(now);
    }
    neighbor.asks.end(*ask);
    feed(now, download);
    return true;
  }
  pieces.keep(ask->has);
  if (pieces.empty()) return false;
  const TimeMs asked_at = ask->asked.empty() ? now : ask->asked.front().at;
  ask->has.remove(pieces);
  ask->left.remove(pieces);
  ask->asked.remove_if([&](const PieceAsk::Asked& each) { return pieces.has(each.piece); });
  neighbor.asks.on_silence(now, asked_at);
  feed(now, download);
  return true;
}

// --- DATA

MutableBytes Mesh::room(Neighbor& neighbor, size_t size, ByteView head) {
  has_room_ = false;
  has_header_ = peer::read_data_header(head, header_);
  if (!has_header_ || size <= peer::kDataHeaderBytes) return {};
  const size_t bytes = size - peer::kDataHeaderBytes;
  PieceAsk* const ask = neighbor.asks.find(header_.transfer);
  if (header_.digests) {
    // Of another size they are of other pieces.
    if (ask == nullptr || ask->digests == nullptr || ask->size != header_.size ||
        ask->digests_come != header_.piece) {
      return {};
    }
    const MutableBytes room = ask->digests->room(header_.piece, bytes);
    has_room_ = !room.empty();
    return room;
  }
  const uint32_t count = peer::whole_pieces(header_, bytes);
  if (ask == nullptr || count == 0) return {};
  Download& download = ask->download();
  const PieceSet came = run_of(header_.piece, count);
  // The CDN writes into the same body.
  if (download.body == nullptr || download.body->expected() != header_.size ||
      download.here.intersects(came) || download.at_cdn.intersects(came) ||
      !neighbor.asks.expects(header_.transfer, came)) {
    return {};
  }
  const size_t offset = static_cast<size_t>(header_.piece) * peer::kWirePieceBytes;
  const size_t step =
      std::max<size_t>(256 * 1024, 2 * downloads_.estimates().sizes.expected(download.segment));
  if (!downloads_.shelf.cache.grow(download.body, offset + bytes, step)) return {};
  const MutableBytes room = download.body->room(offset, bytes);
  has_room_ = !room.empty();
  return room;
}

Downloads::Offence Mesh::on_data(TimeMs now, Neighbor& neighbor, size_t size, bool& quiet) {
  fresh_ = nullptr;
  quiet = true;
  if (!std::exchange(has_header_, false)) return {"binary without a header"};
  const size_t bytes = size - std::min(size, peer::kDataHeaderBytes);
  if (header_.digests) return on_digests(now, neighbor, bytes);
  const uint32_t count = bytes == 0 ? 0 : peer::whole_pieces(header_, bytes);
  if (count == 0) return {"pieces of another size"};
  const PieceSet came = run_of(header_.piece, count);
  if (!neighbor.asks.expects(header_.transfer, came)) return {"pieces that were not asked for"};
  PieceAsk* const ask = neighbor.asks.find(header_.transfer);
  if (ask != nullptr && ask->size != header_.size) {
    return {"a segment of another size", FallbackReason::kWrongSegment};
  }
  neighbor.received_bytes += bytes;
  downloads_.count_bytes(bytes);
  neighbor.asks.on_data(header_.transfer, came);
  if (ask != nullptr) {
    ask->look_at = now;
    ask->asked.remove_if([&](const PieceAsk::Asked& each) {
      if (!came.has(each.piece)) return false;
      neighbor.asks.on_piece(now - each.at);
      return true;
    });
  }
  Download* const download = ask == nullptr ? nullptr : &ask->download();
  const size_t offset = static_cast<size_t>(header_.piece) * peer::kWirePieceBytes;
  if (download != nullptr && has_room_) {
    const Downloads::Offence offence = check(*download, header_.piece, bytes);
    if (offence.what != nullptr) return offence;
  }
  if (download == nullptr || !has_room_ || !download->body->commit(offset, bytes)) {
    stats_.p2p_wasted_bytes += bytes;
    if (download != nullptr) feed(now, *download);
    return {};
  }
  download->body->note_peer();
  download->here.add(came);
  download->peer_bytes += bytes;
  Deliveries& deliveries = download->deliveries;
  Delivery* delivery = delivery_of(deliveries, neighbor.id);
  if (delivery == nullptr) delivery = &deliveries.emplace_back(Delivery{neighbor.id, {}});
  delivery->pieces.add(came);
  const bool proven = downloads_.shelf.trust.demands(download->segment.key);
  if (!proven && !downloads_.shelf.checks.vouches(now, neighbor.id)) download->doubted.add(came);
  return take(now, *download, came, bytes, quiet);
}

Downloads::Offence Mesh::take(TimeMs now, Download& download, const PieceSet& came, size_t bytes,
                              bool& quiet) {
  download.came_at = now;
  if (download.first_at == kNever) {
    download.first_at = now;
    download.bytes_before = downloads_.peer_bytes() - bytes;
  }
  // Asked twice, it is here now.
  take_back(now, download, came);
  // The first bytes show whether it may be media, before anybody else gets them.
  if (came.has(0)) {
    const size_t size = download.body->size();
    if (!looks_like_media(download.segment, download.body->bytes().first(bytes), size)) {
      quiet = false;
      fail(now, download);
      return {"a segment that is not media", FallbackReason::kWrongSegment};
    }
    download.looked = true;
  }
  if (download.looked) fresh_ = download.body;
  if (download.body->complete()) {
    quiet = false;
    finish(now, download);
    return {};
  }
  feed(now, download);
  if (download.asker.value() != 0 && now - download.told_at >= kProgressInterval) {
    download.told_at = now;
    Command& command = commands_.push(CommandKind::kLoadProgress);
    command.load = download.asker;
    command.code = static_cast<int32_t>(download.body->committed_bytes());
    command.aux = static_cast<double>(download.body->size());
  }
  return {};
}

void Mesh::finish(TimeMs now, Download& download) {
  const SegmentPtr body = download.body;
  const Segment& segment = download.segment;
  leave(now, download);
  if (!is_good(segment, body->bytes())) return fail(now, download);
  downloads_.supersede(segment.key);
  downloads_.shelf.cache.list(body);
  const uint64_t meanwhile = downloads_.peer_bytes() - download.bytes_before;
  const DurationMs alone =
      to_duration(to_ms(now - download.first_at) * static_cast<double>(body->size()) /
                  static_cast<double>(std::max<uint64_t>(meanwhile, 1)));
  Receipt receipt;
  receipt.times = TransferTimes{now - alone, now};
  receipt.gifts = gifts_of(download, downloads_.shelf.checks.random());
  downloads_.count_gift(download);
  stats_.p2p_segments += 1;
  shortage_.in_time();
  downloads_.estimates().sizes.measured(segment, body->size());
  downloads_.shelf.receipts.add(downloads_.shelf.cache, segment, std::move(receipt));
  if (downloads_.shelf.cache.peek(segment.key) == body) {
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kPeer), segment.url);
  }
}

void Mesh::fail(TimeMs now, Download& download) {
  for (Neighbor* neighbor : neighbors_) neighbor->words.refuse(now, download.segment.key, true);
  download.failure = FallbackReason::kWrongSegment;
  drop(now, download);
}

}  // namespace hlsmesh

#include "client/download/mesh.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "client/download/looks.hpp"
#include "media/segment_key.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh {
namespace {

// What is asked for lies within so many missing pieces of the first one, so that little is missing
// in few places when the CDN has to bring the rest.
constexpr uint32_t kSpan = 40;

// What is asked of one neighbor at a time where several hold what is missing: what a strong line is
// not asked for twice, others have by then.
constexpr uint32_t kAmongMany = 4;

// How often a neighbor that was asked for pieces is judged, and how many times its usual time for a
// piece it may be silent, at least kSilence.
constexpr DurationMs kJudgeEvery{100};
constexpr DurationMs kSilence{400};
constexpr double kPatience = 3;

// A neighbor that usually knows of a live segment so many milliseconds before us fetches it first.
constexpr double kLeadMs = 100;

// WANTs say at least this much.
constexpr DurationMs kLeastWithin{500};
constexpr DurationMs kMostWithin{60'000};

// Words that one input brings: one, unless nothing takes them.
constexpr size_t kMostFresh = 4;
// Words that are remembered: those of a dozen neighbors of some segments of two tracks.
constexpr size_t kMostWords = 96;

uint32_t pieces_of(size_t bytes) {
  return static_cast<uint32_t>((bytes + peer::kWirePieceBytes - 1) / peer::kWirePieceBytes);
}

bool has(const std::list<PeerHandle>& peers, PeerHandle peer) {
  return std::find(peers.begin(), peers.end(), peer) != peers.end();
}

template <class Value>
void add_once(std::list<Value>& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

PieceSet run_of(uint32_t first, uint32_t count) {
  PieceSet run;
  run.add(first, first + count - 1);
  return run;
}

}  // namespace

void Mesh::remove(Neighbor& neighbor) {
  neighbor.asks.clear();
  neighbors_.remove(&neighbor);
}

// --- asking

Mesh::Prospect Mesh::pursue(TimeMs now, const Wish& wish, const Need& need, double believable) {
  Prospect prospect;
  Download& download = downloads_.of(wish);
  const DurationMs within = std::clamp(patience_for_transfer(need), kLeastWithin, kMostWithin);
  const bool we_lead = leads();
  const Neighbor* const first = leader();
  for (Neighbor* neighbor : neighbors_) {
    if (may_open(now, *neighbor, download, believable)) open(now, *neighbor, download, within);
    const PieceAsk* const ask = neighbor->asks.find(download);
    // What a child is only getting may be waiting for us, unless it is to fetch first.
    if (ask == nullptr) continue;
    if (ask->has.empty() && (we_lead || (!neighbor->is_parent && neighbor != first))) continue;
    prospect.asked = true;
    prospect.proven |= neighbor->asks.proven();
  }
  feed(now, download);
  if (prospect.asked && download.body != nullptr && download.first_at < now) {
    const double rate =
        static_cast<double>(download.here.count()) / std::max(1.0, to_ms(now - download.first_at));
    const double missing = pieces_of(download.body->expected()) - download.here.count();
    prospect.left = to_duration(missing / std::max(rate, 1e-6));
  }
  return prospect;
}

bool Mesh::may_open(TimeMs now, const Neighbor& neighbor, const Download& download,
                    double believable) const {
  const Link& link = neighbor.link;
  if (neighbor.asks.full() || has(download.refused, neighbor.peer) ||
      const_cast<Neighbor&>(neighbor).asks.find(download) != nullptr) {
    return false;
  }
  const bool speaks_of_it = has_spoken(neighbor.peer, download.segment.key);
  return (neighbor.is_parent || speaks_of_it) && (speaks_of_it || link.may_have(now, download.segment.key.sn)) &&
         !(link.current && static_cast<double>(link.current->value()) > believable);
}

void Mesh::open(TimeMs now, Neighbor& neighbor, Download& download, DurationMs within) {
  neighbor.link.channel.send(now, neighbor.asks.open(Part(download, neighbor), within));
}

PieceSet Mesh::asked_of(const Download& download) const {
  PieceSet asked;
  for (const Neighbor* neighbor : neighbors_) {
    for (const PieceAsk& each : neighbor->asks.all()) {
      if (&each.download() == &download) asked.add(each.left);
    }
  }
  return asked;
}

void Mesh::feed(TimeMs now, Download& download) {
  if (download.body == nullptr || download.body->complete() || download.at_cdn()) return;
  PieceSet missing = PieceSet::all();
  missing.cut(pieces_of(download.body->expected()));
  missing.remove(download.here);
  // The first few missing ones, asked for or not.
  PieceSet near;
  uint32_t number = 0;
  for (uint32_t at = missing.first(); at < PieceSet::kMost && number < kSpan;
       at = missing.first(at + 1), ++number) {
    near.add(at);
  }
  missing.remove(asked_of(download));
  struct Turn {
    Neighbor* neighbor;
    PieceAsk* ask;
    PieceSet chosen;
    uint32_t outstanding;
  };
  std::list<Turn> turns;
  for (Neighbor* neighbor : neighbors_) {
    PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || !ask->has.intersects(missing)) continue;
    turns.push_back({neighbor, ask, PieceSet(), neighbor->asks.outstanding()});
  }
  while (!turns.empty() && !missing.empty()) {
    // Whoever is expected to bring one more piece first.
    Turn* best = nullptr;
    double best_ms = HUGE_VAL;
    for (Turn& turn : turns) {
      const PieceAsks& asks = turn.neighbor->asks;
      const uint32_t most = turns.size() > 1 ? std::min(asks.window(), kAmongMany) : asks.window();
      if (turn.outstanding >= most || !turn.ask->has.intersects(missing)) continue;
      const double ms = asks.piece_ms() * (turn.outstanding + 1.0) / asks.window();
      if (ms >= best_ms) continue;
      best = &turn;
      best_ms = ms;
    }
    if (best == nullptr) break;
    // Of what it holds the rarest piece among the near ones; of several any.
    PieceSet choice = best->ask->has;
    choice.keep(missing);
    PieceSet front = choice;
    front.keep(near);
    if (!front.empty()) choice = front;
    uint32_t rarest = PieceSet::kMost;
    uint32_t least = UINT32_MAX;
    uint32_t alike = 0;
    number = 0;
    for (uint32_t at = choice.first(); at < PieceSet::kMost && number < kSpan;
         at = choice.first(at + 1), ++number) {
      uint32_t holders = 0;
      for (const Turn& turn : turns) holders += turn.ask->has.has(at) ? 1 : 0;
      if (holders > least) continue;
      if (holders < least) alike = 0;
      least = holders;
      if (random_.below(++alike) == 0) rarest = at;
    }
    best->chosen.add(rarest);
    ++best->outstanding;
    missing.remove(rarest);
  }
  for (Turn& turn : turns) {
    if (turn.chosen.empty()) continue;
    if (turn.ask->left.empty()) turn.ask->look_at = now + kJudgeEvery;
    turn.neighbor->link.channel.send(now, PieceAsks::ask(now, *turn.ask, turn.chosen));
  }
}

size_t Mesh::ahead() const {
  size_t count = 0;
  downloads_.for_each([&](const Download& download) {
    count += download.loads == 0 && !download.sources.empty() ? 1 : 0;
  });
  return count;
}

FetchRange Mesh::rest(const Download& download) const {
  if (download.body == nullptr || download.body->open()) return {};
  const uint32_t count = pieces_of(download.body->size());
  PieceSet missing = PieceSet::all();
  missing.cut(count);
  missing.remove(download.here);
  if (missing.empty()) return {};
  uint32_t last = missing.first();
  for (uint32_t at = last; at < PieceSet::kMost; at = missing.first(at + 1)) last = at;
  FetchRange range;
  range.from = static_cast<size_t>(missing.first()) * peer::kWirePieceBytes;
  range.to = last + 1 == count ? 0 : (static_cast<size_t>(last) + 1) * peer::kWirePieceBytes;
  return range;
}

void Mesh::leave(TimeMs now, Download& download) {
  for (Neighbor* neighbor : neighbors_) {
    if (PieceAsk* const ask = neighbor->asks.find(download)) {
      neighbor->link.channel.send(now, neighbor->asks.close(*ask));
    }
  }
}

void Mesh::drop(TimeMs now, Download& download) {
  leave(now, download);
  if (download.body == nullptr) return;
  stats_.p2p_wasted_bytes += download.body->committed_bytes();
  downloads_.shelf.cache.abandon(download.body);
  download.body = nullptr;
  download.here = PieceSet();
  download.givers.clear();
  download.first_at = kNever;
}

void Mesh::forget(TimeMs now, std::string_view rendition) {
  downloads_.for_each([&](Download& download) {
    if (is_of(download.segment.key, rendition)) drop(now, download);
  });
}

// --- arrivals

bool Mesh::prepare(Download& download, size_t size) {
  if (download.body != nullptr) return download.body->expected() == size;
  const Segment& segment = download.segment;
  if (!segment.may_have(size) || !downloads_.estimates().sizes.plausible(segment, size)) return false;
  download.body = downloads_.shelf.cache.begin(segment, size, 0);
  return download.body != nullptr;
}

Downloads::Offence Mesh::on_have(TimeMs now, Neighbor& neighbor, const peer::Fields& have) {
  if (have.transfer == 0) {
    on_word(now, neighbor, have);
    return {};
  }
  PieceAsk* const ask = neighbor.asks.find(have.transfer);
  if (ask == nullptr) return {};  // it crossed our CANCEL
  Download& download = ask->download();
  PieceSet pieces;
  const bool said = peer::from_text(have.pieces, pieces);
  assert(said);
  static_cast<void>(said);
  pieces.cut(pieces_of(static_cast<size_t>(have.size)));
  if (!prepare(download, static_cast<size_t>(have.size))) {
    // Ours has another size, or no memory: it is of no use here.
    add_once(download.refused, neighbor.peer);
    neighbor.link.channel.send(now, neighbor.asks.close(*ask));
    return {};
  }
  ask->has.add(pieces);
  feed(now, download);
  return {};
}

void Mesh::on_word(TimeMs now, Neighbor& neighbor, const peer::Fields& message) {
  if (!message.rendition || !message.sn) return;
  const SegmentKey key = key_of(*message.rendition, *message.sn);
  if (!has_spoken(neighbor.peer, key)) {
    if (words_.size() >= kMostWords) words_.pop_front();
    words_.push_back({neighbor.peer, key, now});
  }
  if (fresh_words_.size() < kMostFresh) fresh_words_.push_back(key);
}

void Mesh::on_listed(TimeMs now, const SegmentKey& key) {
  for (Neighbor* neighbor : neighbors_) {
    double ahead = 0;
    for (const Word& word : words_) {
      if (word.peer == neighbor->peer && word.key == key) ahead = to_ms(now - word.at);
    }
    neighbor->ahead_ms += (ahead - neighbor->ahead_ms) / 4;
  }
}

Neighbor* Mesh::leader() const {
  Neighbor* leader = nullptr;
  double most = kLeadMs;
  for (Neighbor* neighbor : neighbors_) {
    if (neighbor->is_parent) return nullptr;
    if (neighbor->ahead_ms <= most) continue;
    most = neighbor->ahead_ms;
    leader = neighbor;
  }
  return leader;
}

bool Mesh::leads() const {
  return std::any_of(neighbors_.begin(), neighbors_.end(),
                     [](const Neighbor* neighbor) { return neighbor->is_parent && neighbor->we_lead; });
}

bool Mesh::has_spoken(PeerHandle peer, const SegmentKey& key) const {
  return std::any_of(words_.begin(), words_.end(), [&](const Word& word) {
    return word.peer == peer && word.key == key;
  });
}

MutableBytes Mesh::room(Neighbor& neighbor, size_t size, ByteView head) {
  has_room_ = false;
  has_header_ = peer::read_data_header(head, header_);
  if (!has_header_ || size <= peer::kDataHeaderBytes) return {};
  const size_t bytes = size - peer::kDataHeaderBytes;
  const uint32_t count = peer::whole_pieces(header_, bytes);
  PieceAsk* const ask = neighbor.asks.find(header_.transfer);
  if (ask == nullptr || count == 0) return {};
  Download& download = ask->download();
  if (download.body == nullptr || download.body->expected() != header_.size) return {};
  if (download.here.intersects(run_of(header_.piece, count))) return {};
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
  const uint32_t count = bytes == 0 ? 0 : peer::whole_pieces(header_, bytes);
  if (count == 0) return {"pieces of another size"};
  neighbor.received_bytes += bytes;
  downloads_.count_bytes(bytes);
  PieceAsk* const ask = neighbor.asks.find(header_.transfer);
  const PieceSet came = run_of(header_.piece, count);
  PieceSet late = came;
  if (ask != nullptr) late.remove(ask->left);
  // Some of them may have crossed a CANCEL.
  if (!late.empty() && !neighbor.asks.may_be_late(header_.transfer, late)) {
    return {"pieces that were not asked for"};
  }
  if (ask != nullptr) return take(now, neighbor, *ask, header_, bytes, quiet);
  stats_.p2p_wasted_bytes += bytes;
  return {};
}

Downloads::Offence Mesh::take(TimeMs now, Neighbor& neighbor, PieceAsk& ask,
                              const peer::DataHeader& header, size_t bytes, bool& quiet) {
  Download& download = ask.download();
  if (download.body == nullptr || download.body->expected() != header.size) {
    return {"a segment of another size", FallbackReason::kWrongSegment};
  }
  const PieceSet came = run_of(header.piece, pieces_of(bytes));
  ask.left.remove(came);
  ask.look_at = now + kJudgeEvery;
  ask.asked.remove_if([&](const PieceAsk::Asked& each) {
    if (!came.has(each.piece)) return false;
    neighbor.asks.on_piece(now - each.at);
    return true;
  });
  if (download.first_at == kNever) {
    download.first_at = now;
    download.bytes_before = downloads_.peer_bytes() - bytes;
  }
  const size_t offset = static_cast<size_t>(header.piece) * peer::kWirePieceBytes;
  if (!has_room_ || !download.body->commit(offset, bytes)) {
    stats_.p2p_wasted_bytes += bytes;
    return {};
  }
  download.here.add(came);
  add_once(download.givers, neighbor.id);
  // Asked twice, it is here now.
  for (Neighbor* other : neighbors_) {
    PieceAsk* const twice = other->asks.find(download);
    if (twice == nullptr || !twice->left.intersects(came)) continue;
    PieceSet here = twice->left;
    here.keep(came);
    other->link.channel.send(now, other->asks.cancel(*twice, here));
  }
  // The first bytes show whether it may be media, before anybody else gets them.
  if (header.piece == 0 &&
      !looks_like_media(download.segment, download.body->bytes().first(bytes), header.size)) {
    fail(now, download);
    quiet = false;
    return {"a segment that is not media", FallbackReason::kWrongSegment};
  }
  fresh_ = download.body;
  if (download.body->complete()) {
    finish(now, download);
    quiet = false;
    return {};
  }
  feed(now, download);
  if (download.asker.value() != 0 && now - download.told_at >= kProgressInterval) {
    download.told_at = now;
    Command& command = commands_.push(CommandKind::kLoadProgress);
    command.load = download.asker;
    command.code = static_cast<int32_t>(download.body->committed_bytes());
    command.aux = static_cast<double>(header.size);
  }
  return {};
}

void Mesh::finish(TimeMs now, Download& download) {
  const SegmentPtr body = download.body;
  const Segment& segment = download.segment;
  leave(now, download);
  if (!is_good(segment, body->bytes())) return fail(now, download);
  const uint64_t meanwhile = downloads_.peer_bytes() - download.bytes_before;
  const DurationMs alone =
      to_duration(to_ms(now - download.first_at) * static_cast<double>(body->size()) /
                  static_cast<double>(std::max<uint64_t>(meanwhile, 1)));
  Receipt receipt;
  receipt.times = TransferTimes{now - alone, now};
  receipt.givers = download.givers;
  stats_.p2p_bytes += body->size();
  stats_.p2p_segments += 1;
  downloads_.estimates().sizes.measured(segment, body->size());
  for (const PeerId& giver : download.givers) downloads_.count_gift(giver);
  downloads_.shelf.receipts.add(downloads_.shelf.cache, segment, std::move(receipt));
  if (downloads_.shelf.cache.peek(segment.key) == body) {
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kPeer), segment.url);
  }
}

// What has come is no use, and nobody is asked again for it.
void Mesh::fail(TimeMs now, Download& download) {
  for (const Neighbor* neighbor : neighbors_) add_once(download.refused, neighbor->peer);
  drop(now, download);
}

bool Mesh::on_lack(TimeMs now, Neighbor& neighbor, const peer::Fields& lack) {
  neighbor.link.on_current(now, lack.current);
  PieceAsk* const ask = neighbor.asks.find(lack.transfer);
  if (ask == nullptr) return true;  // it crossed our CANCEL
  Download& download = ask->download();
  PieceSet pieces;
  if (lack.pieces.empty() || !peer::from_text(lack.pieces, pieces)) {
    add_once(download.refused, neighbor.peer);
    if (Parent* const parent = downloads_.parent(neighbor.peer)) parent->usefulness.missed(now);
    neighbor.asks.end(*ask);
  } else {
    ask->left.remove(pieces);
    ask->has.remove(pieces);
    ask->asked.remove_if([&](const PieceAsk::Asked& each) { return pieces.has(each.piece); });
    neighbor.asks.on_silence();
  }
  feed(now, download);
  return true;
}

// --- time

void Mesh::on_timeout(TimeMs now) {
  for (Neighbor* neighbor : neighbors_) {
    for (PieceAsk& ask : neighbor->asks.all()) {
      if (now < ask.look_at || ask.asked.empty()) continue;
      ask.look_at = now + kJudgeEvery;
      const DurationMs usual = to_duration(neighbor->asks.piece_ms() * kPatience);
      if (now - ask.asked.front().at < std::max(kSilence, usual)) continue;
      // Others are asked for what they hold of it.
      Download& download = ask.download();
      PieceSet elsewhere;
      for (Neighbor* other : neighbors_) {
        const PieceAsk* const its = other == neighbor ? nullptr : other->asks.find(download);
        if (its != nullptr && its->left.count() < other->asks.window()) elsewhere.add(its->has);
      }
      elsewhere.keep(ask.left);
      neighbor->asks.on_silence();
      if (elsewhere.empty()) continue;
      neighbor->link.channel.send(now, neighbor->asks.cancel(ask, elsewhere));
      ask.has.remove(elsewhere);
      feed(now, download);
    }
  }
}

void Mesh::add_timers(Timer& timer) const {
  for (const Neighbor* neighbor : neighbors_) {
    for (const PieceAsk& ask : neighbor->asks.all()) {
      if (!ask.asked.empty()) timer.also(ask.look_at, Wake::kPieces);
    }
  }
}

size_t Mesh::asks() const {
  size_t count = 0;
  for (const Neighbor* neighbor : neighbors_) count += neighbor->asks.all().size();
  return count;
}

const char* Mesh::audit() const {
  for (const Neighbor* neighbor : neighbors_) {
    for (const PieceAsk& ask : neighbor->asks.all()) {
      if (ask.left.intersects(ask.download().here)) return "a piece is here and asked for";
      if (ask.left.count() != ask.asked.size()) return "a piece that is asked for has no time";
    }
  }
  return nullptr;
}

}  // namespace hlsmesh

// What is asked of whom.

#include "client/download/mesh.hpp"

#include <algorithm>
#include <cmath>

#include "media/segment_key.hpp"

namespace hlsmesh {
namespace {

// What is asked for lies within this many missing pieces of the first one, so that little is
// missing in few places when the CDN has to bring the rest.
constexpr uint32_t kSpan = 40;
constexpr uint32_t kSpanOfOne = 24;  // where one neighbor alone holds what is missing

// Of a segment whose beginning the CDN brings, what is asked for are the last missing pieces: a
// fetch cannot pass over what is here already.
constexpr uint32_t kTail = 16;

// What is asked of one neighbor at a time where several hold what is missing: what a strong line is
// not asked for twice, others have by then.
constexpr uint32_t kAmongMany = 4;

// How often a neighbor that was asked for pieces is judged, and how many times its usual time for a
// piece it may be silent, at least kSilence. What it did not bring is asked of it again later.
constexpr DurationMs kJudgeEvery{100};
constexpr DurationMs kSilence{400};
constexpr double kPatience = 3;
constexpr DurationMs kMoved{1'000};

// Of a download of which nothing has come for this long, nobody can tell when it will end.
constexpr DurationMs kFlows{400};

// WANTs say at least this much, and at most this, so that whoever answers none is found out.
constexpr DurationMs kLeastWithin{500};
constexpr DurationMs kMostWithin{4'000};

// The last `count` of them.
PieceSet last_of(PieceSet pieces, uint32_t count) {
  PieceSet last;
  for (; count > 0 && !pieces.empty(); --count) {
    last.add(pieces.last());
    pieces.remove(pieces.last());
  }
  return last;
}

// The first `count` of them.
PieceSet first_of(const PieceSet& pieces, uint32_t count) {
  PieceSet first;
  for (uint32_t at = pieces.first(); at < PieceSet::kMost && count > 0; at = pieces.first(at + 1)) {
    first.add(at);
    --count;
  }
  return first;
}

}  // namespace

void Mesh::remove(Neighbor& neighbor, FallbackReason reason) {
  for (const PieceAsk& ask : neighbor.asks.all()) ask.download().failure = reason;
  neighbor.asks.clear();
  if (leader_ == &neighbor) leader_ = nullptr;
  neighbors_.remove(&neighbor);
}

Mesh::Prospect Mesh::pursue(TimeMs now, const Wish& wish, const Need& need, double believable,
                            DurationMs keep) {
  Prospect prospect;
  Download& download = downloads_.of(wish);
  if (comes_otherwise(download) && !download.from_end()) return prospect;
  if (!downloads_.shelf.trust.has_hope(now, wish.segment)) return prospect;
  download.keep_until = now + keep;
  const DurationMs within = std::clamp(patience_for_transfer(need), kLeastWithin, kMostWithin);
  for (Neighbor* neighbor : neighbors_) {
    if (may_open(now, *neighbor, download, need.ahead.has_value(), believable)) {
      // One transfer at a time for a segment.
      if (neighbor->asks.listens_for(download.segment.key.sn)) stop_listening(now, *neighbor);
      neighbor->link.channel.send(now, neighbor->asks.open(now, Part(download, *neighbor), within));
    }
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask != nullptr && may_bring(*neighbor, *ask)) {
      // It has said so while the body was to be the CDN's.
      if (ask->size != 0 && download.body == nullptr) prepare(now, download, ask->size);
      prospect.asked = true;
      prospect.proven |= neighbor->asks.proven();
    } else if (neighbor->is_parent && neighbor->asks.proven() &&
               neighbor->words.is_before(download.segment.key, now - need.duration * 2)) {
      prospect.beside = true;
    } else {
      continue;
    }
    const std::optional<DurationMs> late = neighbor->asks.late();
    if (late && (!prospect.late || *late < *prospect.late)) prospect.late = late;
  }
  feed(now, download);
  prospect.begun = !download.here.empty();
  const bool flows = now - download.came_at < kFlows;
  if (prospect.asked && prospect.begun && flows && download.first_at < now) {
    const double rate =
        static_cast<double>(download.here.count()) / std::max(1.0, to_ms(now - download.first_at));
    prospect.left = to_duration(missing(download).count() / std::max(rate, 1e-6));
  }
  return prospect;
}

bool Mesh::comes_otherwise(const Download& download) const {
  size_t others = download.sources.size();
  for (const Neighbor* neighbor : neighbors_) {
    others -= neighbor->asks.find(download) != nullptr ? 1 : 0;
  }
  return others > 0;
}

bool Mesh::may_open(TimeMs now, Neighbor& neighbor, const Download& download, bool ahead,
                    double believable) const {
  const SegmentKey& key = download.segment.key;
  const Link& link = neighbor.link;
  ahead &= download.loads == 0;
  if (neighbor.asks.full(ahead) || neighbor.words.refuses(now, key) ||
      neighbor.asks.find(download) != nullptr) {
    return false;
  }
  if (neighbor.words.speaks_of(key)) return true;
  return neighbor.is_parent && !(ahead && now < neighbor.ahead_after) &&
         link.may_have(now, key.sn) &&
         !(link.current && static_cast<double>(link.current->value()) > believable);
}

// What a child is only getting may be waiting for us, unless it is to fetch first.
bool Mesh::may_bring(const Neighbor& neighbor, const PieceAsk& ask) const {
  if (!ask.left.empty()) return true;
  const Download& download = ask.download();
  if (download.body == nullptr || ask.size == download.body->expected()) {
    PieceSet held = ask.has;
    held.remove(download.here);
    if (!held.empty()) return true;
  }
  return neighbor.is_parent ? !leads() : &neighbor == leader();
}

PieceSet Mesh::missing(const Download& download) const {
  PieceSet missing = PieceSet::all(peer::pieces_in(download.body->expected()));
  missing.remove(download.here);
  return missing;
}

// Who has given of it, or was asked; else the first who holds something.
const Neighbor* Mesh::sole_giver(TimeMs now, const Download& download) const {
  const Neighbor* holder = nullptr;
  for (const Neighbor* neighbor : neighbors_) {
    const PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || ask->size != download.body->expected()) continue;
    if (ask->gave || !ask->left.empty()) return neighbor;
    if (holder == nullptr && ask->offers(now).intersects(missing(download))) holder = neighbor;
  }
  return holder;
}

void Mesh::feed(TimeMs now, Download& download) {
  if (download.body == nullptr || download.body->complete()) return;
  if (saves_line_ && download.loads == 0) return;
  // What comes cannot be checked before the digests are here, which come in front of it.
  const bool blind = !downloads_.shelf.trust.admits(*download.body) && !find_digests(now, download);
  if (blind && downloads_.shelf.trust.of(now, download.segment) == nullptr) return;
  PieceSet wanted = missing(download);
  wanted.remove(download.at_cdn);
  const PieceSet gap = wanted;
  for (Neighbor* neighbor : neighbors_) {
    if (const PieceAsk* const ask = neighbor->asks.find(download)) wanted.remove(ask->left);
  }
  if (wanted.empty()) return;
  struct Turn {
    Neighbor* neighbor;
    PieceAsk* ask;
    PieceSet has;
    PieceSet chosen;
    uint32_t outstanding;
  };
  const PieceSet tail = last_of(gap, download.from_end() ? kTail : 0);
  std::list<Turn> turns;
  const bool alone = blind || now < alone_until_;
  const Neighbor* only = nullptr;
  if (alone) only = blind ? giver_of_digests(now, download) : sole_giver(now, download);
  for (Neighbor* neighbor : neighbors_) {
    PieceAsk* const ask = neighbor->asks.find(download);
    if (ask == nullptr || ask->size != download.body->expected()) continue;
    if (alone && neighbor != only) continue;
    PieceSet has = ask->offers(now);
    if (download.from_end()) {
      has.remove(PieceSet::all(reach(download, *neighbor)));
      has.keep(tail);
    }
    if (!has.intersects(wanted)) continue;
    turns.push_back({neighbor, ask, has, PieceSet(), neighbor->asks.outstanding()});
  }
  const bool among_many = turns.size() > 1;
  // The first few missing ones, asked for or not.
  uint32_t span = among_many ? kSpan : kSpanOfOne;
  if (!passes_on_) span = 1;
  const PieceSet near = first_of(gap, span);
  while (!wanted.empty()) {
    // Whoever is expected to bring one more piece first.
    Turn* best = nullptr;
    double best_ms = HUGE_VAL;
    for (Turn& turn : turns) {
      const PieceAsks& asks = turn.neighbor->asks;
      const uint32_t most = among_many ? std::min(asks.window(), kAmongMany) : asks.window();
      if (turn.outstanding >= most || !turn.has.intersects(wanted)) continue;
      const double ms = asks.piece_ms() * (turn.outstanding + 1.0) / asks.window();
      if (ms >= best_ms) continue;
      best = &turn;
      best_ms = ms;
    }
    if (best == nullptr) break;
    // Of what it holds the rarest piece among the near ones; of several any. But the first bytes
    // of a segment show whether others may have it.
    PieceSet choice = best->has;
    choice.keep(wanted);
    PieceSet front = choice;
    front.keep(near);
    if (!front.empty() && !download.from_end()) choice = front;
    uint32_t rarest = 0;
    uint32_t least = UINT32_MAX;
    uint32_t alike = 0;
    PieceSet among = first_of(choice, choice.has(0) ? 1 : span);
    if (download.from_end()) among = last_of(choice, 1);
    for (uint32_t at = among.first(); at < PieceSet::kMost; at = among.first(at + 1)) {
      uint32_t holders = 0;
      for (const Turn& turn : turns) holders += turn.has.has(at) ? 1 : 0;
      if (holders > least) continue;
      if (holders < least) alike = 0;
      least = holders;
      if (random_.below(++alike) == 0) rarest = at;
    }
    best->chosen.add(rarest);
    ++best->outstanding;
    wanted.remove(rarest);
  }
  for (Turn& turn : turns) {
    if (turn.chosen.empty()) continue;
    if (turn.ask->left.empty()) turn.ask->look_at = now + kJudgeEvery;
    turn.neighbor->link.channel.send(
        now, blind && turn.ask->digests == nullptr
                 ? turn.neighbor->asks.ask_with_digests(now, *turn.ask, turn.chosen)
                 : PieceAsks::ask(now, *turn.ask, turn.chosen));
  }
}

size_t Mesh::ahead() const {
  size_t count = 0;
  downloads_.for_each([&](const Download& download) {
    count += download.loads == 0 && !download.sources.empty() ? 1 : 0;
  });
  return count;
}

void Mesh::drop_unwanted(TimeMs now) {
  downloads_.for_each([&](Download& download) {
    if (download.loads == 0 && now >= download.keep_until && !download.idle() &&
        !comes_otherwise(download)) {
      drop(now, download);
    }
  });
}

void Mesh::close(TimeMs now, Neighbor& neighbor, PieceAsk& ask) {
  neighbor.link.channel.send(now, neighbor.asks.close(ask));
}

void Mesh::leave(TimeMs now, Download& download) {
  for (Neighbor* neighbor : neighbors_) {
    if (PieceAsk* const ask = neighbor->asks.find(download)) close(now, *neighbor, *ask);
  }
}

bool Mesh::is_late(const Download& download) const {
  if (!download.mostly_here()) return false;
  const PieceSet gap = missing(download);
  PieceSet nowhere = gap;
  for (const Neighbor* neighbor : neighbors_) {
    if (const PieceAsk* const ask = neighbor->asks.find(download)) nowhere.remove(ask->has);
  }
  return nowhere.count() * 2 <= gap.count();
}

void Mesh::drop(TimeMs now, Download& download) {
  leave(now, download);
  let_go(download);
}

void Mesh::let_go(Download& download) {
  stats_.p2p_wasted_bytes += std::exchange(download.peer_bytes, 0);
  const SegmentPtr body = std::exchange(download.body, nullptr);
  download.here = PieceSet();
  download.at_cdn = PieceSet();
  download.joint = LoadId();
  download.looked = false;
  download.deliveries.clear();
  download.doubted = PieceSet();
  download.mixed = PieceSet();
  download.first_at = kNever;
  if (body == nullptr) return;
  if (fresh_ == body) fresh_ = nullptr;
  downloads_.shelf.cache.discard(body);
}

void Mesh::forget(TimeMs now, std::string_view rendition) {
  downloads_.for_each([&](Download& download) {
    if (is_of(download.segment.key, rendition)) drop(now, download);
  });
  for (Neighbor* neighbor : neighbors_) {
    neighbor->words.forget(rendition);
    if (neighbor->asks.listens()) stop_listening(now, *neighbor);
  }
  fresh_words_.clear();
}

// --- time

void Mesh::on_timeout(TimeMs now) {
  for (Neighbor* neighbor : neighbors_) {
    auto& asks = neighbor->asks.all();
    for (auto entry = asks.begin(); entry != asks.end();) {
      PieceAsk& ask = *entry++;
      if (ask.size == 0 && now >= ask.answer_until) {
        // It has said neither that it comes nor that it does not.
        Download& download = ask.download();
        const SegmentKey& key = download.segment.key;
        neighbor->words.refuse(now, key, false);
        if (download.listed && is_to_blame(*neighbor, key)) neighbor->asks.on_vain(1);
        download.failure = FallbackReason::kTimeout;
        if (Parent* const parent = downloads_.parent(neighbor->peer)) {
          parent->usefulness.missed(now);
        }
        close(now, *neighbor, ask);
      } else if (now >= ask.look_at && !ask.asked.empty()) {
        judge(now, *neighbor, ask);
      }
    }
  }
}

void Mesh::judge(TimeMs now, Neighbor& neighbor, PieceAsk& ask) {
  ask.look_at = now + kJudgeEvery;
  neighbor.asks.on_mute(kJudgeEvery);
  const DurationMs usual = to_duration(neighbor.asks.piece_ms() * kPatience);
  const TimeMs asked_at = ask.asked.front().at;
  if (now - asked_at < std::max(kSilence, usual)) return;
  neighbor.asks.on_silence(now, asked_at);
  Download& download = ask.download();
  PieceSet elsewhere;
  size_t other_size = 0;
  for (const Neighbor* other : neighbors_) {
    const PieceAsk* const its = other == &neighbor ? nullptr : other->asks.find(download);
    if (its == nullptr || its->size == 0) continue;
    if (its->size != ask.size) other_size = its->size;
    if (its->size == ask.size && its->left.count() < other->asks.window()) {
      elsewhere.add(its->offers(now));
    }
  }
  if (download.here.empty() && other_size != 0) {
    // Others say another size, and this one brings nothing of its own.
    neighbor.words.refuse(now, download.segment.key, true);
    close(now, neighbor, ask);
    if (prepare(now, download, other_size)) feed(now, download);
    return;
  }
  elsewhere.keep(ask.left);
  if (elsewhere.empty()) return;
  // Others are asked for what they hold of it.
  neighbor.link.channel.send(now, neighbor.asks.cancel(ask, elsewhere));
  if (now >= ask.moved_until) ask.moved = PieceSet();
  ask.moved.add(elsewhere);
  ask.moved_until = now + kMoved;
  feed(now, download);
}

void Mesh::add_timers(Timer& timer) const {
  for (const Neighbor* neighbor : neighbors_) {
    for (const PieceAsk& ask : neighbor->asks.all()) {
      if (ask.size == 0) timer.also(ask.answer_until, Wake::kPieces);
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

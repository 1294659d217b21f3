#include "client/download/piece_asks.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "media/segment_key.hpp"
#include "protocol/piece_text.hpp"

namespace hlsmesh {
namespace {

constexpr double kMostWindow = 64;
// A piece that takes this much longer than the quickest one has waited in a queue.
constexpr double kQueueMs = 120;

// What an answer may take beyond the time that the neighbor was told: its way, and a busy page.
constexpr DurationMs kAnswer{1'000};

}  // namespace

peer::Fields PieceAsks::open(TimeMs now, Part part, DurationMs within) {
  assert(!full());
  PieceAsk& ask = asks_.emplace_back();
  ask.opened_at = now;
  ask.answer_until = now + within + kAnswer;
  ask.transfer = ++last_transfer_;
  ask.part = std::move(part);
  const Segment& segment = ask.download().segment;
  peer::Fields want;
  want.event = peer::Event::kWant;
  want.transfer = ask.transfer;
  want.url = plain_name(segment.key);
  want.sn = segment.key.sn;
  want.rendition = asking_name(segment);
  want.within = within.count();
  return want;
}

peer::Fields PieceAsks::ask(TimeMs now, PieceAsk& ask, const PieceSet& pieces) {
  peer::Fields want;
  want.event = peer::Event::kWant;
  want.transfer = ask.transfer;
  want.pieces = peer::to_text(pieces);
  ask.left.add(pieces);
  for (uint32_t at = pieces.first(); at < PieceSet::kMost; at = pieces.first(at + 1)) {
    ask.asked.push_back({at, now});
  }
  return want;
}

peer::Fields PieceAsks::ask_with_digests(TimeMs now, PieceAsk& ask, const PieceSet& pieces) {
  assert(ask.digests == nullptr && ask.size > 0);
  ask.digests = Shared<PieceDigests>(new PieceDigests(ask.size));
  ask.digests_until = now + kDigestsWithin;
  digests_owed_ += ask.digests->count();
  peer::Fields want = PieceAsks::ask(now, ask, pieces);
  want.digests = true;
  return want;
}

bool PieceAsks::on_digests(size_t count) {
  if (count > digests_owed_) return false;
  digests_owed_ -= count;
  return true;
}

peer::Fields PieceAsks::cancel(PieceAsk& ask, const PieceSet& pieces) {
  peer::Fields message;
  message.event = peer::Event::kCancel;
  message.transfer = ask.transfer;
  message.pieces = peer::to_text(pieces);
  remember(ask.transfer, pieces);
  ask.left.remove(pieces);
  ask.asked.remove_if([&](const PieceAsk::Asked& each) { return pieces.has(each.piece); });
  return message;
}

peer::Fields PieceAsks::close(PieceAsk& ask) {
  peer::Fields message;
  message.event = peer::Event::kCancel;
  message.transfer = ask.transfer;
  if (!ask.left.empty()) remember(ask.transfer, ask.left);
  end(ask);
  return message;
}

void PieceAsks::listen(const PieceAsk& ask, TimeMs asked_at) {
  if (listens()) return;
  listening_ = ask.transfer;
  listening_for_ = ask.download().segment.key.sn;
  listening_since_ = asked_at;
  end(ask);
}

std::optional<peer::Fields> PieceAsks::hear_have(TimeMs now, uint32_t transfer) {
  if (!listens() || transfer != listening_) return std::nullopt;
  on_late(now - listening_since_);
  return stop_listening();
}

void PieceAsks::hear_lack(uint32_t transfer) {
  if (!listens() || transfer != listening_) return;
  listening_ = 0;
  late_ = std::nullopt;
}

peer::Fields PieceAsks::stop_listening() {
  peer::Fields message;
  message.event = peer::Event::kCancel;
  message.transfer = std::exchange(listening_, 0);
  return message;
}

void PieceAsks::remember(uint32_t transfer, const PieceSet& pieces) {
  if (ended_.size() >= kMostEnded) ended_.pop_front();
  ended_.push_back(Ended{transfer, pieces});
}

void PieceAsks::end(const PieceAsk& ask) {
  asks_.remove_if([&](const PieceAsk& each) { return &each == &ask; });
}

PieceAsk* PieceAsks::find(uint32_t transfer) {
  for (PieceAsk& ask : asks_) {
    if (ask.transfer == transfer) return &ask;
  }
  return nullptr;
}

PieceAsk* PieceAsks::find(const Download& download) {
  return const_cast<PieceAsk*>(std::as_const(*this).find(download));
}

const PieceAsk* PieceAsks::find(const Download& download) const {
  for (const PieceAsk& ask : asks_) {
    if (&ask.download() == &download) return &ask;
  }
  return nullptr;
}

bool PieceAsks::expects(uint32_t transfer, const PieceSet& came) const {
  PieceSet unasked = came;
  for (const PieceAsk& ask : asks_) {
    if (ask.transfer == transfer) unasked.remove(ask.left);
  }
  for (const Ended& ended : ended_) {
    if (ended.transfer == transfer) unasked.remove(ended.left);
  }
  return unasked.empty();
}

// What was asked for, cancelled and asked for again may come twice.
void PieceAsks::on_data(uint32_t transfer, const PieceSet& came) {
  PieceSet late = came;
  if (PieceAsk* const ask = find(transfer)) {
    late.remove(ask->left);
    ask->left.remove(came);
    ask->gave = true;
  }
  for (Ended& ended : ended_) {
    if (ended.transfer != transfer) continue;
    PieceSet here = ended.left;
    here.keep(late);
    ended.left.remove(here);
    late.remove(here);
  }
}

uint32_t PieceAsks::outstanding() const {
  uint32_t count = 0;
  for (const PieceAsk& ask : asks_) count += ask.left.count();
  return count;
}

bool PieceAsks::pretends() const {
  return vain_ >= (proven_ ? 2 * kMostVain : kMostVain) || mute_ >= kMostMute;
}

void PieceAsks::on_piece(DurationMs after) {
  vain_ = 0;
  mute_ = DurationMs::zero();
  const double ms = std::max(1.0, to_ms(after));
  proven_ = true;
  piece_ms_ = piece_ms_ > 0 ? piece_ms_ + (ms - piece_ms_) / 4 : ms;
  // The quickest one is forgotten slowly: the path may have changed.
  least_ms_ = least_ms_ > 0 ? std::min(ms, least_ms_ * 1.01) : ms;
  if (ms <= least_ms_ + kQueueMs) {
    window_ = std::min(window_ + 1 / window_ + 0.25, kMostWindow);
  } else {
    window_ = std::max(window_ * 0.85, 1.0);
  }
}

void PieceAsks::on_silence(TimeMs now, TimeMs asked_at) {
  // One silence counts once, however long it lasts.
  if (asked_at <= halved_at_) return;
  halved_at_ = now;
  window_ = std::max(window_ / 2, 1.0);
}

}  // namespace hlsmesh

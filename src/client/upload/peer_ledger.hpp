#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>

#include "client/clock.hpp"
#include "client/commands.hpp"
#include "client/token_bucket.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// What each peer may have of us, has had and has done to us, by its id, so that a new connection is
// no fresh start. Bounded: whoever was met first is forgotten first.
//
// Wrongs: who was of no use is left alone, neither dialled nor answered. The first pause depends on
// how the connection ended, each further one is twice as long. A parent that merely had nothing for
// us is not dialled, but may become our child.
//
// Connections: a child offers anew when it lost the one that we still hold. Whoever offers more
// often is ignored and uses up nobody else's connections.
//
// Upload: while there is enough for all, everybody gets what it asks for. When a child that has had
// no more than its share is refused, those who have had more than theirs are refused until it has
// had time to ask again. And of a rate that is capped they leave some for others to use ahead of
// time.
class PeerLedger {
 public:
  // A connection that lasted this long was a working one: when it breaks, the network did it.
  static constexpr DurationMs kWorked{30'000};
  static constexpr DurationMs kLongest{15 * 60'000};
  // A wrong is forgotten this long after its pause has ended.
  static constexpr DurationMs kForgotten{10 * 60'000};

  // A connection has ended. `open`, `lasted`: whether it had opened, and for how long it was open.
  void on_end(TimeMs now, const PeerId& id, PeerEnd end, bool open, DurationMs lasted) {
    const bool broke = open && end == PeerEnd::kFailed;
    int32_t pause = kPauses[static_cast<size_t>(end)];
    if (!open) pause = std::min(pause, kNeverOpen);
    if (broke) pause = lasted < kWorked ? kBroke : 0;
    if (pause == 0) return;
    Record& peer = of(id);
    if (now >= peer.shunned_until + kForgotten) peer.wrongs = 0;
    DurationMs lasts = std::min(DurationMs(int64_t{pause} * 1'000 << peer.wrongs), kLongest);
    // A connection that breaks once is nobody's fault.
    if (broke && peer.wrongs == 0) lasts = DurationMs::zero();
    peer.shunned_until = std::max(peer.shunned_until, now + lasts);
    peer.may_call = end == PeerEnd::kUseless;
    peer.wrongs = std::min(peer.wrongs + 1, kMostDoublings);
  }
  // Whether the peer may be dialled; `it_calls`: whether it may be answered.
  bool may_meet(TimeMs now, const PeerId& id, bool it_calls) {
    const Record& peer = of(id);
    return now >= peer.shunned_until || (it_calls && peer.may_call);
  }

  // Whether an offer of `from` may be answered; if so, it counts.
  bool admit_offer(TimeMs now, const PeerId& from) { return of(from).offers.take(now); }
  // By which the ledger finds a child that was admitted.
  int32_t number_of(const PeerId& id) { return of(id).number; }

  // The child asks for a segment. Whether it may have it, as far as others are concerned.
  bool asks(TimeMs now, int32_t number) {
    Record* child = find(number);
    if (child == nullptr) return true;
    child->asked_at = now;
    return now >= contended_until_ || !has_more(now, *child);
  }
  // Whether it was sent more than its share lately.
  bool has_more(TimeMs now, int32_t number) {
    const Record* child = find(number);
    return child != nullptr && has_more(now, *child);
  }
  // Whether it was sent several times its share lately.
  bool hogs(TimeMs now, int32_t number) {
    const Record* child = find(number);
    return child != nullptr && has_more(now, *child, 4);
  }
  // It was refused for want of bandwidth; it may ask again within `soon`.
  void on_refused(TimeMs now, int32_t number, DurationMs soon) {
    const Record* child = find(number);
    if (child == nullptr || has_more(now, *child)) return;
    contended_until_ = std::max(contended_until_, now + std::min(soon, kLongestContention));
  }
  void on_sent(TimeMs now, int32_t number, size_t bytes) {
    age(now);
    if (Record* child = find(number)) child->bytes += static_cast<double>(bytes);
  }
  void on_spared(int32_t number, size_t bytes) {
    Record* child = find(number);
    if (child != nullptr) child->bytes -= std::min(child->bytes, static_cast<double>(bytes));
  }
  // Whether it may have a segment that it has had; if `take`, it has.
  bool may_repeat(TimeMs now, int32_t number, bool take) {
    Record* child = find(number);
    if (child == nullptr) return false;
    TokenBucket repeats = child->repeats;
    const bool allowed = repeats.take(now);
    if (take) child->repeats = repeats;
    return allowed;
  }

 private:
  // First pauses in seconds, by PeerEnd.
  static constexpr int32_t kPauses[] = {0, 0, 10, 30, 60, 0, 10, 60, 30, 10, 10, 10, 10};
  static constexpr int32_t kNeverOpen = 10;
  static constexpr int32_t kBroke = 2;
  // 2^12 times the shortest pause is past the longest.
  static constexpr int32_t kMostDoublings = 12;
  static constexpr int64_t kOfferBurst = 3;
  static constexpr DurationMs kOfferInterval{10'000};
  // Seeking back past what its own cache keeps, a child asks again for what it had.
  static constexpr DurationMs kRepeatInterval{60'000};
  // Bytes count half after this long.
  static constexpr DurationMs kHalfLife{10'000};
  // Whoever has not asked for this long needs no share.
  static constexpr DurationMs kAsking{30'000};
  static constexpr DurationMs kLongestContention{10'000};
  // What the engine answers in all bounds a flood of offers under ever new ids; it must not fill
  // memory.
  static constexpr size_t kMost = 128;

  struct Record {
    PeerId id;
    int32_t number = 0;
    TokenBucket offers{kOfferBurst, kOfferInterval};
    TokenBucket repeats{1, kRepeatInterval};
    TimeMs asked_at{-kAsking};
    double bytes = 0;
    TimeMs shunned_until{};
    int32_t wrongs = 0;
    bool may_call = false;  // all the same
  };

  // Of a peer that is not known yet: a new one.
  Record& of(const PeerId& id) {
    for (Record& peer : peers_) {
      if (peer.id == id) return peer;
    }
    if (peers_.size() >= kMost) peers_.pop_front();
    return peers_.emplace_back(Record{id, ++last_number_});
  }

  Record* find(int32_t number) {
    for (Record& child : peers_) {
      if (child.number == number) return &child;
    }
    return nullptr;
  }
  void age(TimeMs now) {
    if (now - aged_at_ < kHalfLife) return;
    aged_at_ = now;
    for (Record& child : peers_) child.bytes /= 2;
  }
  // A quarter more than its share of what all who ask were sent lately, or `times` its share.
  bool has_more(TimeMs now, const Record& child, double times = 1.25) {
    age(now);
    double sum = 0;
    double asking = 0;
    for (const Record& other : peers_) {
      if (now - other.asked_at >= kAsking) continue;
      sum += other.bytes;
      asking += 1;
    }
    return child.bytes * asking > sum * times;
  }

  std::list<Record> peers_;  // in the order in which they were met
  int32_t last_number_ = 0;
  TimeMs aged_at_{};
  TimeMs contended_until_{};
};

// What one peer may signal while a connection lasts. Its offer or answer has 1 to 16 KB; candidates
// have 150 bytes each, one for each pair of a local address and a server: seldom more than 30.
// Beyond that they only fill the page's memory and keep ICE busy with pairs to check.
class SignalAllowance {
 public:
  bool take(size_t bytes) {
    if (count_ >= kMostSignals || bytes > kMostBytes - bytes_) return false;
    count_ += 1;
    bytes_ += bytes;
    return true;
  }

 private:
  static constexpr size_t kMostSignals = 128;
  static constexpr size_t kMostBytes = 64 * 1024;

  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace hlsmesh

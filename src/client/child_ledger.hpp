#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>

#include "client/clock.hpp"
#include "client/token_bucket.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// What each peer that offered us a connection may have of us and has had, by its id, so that a new
// connection is no fresh start.
//
// Connections: a child offers anew when it lost the one that we still hold. Whoever offers more
// often is ignored and uses up nobody else's connections.
//
// Upload: while there is enough for all, everybody gets what it asks for. When a child that has had
// no more than its share is refused, those who have had more than theirs are refused until it has
// had time to ask again. And of a rate that is capped they leave some for others to use ahead of
// time.
class ChildLedger {
 public:
  // Whether an offer of `from` may be answered; if so, it counts.
  bool admit_offer(TimeMs now, const PeerId& from) {
    auto child = std::find_if(children_.begin(), children_.end(),
                              [&](const Child& other) { return other.id == from; });
    if (child == children_.end()) {
      if (children_.size() >= kMost) children_.pop_front();
      children_.push_back(Child{from, ++last_number_});
    } else {
      children_.splice(children_.end(), children_, child);
    }
    return children_.back().offers.take(now);
  }
  // Of the peer that admit_offer() was last called with.
  int32_t last_number() const { return children_.back().number; }

  // The child asks for a segment. Whether it may have it, as far as others are concerned.
  bool asks(TimeMs now, int32_t number) {
    Child* child = find(number);
    if (child == nullptr) return true;
    child->asked_at = now;
    return now >= contended_until_ || !has_more(now, *child);
  }
  // Whether it was sent more than its share lately.
  bool has_more(TimeMs now, int32_t number) {
    const Child* child = find(number);
    return child != nullptr && has_more(now, *child);
  }
  // It was refused for want of bandwidth; it may ask again within `soon`.
  void on_refused(TimeMs now, int32_t number, DurationMs soon) {
    const Child* child = find(number);
    if (child == nullptr || has_more(now, *child)) return;
    contended_until_ = std::max(contended_until_, now + std::min(soon, kLongestContention));
  }
  void on_sent(TimeMs now, int32_t number, size_t bytes) {
    age(now);
    if (Child* child = find(number)) child->bytes += static_cast<double>(bytes);
  }
  // Whether it may have a segment that it has had; if `take`, it has.
  bool may_repeat(TimeMs now, int32_t number, bool take) {
    Child* child = find(number);
    if (child == nullptr) return false;
    TokenBucket repeats = child->repeats;
    const bool allowed = repeats.take(now);
    if (take) child->repeats = repeats;
    return allowed;
  }

 private:
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
  static constexpr size_t kMost = 64;

  struct Child {
    PeerId id;
    int32_t number = 0;
    TokenBucket offers{kOfferBurst, kOfferInterval};
    TokenBucket repeats{1, kRepeatInterval};
    TimeMs asked_at{-kAsking};
    double bytes = 0;
  };

  Child* find(int32_t number) {
    for (Child& child : children_) {
      if (child.number == number) return &child;
    }
    return nullptr;
  }
  void age(TimeMs now) {
    if (now - aged_at_ < kHalfLife) return;
    aged_at_ = now;
    for (Child& child : children_) child.bytes /= 2;
  }
  // A quarter more than its share of what all who ask were sent lately.
  bool has_more(TimeMs now, const Child& child) {
    age(now);
    double sum = 0;
    double asking = 0;
    for (const Child& other : children_) {
      if (now - other.asked_at >= kAsking) continue;
      sum += other.bytes;
      asking += 1;
    }
    return child.bytes * asking > sum * 1.25;
  }

  std::list<Child> children_;  // the latest to offer is the last
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

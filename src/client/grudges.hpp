#pragma once

#include <algorithm>
#include <cstddef>
#include <list>

#include "client/clock.hpp"
#include "client/engine.hpp"
#include "common/ids.hpp"

namespace hlsmesh {

// Peers that were of no use, by id, and until when each is left alone: neither dialled nor
// answered. A parent that merely had nothing for us is not dialled, but may become our child. The
// first pause depends on how the connection ended, each further one is twice as long.
//
// Memory is bounded: the peer whose pause ends first is forgotten first.
class Grudges {
 public:
  // A connection that lasted this long was a working one: when it breaks, the network did it.
  static constexpr DurationMs kWorked{30'000};
  static constexpr DurationMs kLongest{15 * 60'000};
  // A peer is forgotten this long after its pause has ended.
  static constexpr DurationMs kForgotten{10 * 60'000};
  static constexpr size_t kMost = 64;

  // `open`, `lasted`: whether the connection opened, and for how long it was open.
  void on_end(TimeMs now, const PeerId& id, PeerEnd end, bool open, DurationMs lasted) {
    const DurationMs pause = first_pause(end, open, lasted);
    if (pause <= DurationMs::zero()) return;
    forget(now);
    Grudge* grudge = find(id);
    if (grudge == nullptr) {
      if (grudges_.size() >= kMost) {
        grudges_.erase(
            std::min_element(grudges_.begin(), grudges_.end(),
                             [](const Grudge& a, const Grudge& b) { return a.until < b.until; }));
      }
      grudge = &grudges_.emplace_back(Grudge{id, now, now, 0});
    }
    // A connection that breaks once is nobody's fault.
    const bool broke = open && end == PeerEnd::kFailed;
    if (!broke || grudge->times > 0) {
      grudge->until =
          std::max(grudge->until, now + std::min(pause * (1 << grudge->times), kLongest));
    }
    if (end != PeerEnd::kUseless) grudge->refused_until = grudge->until;
    grudge->times = std::min(grudge->times + 1, kMostDoublings);
  }

  bool may_dial(TimeMs now, const PeerId& id) {
    const Grudge* grudge = find(id);
    return grudge == nullptr || now >= grudge->until;
  }
  bool may_answer(TimeMs now, const PeerId& id) {
    const Grudge* grudge = find(id);
    return grudge == nullptr || now >= grudge->refused_until;
  }

 private:
  // 2^12 times the shortest pause is past the longest.
  static constexpr int kMostDoublings = 12;

  struct Grudge {
    PeerId id;
    TimeMs until{};
    TimeMs refused_until{};
    int times = 0;
  };

  // Zero: none.
  static DurationMs first_pause(PeerEnd end, bool open, DurationMs lasted) {
    switch (end) {
      case PeerEnd::kMisbehaved:
      case PeerEnd::kUseless:
        return DurationMs(60'000);
      case PeerEnd::kTimedOut:
        return DurationMs(open ? 30'000 : 10'000);
      case PeerEnd::kRefused:
        return DurationMs(10'000);
      case PeerEnd::kFailed:
        if (!open) return DurationMs(10'000);
        return DurationMs(lasted < kWorked ? 2'000 : 0);
      default:
        return DurationMs::zero();
    }
  }

  Grudge* find(const PeerId& id) {
    const auto found = std::find_if(grudges_.begin(), grudges_.end(),
                                    [&](const Grudge& grudge) { return grudge.id == id; });
    return found == grudges_.end() ? nullptr : &*found;
  }
  void forget(TimeMs now) {
    grudges_.remove_if([&](const Grudge& grudge) { return now >= grudge.until + kForgotten; });
  }

  std::list<Grudge> grudges_;
};

}  // namespace hlsmesh

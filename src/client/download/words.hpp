#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <string_view>
#include <utility>

#include "client/clock.hpp"
#include "media/segment_key.hpp"

namespace hlsmesh {

// What one neighbor has said of segments: that they come, or that it will not give them. Bounded:
// it may say what it likes.
class Words {
 public:
  // A segment is looked for again after this time where a neighbor has refused it.
  static constexpr DurationMs kAfterLack{2'000};
  // What is no use here is not asked of it again for this long.
  static constexpr DurationMs kAfterWrong{60'000};

  // It speaks of a segment, or asks for one, which it must have heard of. False if it had before.
  bool on_word(TimeMs now, const SegmentKey& key) {
    refusals_.remove_if([&](const Refusal& each) { return each.key == key && !each.firm; });
    if (speaks_of(key)) return false;
    if (words_.size() >= kMost) words_.pop_front();
    words_.push_back({key, now});
    return true;
  }
  bool speaks_of(const SegmentKey& key) const { return since(key) != kNever; }

  // Whether it spoke of the segment before this one, `after` or later, and of none behind that.
  bool is_before(const SegmentKey& key, TimeMs after) const {
    bool before = false;
    for (const Word& each : words_) {
      if (rendition_of(each.key) != rendition_of(key)) continue;
      if (each.key.sn >= key.sn) return false;
      before |= each.key.sn.value() + 1 == key.sn.value() && each.at >= after;
    }
    return before;
  }

  // It asks us for a segment.
  void on_want(TimeMs now, const SegmentKey& key) {
    on_word(now, key);
    if (Word* const word = find(key)) word->wanted = true;
  }
  // Whether it has asked us for the segment.
  bool wants(const SegmentKey& key) const {
    const Word* const word = find(key);
    return word != nullptr && word->wanted;
  }

  // `firm`: whatever it says of it.
  void refuse(TimeMs now, const SegmentKey& key, bool firm) {
    if (refusals_.size() >= kMost) refusals_.pop_front();
    refusals_.push_back({key, now + (firm ? kAfterWrong : kAfterLack), firm});
  }
  bool refuses(TimeMs now, const SegmentKey& key) const {
    return std::any_of(refusals_.begin(), refusals_.end(),
                       [&](const Refusal& each) { return now < each.until && each.key == key; });
  }

  // The player asks for a segment that a live playlist of ours shows.
  void on_listed(TimeMs now, const SegmentKey& key) {
    const TimeMs at = since(key);
    const double ahead = at == kNever ? 0 : std::min(to_ms(now - at), kMostAheadMs);
    ahead_ms_ += (ahead - ahead_ms_) / 4;
  }
  // By how many milliseconds it usually knows of a live segment before us, as far as it matters.
  double ahead_ms() const { return ahead_ms_; }
  // It was waited for in vain: it must be ahead again for some time before it counts.
  void lose_lead() { ahead_ms_ = -kMostAheadMs; }

  // What it said of the rendition's segments, or of all if it is empty, belongs to the past.
  void forget(std::string_view rendition) {
    words_.remove_if([&](const Word& each) { return is_of(each.key, rendition); });
    refusals_.remove_if([&](const Refusal& each) { return is_of(each.key, rendition); });
    if (rendition.empty()) ahead_ms_ = 0;
  }

 private:
  // Some segments of two tracks, and of two renditions after a switch.
  static constexpr size_t kMost = 24;
  // Whoever claims to be further ahead is no better.
  static constexpr double kMostAheadMs = 1'000;

  struct Word {
    SegmentKey key;
    TimeMs at{};
    bool wanted = false;  // it has asked us for it
  };
  struct Refusal {
    SegmentKey key;
    TimeMs until{};
    bool firm = false;
  };

  TimeMs since(const SegmentKey& key) const {
    const Word* const word = find(key);
    return word == nullptr ? kNever : word->at;
  }
  const Word* find(const SegmentKey& key) const {
    for (const Word& word : words_) {
      if (word.key == key) return &word;
    }
    return nullptr;
  }
  Word* find(const SegmentKey& key) { return const_cast<Word*>(std::as_const(*this).find(key)); }

  std::list<Word> words_;
  std::list<Refusal> refusals_;
  double ahead_ms_ = 0;
};

}  // namespace hlsmesh

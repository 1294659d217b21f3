#include "cache/segment_cache.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hlsmesh {

SegmentCache::SegmentCache(size_t budget_bytes)
    : budget_(budget_bytes), tally_(new SegmentBuffer::Tally) {}

void SegmentCache::set_budget(size_t budget_bytes) {
  budget_ = budget_bytes;
  make_room(0);
}

void SegmentCache::set_playhead(double seconds) {
  playhead_ = seconds;
  make_room(0);
}

SegmentPtr SegmentCache::begin(const Segment& segment, size_t size, size_t held) {
  SegmentPtr fresh = begin_unlisted(segment, size, held);
  if (fresh) list(fresh);
  return fresh;
}

void SegmentCache::list(const SegmentPtr& segment) {
  if (segment->size() > budget_) return;
  index_[segment->segment().key] = Entry{segment, ++uses_};
}

SegmentPtr SegmentCache::begin_unlisted(const Segment& segment, size_t size, size_t held) {
  assert(held <= size);
  if (size == 0 || size > budget_) return nullptr;
  make_room(held);
  if (bytes() > budget_) return nullptr;
  SegmentPtr fresh = SegmentBuffer::allocate(segment, size, held);
  if (!fresh) return nullptr;
  tally_->bytes += held;
  fresh->tally_ = tally_;
  peak_bytes_ = std::max(peak_bytes_, bytes());
  return fresh;
}

bool SegmentCache::grow(const SegmentPtr& segment, size_t bytes, size_t step) {
  const size_t held = segment->held();
  if (bytes <= held) return true;
  const size_t wanted = std::min(std::max({bytes, step, 2 * held}), segment->size());
  if (segment->size() <= budget_) {
    make_room(wanted - held);
    if (this->bytes() > budget_) return false;
  }
  if (!segment->hold(wanted)) return false;
  peak_bytes_ = std::max(peak_bytes_, this->bytes());
  return true;
}

void SegmentCache::abandon(const SegmentPtr& segment) {
  if (segment && !segment->complete()) discard(segment);
}

void SegmentCache::discard(const SegmentPtr& segment) {
  if (!segment) return;
  const auto entry = index_.find(segment->segment().key);
  if (entry != index_.end() && entry->second.segment == segment) index_.erase(entry);
}

void SegmentCache::drop(std::string_view rendition, double end) {
  for (auto entry = index_.begin();
       entry != index_.end() && static_cast<double>(entry->first.sn.value()) < end;) {
    entry = is_of(entry->first, rendition) ? index_.erase(entry) : ++entry;
  }
}

void SegmentCache::drop(const SegmentKey& key) {
  const auto entry = index_.find(key);
  if (entry != index_.end() && entry->second.segment->complete()) index_.erase(entry);
}

SegmentPtr SegmentCache::find(const SegmentKey& key) {
  const auto entry = index_.find(key);
  if (entry == index_.end() || !entry->second.segment->complete()) {
    ++counts_.misses;
    return nullptr;
  }
  ++counts_.hits;
  entry->second.used = ++uses_;
  return entry->second.segment;
}

const SegmentPtr& SegmentCache::peek(const SegmentKey& key) const {
  const auto entry = index_.find(key);
  if (entry == index_.end() || !entry->second.segment->complete()) return none_;
  return entry->second.segment;
}

SegmentPtr SegmentCache::find_by_wire_name(std::string_view url, MediaSequence sn) {
  Entry* match = nullptr;
  // No signature sorts before the empty one.
  for (auto it = index_.lower_bound(SegmentKey{{}, sn}); it != index_.end() && it->first.sn == sn;
       ++it) {
    const SegmentBuffer& candidate = *it->second.segment;
    if (!candidate.complete() || candidate.segment().url != url) continue;
    if (match != nullptr) return nullptr;
    match = &it->second;
  }
  if (match == nullptr) return nullptr;
  match->used = ++uses_;
  return match->segment;
}

size_t SegmentCache::bytes_ahead() const {
  size_t sum = 0;
  for (const auto& [key, entry] : index_) {
    if (entry.segment->segment().span.end() > playhead_) sum += entry.segment->held();
  }
  return sum;
}

void SegmentCache::make_room(size_t incoming) {
  assert(incoming <= budget_);
  while (bytes() > budget_ - incoming) {
    const auto victim = next_victim();
    if (victim == index_.end()) return;
    index_.erase(victim);
    ++counts_.evictions;
  }
}

SegmentCache::Index::iterator SegmentCache::next_victim() {
  // Lower goes first.
  const auto tier = [this](const SegmentBuffer& buffer) {
    if (!buffer.complete()) return 0;
    return buffer.segment().span.end() <= playhead_ ? 1 : 2;
  };
  auto victim = index_.end();
  int victim_tier = 0;
  for (auto it = index_.begin(); it != index_.end(); ++it) {
    if (it->second.segment.use_count() > 1) continue;
    const int its_tier = tier(*it->second.segment);
    bool better = victim == index_.end() || its_tier < victim_tier;
    if (!better && its_tier == victim_tier) {
      const double end = it->second.segment->segment().span.end();
      const double victim_end = victim->second.segment->segment().span.end();
      better = its_tier == 1 && end != victim_end ? end < victim_end
                                                  : it->second.used < victim->second.used;
    }
    if (better) {
      victim = it;
      victim_tier = its_tier;
    }
  }
  return victim;
}

}  // namespace hlsmesh

#include <algorithm>
#include <cassert>
#include <utility>

#include "cache/segment_cache.hpp"

namespace hlsmesh {

Shared<SegmentBuffer> SegmentBuffer::allocate(const Segment& segment, size_t size, size_t held) {
  if (size == 0) return nullptr;
  Shared<SegmentBuffer> buffer(new SegmentBuffer(segment, size));
  return buffer->hold(held) ? buffer : nullptr;
}

SegmentBuffer::~SegmentBuffer() {
  if (tally_) tally_->bytes -= held();
}

bool SegmentBuffer::hold(size_t bytes) {
  if (bytes <= held()) return true;
  const size_t before = held();
  if (!memory_.hold(bytes)) return false;
  if (tally_) tally_->bytes += bytes - before;
  return true;
}

bool SegmentBuffer::contains(size_t offset, size_t length) const {
  return offset <= held() && length <= held() - offset;
}

MutableBytes SegmentBuffer::room(size_t offset, size_t length) {
  if (complete() || !contains(offset, length)) return {};
  return {memory_.space(offset, length), length};
}

bool SegmentBuffer::commit(size_t offset, size_t length) {
  if (!contains(offset, length)) return false;
  if (length == 0) return true;

  Interval merged{offset, offset + length};
  if (!committed_.empty() && committed_.back().end == offset) {  // in order, the usual case
    committed_.back().end = merged.end;
    committed_bytes_ += length;
    return true;
  }
  auto next = std::find_if(committed_.begin(), committed_.end(),
                           [&](const Interval& interval) { return interval.end >= offset; });
  // Every interval that overlaps or touches the new one is merged into it.
  while (next != committed_.end() && next->begin <= merged.end) {
    merged.begin = std::min(merged.begin, next->begin);
    merged.end = std::max(merged.end, next->end);
    committed_bytes_ -= next->end - next->begin;
    next = committed_.erase(next);
  }
  committed_.insert(next, merged);
  committed_bytes_ += merged.end - merged.begin;
  return true;
}

bool SegmentBuffer::end(size_t size) {
  assert(open_);
  if (size == 0 || size > size_ || (!committed_.empty() && committed_.back().end > size)) {
    return false;
  }
  size_ = size;
  open_ = false;
  return true;
}

PieceSet SegmentBuffer::pieces() const {
  PieceSet out;
  for (const Interval& interval : committed_) {
    const size_t first = (interval.begin + kPieceBytes - 1) / kPieceBytes;
    const size_t end = interval.end == size_ ? piece_count() : interval.end / kPieceBytes;
    if (first < end) out.add(static_cast<uint32_t>(first), static_cast<uint32_t>(end - 1));
  }
  return out;
}

bool SegmentBuffer::has_piece(size_t index) const {
  if (index >= piece_count()) return false;
  const size_t begin = index * kPieceBytes;
  const size_t end = begin + std::min(kPieceBytes, size_ - begin);
  const auto interval = std::find_if(committed_.begin(), committed_.end(),
                                     [end](const Interval& i) { return i.end >= end; });
  return interval != committed_.end() && interval->begin <= begin;
}

}  // namespace hlsmesh

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "cache/segment_cache.hpp"

namespace hlsmesh {

Shared<SegmentBuffer> SegmentBuffer::allocate(const Segment& segment, size_t size) {
  // Past PTRDIFF_MAX no object can be; some allocators end the process when asked.
  if (size == 0 || size > static_cast<size_t>(PTRDIFF_MAX)) return nullptr;
  // malloc and not new: without exceptions a failing new ends the process.
  auto* data = static_cast<uint8_t*>(std::malloc(size));
  if (data == nullptr) return nullptr;
  return Shared<SegmentBuffer>(new SegmentBuffer(segment, data, size));
}

SegmentBuffer::SegmentBuffer(const Segment& segment, uint8_t* data, size_t size)
    : segment_(segment), data_(data), size_(size) {}

SegmentBuffer::~SegmentBuffer() {
  std::free(data_);
  if (tally_) tally_->bytes -= size_;
}

bool SegmentBuffer::contains(size_t offset, size_t length) const {
  return offset <= size_ && length <= size_ - offset;
}

MutableBytes SegmentBuffer::room(size_t offset, size_t length) {
  if (complete() || !contains(offset, length)) return {};
  return {data_ + offset, length};
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
  // Everything that overlaps or touches the new interval melts into it.
  std::vector<Interval> before;
  std::vector<Interval> after;
  for (const Interval& interval : committed_) {
    if (interval.end < merged.begin) {
      before.push_back(interval);
    } else if (interval.begin > merged.end) {
      after.push_back(interval);
    } else {
      merged.begin = std::min(merged.begin, interval.begin);
      merged.end = std::max(merged.end, interval.end);
    }
  }
  before.push_back(merged);
  for (const Interval& interval : after) before.push_back(interval);
  committed_ = std::move(before);
  committed_bytes_ = 0;
  for (const Interval& interval : committed_) committed_bytes_ += interval.end - interval.begin;
  return true;
}

bool SegmentBuffer::has_piece(size_t index) const {
  if (index >= piece_count()) return false;
  const size_t begin = index * kPieceBytes;
  const size_t end = begin + std::min(kPieceBytes, size_ - begin);
  const auto interval =
      std::lower_bound(committed_.begin(), committed_.end(), end,
                       [](const Interval& i, size_t needed) { return i.end < needed; });
  return interval != committed_.end() && interval->begin <= begin;
}

}  // namespace hlsmesh

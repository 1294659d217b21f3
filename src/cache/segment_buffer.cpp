#include <algorithm>
#include <cstdlib>
#include <new>

#include "cache/segment_cache.hpp"

namespace hlsmesh {

std::shared_ptr<SegmentBuffer> SegmentBuffer::allocate(const Segment& segment, size_t size) {
  // Past PTRDIFF_MAX no object can be; some allocators end the process when asked.
  if (size == 0 || size > static_cast<size_t>(PTRDIFF_MAX)) return nullptr;
  // malloc and not new: without exceptions a failing new ends the process.
  auto* data = static_cast<uint8_t*>(std::malloc(size));
  if (data == nullptr) return nullptr;
  return std::shared_ptr<SegmentBuffer>(new SegmentBuffer(segment, data, size));
}

SegmentBuffer::SegmentBuffer(const Segment& segment, uint8_t* data, size_t size)
    : segment_(segment), data_(data), size_(size) {}

SegmentBuffer::~SegmentBuffer() {
  std::free(data_);
  if (tally_) *tally_ -= size_;
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
  const auto first = std::lower_bound(committed_.begin(), committed_.end(), offset,
                                      [](const Interval& i, size_t at) { return i.end < at; });
  auto last = first;
  while (last != committed_.end() && last->begin <= merged.end) {
    merged.begin = std::min(merged.begin, last->begin);
    merged.end = std::max(merged.end, last->end);
    committed_bytes_ -= last->end - last->begin;
    ++last;
  }
  committed_bytes_ += merged.end - merged.begin;
  if (first == last) {
    committed_.insert(first, merged);
  } else {
    *first = merged;
    committed_.erase(first + 1, last);
  }
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

#include "client/download/looks.hpp"

#include "media/container.hpp"

namespace hlsmesh {

bool is_good(const Segment& segment, ByteView body) {
  return segment.opaque || is_whole_media(body);
}

bool looks_like_media(const Segment& segment, ByteView head, size_t size) {
  return segment.opaque || begins_like_media(head, size);
}

bool looks_right(Transfer& transfer) {
  const Segment& segment = transfer.ask.segment;
  if (transfer.buffer == nullptr) return true;
  if (transfer.received == transfer.size) return is_good(segment, transfer.buffer->bytes());
  if (transfer.looked_at || segment.opaque || transfer.received < kHeadBytes) return true;
  transfer.looked_at = true;
  return begins_like_media(transfer.buffer->bytes().first(transfer.received), transfer.size);
}

}  // namespace hlsmesh

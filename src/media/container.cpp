#include "media/container.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace hlsmesh {
namespace {

constexpr size_t kPacket = 188;  // of MPEG-TS
constexpr uint8_t kSync = 0x47;

// Returns the offset of the first packet of MPEG-TS, or `size` if there is none. Like hls.js, it
// requires three packets in a row, and skips up to five packets of other bytes before them.
size_t first_packet(ByteView head, size_t size) {
  if (size < kPacket) return size;
  const size_t window = std::min(5 * kPacket, size - kPacket);
  for (size_t at = 0; at <= window; ++at) {
    // A segment of fewer than three packets must begin with one.
    if (at > 0 && size - at < 3 * kPacket) break;
    bool synced = true;
    for (size_t packet = at; packet < std::min(at + 3 * kPacket, size); packet += kPacket) {
      synced = synced && packet < head.size() && head[packet] == kSync;
    }
    if (synced) return at;
  }
  return size;
}

// Returns the size of the box at `at` in a segment of `size` bytes, or 0 if there can be no such
// box.
size_t box_bytes(ByteView bytes, size_t at, size_t size) {
  if (bytes.size() - at < 8) return 0;
  size_t length = 0;
  for (size_t i = at; i < at + 4; ++i) {
    length = length << 8 | bytes[i];
    if (bytes[i + 4] < 0x20 || bytes[i + 4] > 0x7e) return 0;  // of the box's type
  }
  // 0: up to the end; 1: the size is in 64 bits, which no segment needs for any box but its last.
  if (length < 2) return size - at;
  return length >= 8 && length <= size - at ? length : 0;
}

bool begins(ByteView head, const char* text, size_t size) {
  return head.size() >= size && std::memcmp(head.data(), text, size) == 0;
}

// Packed audio (RFC 8216 section 3.4) and WebVTT.
bool begins_otherwise(ByteView head) {
  // Text in UTF-16 begins with FF FE. As audio these two bytes would be Layer I, which nobody
  // streams.
  const bool audio_sync = head.size() >= 2 && head[0] == 0xff && head[1] >= 0xe0 && head[1] != 0xfe;
  return audio_sync || begins(head, "\x0b\x77", 2) || begins(head, "ID3", 3) ||
         begins(head, "WEBVTT", 6) || begins(head, "\xef\xbb\xbfWEBVTT", 9);
}

}  // namespace

bool begins_like_media(ByteView head, size_t size) {
  return begins_otherwise(head) || box_bytes(head, 0, size) > 0 || first_packet(head, size) < size;
}

bool is_whole_media(ByteView segment) {
  const size_t size = segment.size();
  if (!begins_like_media(segment, size)) return false;
  if (begins_otherwise(segment)) return true;
  if (const size_t first = first_packet(segment, size); first < size) {
    for (size_t at = first; at < size; at += kPacket) {
      if (size - at < kPacket || segment[at] != kSync) return false;
    }
    return true;
  }
  for (size_t at = 0; at < size;) {
    const size_t length = box_bytes(segment, at, size);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace hlsmesh

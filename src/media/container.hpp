#pragma once

#include <cstddef>

#include "common/bytes.hpp"

namespace hlsmesh {

// Checks of a segment's container, without decoding. The containers are those that hls.js plays:
// MPEG-TS, ISO BMFF, packed audio (ADTS, MPEG audio, AC-3, ID3) and WebVTT. The checks do not work
// on segments that are encrypted as a whole (METHOD=AES-128), whose bytes look random.

// The bytes of a segment that begins_like_media() needs. With fewer bytes of a longer segment it
// may refuse MPEG-TS that begins with other bytes.
inline constexpr size_t kHeadBytes = 2048;

// Returns true if a segment of `size` bytes may be media, judged by its first bytes: all of it, or
// kHeadBytes. Never true for HTML, XML or JSON.
bool begins_like_media(ByteView head, size_t size);

// Returns true if the container shows that nothing is missing of a whole segment: every MPEG-TS
// packet is there and begins with the sync byte, or the boxes of ISO BMFF end where the segment
// ends. The contents of other containers are not checked. False if begins_like_media() is.
bool is_whole_media(ByteView segment);

}  // namespace hlsmesh

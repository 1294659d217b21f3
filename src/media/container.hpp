#pragma once

#include <cstddef>

#include "common/bytes.hpp"

namespace hlsmesh {

// What the bytes of a segment look like, without decoding any of them. The containers are those
// that hls.js plays: MPEG-TS, ISO BMFF, packed audio (ADTS, MPEG audio, AC-3, ID3) and WebVTT. Not
// for segments that are encrypted as a whole (METHOD=AES-128): their bytes look like nothing.

// How much of a segment begins_like_media() wants to see. With less of a longer segment it may
// refuse MPEG-TS that begins with other bytes.
inline constexpr size_t kHeadBytes = 2048;

// Whether a segment of `size` bytes may be media, by its first bytes: all of it, or kHeadBytes.
// Never true for a page of HTML, for XML and for JSON.
bool begins_like_media(ByteView head, size_t size);

// Whether nothing is missing of a whole segment as far as its container tells: every MPEG-TS packet
// is there and begins with the sync byte, or the boxes of ISO BMFF end where the segment does. What
// other containers hold is not looked at. False where begins_like_media() is.
bool is_whole_media(ByteView segment);

}  // namespace hlsmesh

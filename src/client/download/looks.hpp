#pragma once

#include "client/download/requester.hpp"
#include "common/bytes.hpp"
#include "media/segment.hpp"

namespace hlsmesh {

// Whether the whole body of `segment` may be shared.
bool is_good(const Segment& segment, ByteView body);

// Whether `head`, the first bytes of a body of `size` bytes, may be of media.
bool looks_like_media(const Segment& segment, ByteView head, size_t size);

// Whether what has come of a transfer may be the media that was asked for. Its first bytes are
// looked at once.
bool looks_right(Transfer& transfer);

}  // namespace hlsmesh

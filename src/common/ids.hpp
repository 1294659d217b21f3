#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/strong.hpp"

namespace hlsmesh {

// EXT-X-MEDIA-SEQUENCE number of a segment (RFC 8216 section 4.3.3.2); `sn` on the wire.
using MediaSequence = Strong<struct MediaSequenceTag, int64_t>;

// The client engine's name for one peer connection. Positive, never reused within an engine's life,
// so a late event for a closed connection can only miss.
using PeerHandle = Strong<struct PeerHandleTag, int32_t>;

// One load that the player asked for. The driver chooses the id: positive, and unique among
// unfinished loads.
using LoadId = Strong<struct LoadIdTag, int32_t>;
// A fetch from the CDN, named by the client engine; zero is none.
using FetchId = Strong<struct FetchIdTag, int32_t>;

// The tracker engine's name for one WebSocket. The driver chooses it: positive, and never reused.
using ConnId = Strong<struct ConnIdTag, int32_t>;

// A peer's id as the tracker gave it. Trackers of 2018 issue JSON numbers, and such an id must be
// sent back as a number (protocol section 3), hence the flag. Two ids are equal if both text and
// kind are.
struct PeerId {
  std::string text;
  bool numeric = false;

  friend bool operator==(const PeerId& a, const PeerId& b) {
    return a.numeric == b.numeric && a.text == b.text;
  }
  friend bool operator!=(const PeerId& a, const PeerId& b) { return !(a == b); }
  friend bool operator<(const PeerId& a, const PeerId& b) {
    return a.text != b.text ? a.text < b.text : a.numeric < b.numeric;
  }
};

}  // namespace hlsmesh

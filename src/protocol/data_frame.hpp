#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.hpp"

// The binary messages of extension 2 (protocol section 5): a header, and then one or more whole
// pieces of a segment, or digests of its pieces, which follow one another.
namespace hlsmesh::peer {

// Every piece has this size, except a segment's last one, which has the rest.
inline constexpr uint32_t kWirePieceBytes = 16 * 1024;

// The pieces of so many bytes; the last may be shorter.
constexpr uint32_t pieces_in(size_t bytes) {
  return static_cast<uint32_t>((bytes + kWirePieceBytes - 1) / kWirePieceBytes);
}

struct DataHeader {
  uint32_t transfer = 0;  // the number of the WANT that it answers, 1 to 2^31 - 1
  uint32_t piece = 0;     // the first one, below PieceSet::kMost
  uint32_t size = 0;      // bytes of the whole segment
  bool digests = false;   // what follows are digests of pieces
};

inline constexpr size_t kDataHeaderBytes = 16;
// The longest message: what every WebRTC implementation takes is 64 KiB, and 60 KiB of segment is
// what a packet of version 1 has.
inline constexpr size_t kMostFrameBytes = 60 * 1024 + kDataHeaderBytes;

// Writes kDataHeaderBytes bytes.
void write_data_header(const DataHeader& header, uint8_t* out);

// Reads the header at the front of `message`, of which no more need be there. Returns false, with
// `header` in any state, if it is none: too short, of another type, a value that its field cannot
// have, or a piece beyond the end of the segment.
bool read_data_header(ByteView message, DataHeader& header);

// Returns the number of pieces that the `bytes` bytes after `header` are. Returns 0 if they are
// none, not whole, go beyond the end of the segment, or are more than a message may have. `header`
// must be one that can be read.
uint32_t whole_pieces(const DataHeader& header, size_t bytes);

}  // namespace hlsmesh::peer

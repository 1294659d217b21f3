#include <cstring>

#include "check.hpp"
#include "common/piece_set.hpp"
#include "protocol/data_frame.hpp"
#include "protocol/peer_messages.hpp"

// Any bytes are no frame, or have a header that is written as it was, and pieces that lie within
// the segment.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  using namespace hlsmesh::peer;
  DataHeader header;
  if (!read_data_header({data, size}, header)) return 0;
  uint8_t written[kDataHeaderBytes];
  write_data_header(header, written);
  fuzz::require(std::memcmp(written, data, kDataHeaderBytes) == 0);
  fuzz::require(header.transfer > 0 && header.transfer <= kMaxTransfer);
  fuzz::require(header.size > 0 && header.size <= kMaxSegmentBytes);
  fuzz::require(header.piece < PieceSet::kMost);

  const size_t left = header.size - size_t{header.piece} * kWirePieceBytes;
  // What came with the header, and what might have.
  for (const size_t bytes : {size - kDataHeaderBytes, left, size_t{kWirePieceBytes},
                             size_t{3 * kWirePieceBytes}, left % kWirePieceBytes}) {
    const uint32_t pieces = whole_pieces(header, bytes);
    if (pieces == 0) continue;
    fuzz::require(bytes > 0 && bytes <= left && bytes + kDataHeaderBytes <= kMostFrameBytes);
    fuzz::require(header.piece + pieces <= PieceSet::kMost);
    fuzz::require(bytes == left || bytes == size_t{pieces} * kWirePieceBytes);
  }
  return 0;
}

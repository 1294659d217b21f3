#include "protocol/data_frame.hpp"

#include "common/piece_set.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh::peer {
namespace {

// The first word of a frame; the other values are for frames of later extensions.
constexpr uint32_t kTypeData = 1;
constexpr uint32_t kTypeDigests = 2;

static_assert(int64_t{PieceSet::kMost} * kWirePieceBytes == kMaxSegmentBytes);

void put_word(uint32_t word, uint8_t* out) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(word >> (8 * i));
}

uint32_t word_at(const uint8_t* bytes) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word |= uint32_t{bytes[i]} << (8 * i);
  return word;
}

}  // namespace

void write_data_header(const DataHeader& header, uint8_t* out) {
  put_word(header.digests ? kTypeDigests : kTypeData, out);
  put_word(header.transfer, out + 4);
  put_word(header.piece, out + 8);
  put_word(header.size, out + 12);
}

bool read_data_header(ByteView message, DataHeader& header) {
  if (message.size() < kDataHeaderBytes) return false;
  const uint32_t type = word_at(message.data());
  if (type != kTypeData && type != kTypeDigests) return false;
  header.digests = type == kTypeDigests;
  header.transfer = word_at(message.data() + 4);
  header.piece = word_at(message.data() + 8);
  header.size = word_at(message.data() + 12);
  // A piece before the end of a segment that is not too large is below PieceSet::kMost.
  return header.transfer > 0 && header.transfer <= kMaxTransfer &&
         header.size <= kMaxSegmentBytes && uint64_t{header.piece} * kWirePieceBytes < header.size;
}

uint32_t whole_pieces(const DataHeader& header, size_t bytes) {
  const size_t left = header.size - size_t{header.piece} * kWirePieceBytes;
  if (bytes > kMostFrameBytes - kDataHeaderBytes || bytes > left) return 0;
  if (bytes < left && bytes % kWirePieceBytes != 0) return 0;
  return pieces_in(bytes);
}

}  // namespace hlsmesh::peer

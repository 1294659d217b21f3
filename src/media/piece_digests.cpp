#include "media/piece_digests.hpp"

#include <algorithm>
#include <cassert>

namespace hlsmesh {
namespace {

constexpr size_t kPieceBytes = kDigestedBytes;

// What is hashed before the bytes, so that no piece can pass for a list of digests.
constexpr uint8_t kPieceMark[] = {0};
constexpr uint8_t kSegmentMark = 1;

Digest digest_of_piece(ByteView piece) {
  Sha256 sum;
  sum.add(kPieceMark);
  sum.add(piece);
  return sum.finish();
}

}  // namespace

PieceDigests::PieceDigests(size_t size)
    : size_(size), bytes_((size + kPieceBytes - 1) / kPieceBytes * sizeof(Digest), '\0') {
  assert(size > 0);
}

Shared<PieceDigests> PieceDigests::of(ByteView segment) {
  Shared<PieceDigests> digests(new PieceDigests(segment.size()));
  for (size_t at = 0; at < digests->count(); ++at) {
    const size_t from = at * kPieceBytes;
    const Digest digest =
        digest_of_piece(segment.subspan(from, std::min(kPieceBytes, segment.size() - from)));
    std::copy(digest.begin(), digest.end(), digests->room(at, sizeof(Digest)).begin());
  }
  return digests;
}

MutableBytes PieceDigests::room(size_t first, size_t size) {
  if (size % sizeof(Digest) != 0 || first > count() || size / sizeof(Digest) > count() - first) {
    return {};
  }
  return {reinterpret_cast<uint8_t*>(bytes_.data()) + first * sizeof(Digest), size};
}

ByteView PieceDigests::bytes() const {
  return {reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size()};
}

bool PieceDigests::fit(size_t first, ByteView bytes) const {
  for (size_t at = first; !bytes.empty(); ++at) {
    assert(at < count());
    const ByteView piece = bytes.first(std::min(kPieceBytes, bytes.size()));
    const Digest digest = digest_of_piece(piece);
    const ByteView known = this->bytes().subspan(at * sizeof(Digest), sizeof(Digest));
    if (!std::equal(digest.begin(), digest.end(), known.begin())) return false;
    bytes = bytes.subspan(piece.size());
  }
  return true;
}

Digest PieceDigests::digest() const {
  uint8_t head[9] = {kSegmentMark};
  for (int i = 0; i < 8; ++i) head[1 + i] = static_cast<uint8_t>(uint64_t{size_} >> (56 - 8 * i));
  Sha256 sum;
  sum.add(head);
  sum.add(bytes());
  return sum.finish();
}

}  // namespace hlsmesh

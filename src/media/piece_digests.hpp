#pragma once

#include <cstddef>
#include <string>

#include "common/bytes.hpp"
#include "common/shared.hpp"
#include "media/sha256.hpp"

namespace hlsmesh {

// The unit that has a digest of its own; a segment's last one may be shorter.
inline constexpr size_t kDigestedBytes = 16 * 1024;

// The digests of all pieces of one segment, from which the segment's own digest is made: a tree of
// two levels (docs/DIGESTS.md). Whoever has them, and knows the segment's digest, can check each
// piece by itself.
class PieceDigests : public Counted {
 public:
  // Of a segment of `size` bytes, 1 or more; all of them zero.
  explicit PieceDigests(size_t size);
  // Of the segment with these bytes, 1 or more.
  static Shared<PieceDigests> of(ByteView segment);

  // Of pieces from `first` on, as many as `size` bytes are; empty if that are none, not whole ones,
  // or more than there are.
  MutableBytes room(size_t first, size_t size);
  size_t count() const { return bytes_.size() / sizeof(Digest); }
  // All of them, in the order of the pieces. Valid until this goes.
  ByteView bytes() const;

  // Returns true if `bytes`, from the beginning of piece `first` on, are the segment's. They must
  // be whole pieces of it.
  bool fit(size_t first, ByteView bytes) const;
  // The segment's digest.
  Digest digest() const;

 private:
  size_t size_;
  std::string bytes_;
};

}  // namespace hlsmesh

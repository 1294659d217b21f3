#include "check.hpp"
#include "protocol/piece_text.hpp"

// Any text is refused, or says pieces whose own text is no longer than the limit and says the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  using namespace hlsmesh::peer;
  const std::string_view text = fuzz::view(data, size);
  PieceSet pieces;
  if (!from_text(text, pieces)) return 0;
  fuzz::require(text.size() <= kMostPieceText);
  fuzz::require(!pieces.empty());
  const std::string canonical = to_text(pieces);
  fuzz::require(canonical.size() <= text.size() + 1);  // the dash of 4095-
  PieceSet same;
  fuzz::require(from_text(canonical, same) && same == pieces);
  fuzz::require(to_text(same) == canonical);
  return 0;
}

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/piece_set.hpp"

// Pieces as messages name them (protocol section 5): runs with commas between them, each `a`, `a-b`
// with both ends included, or, as the last one, `a-`, which goes to the end of the segment.
namespace hlsmesh::peer {

inline constexpr size_t kMostPieceRuns = 64;
// 64 runs such as `1000-1001`, and the commas between them.
inline constexpr size_t kMostPieceText = kMostPieceRuns * 10 - 1;

// Returns the text of the first kMostPieceRuns runs; what is beyond them is left out, so that a
// caller who has more runs says the rest in another message. A run that reaches the last piece of a
// PieceSet is written open (`a-`). Empty if the set is empty, which no message can say.
std::string to_text(const PieceSet& pieces);

// Reads into `pieces`, whatever it had. Returns false if the text is malformed: no run, more than
// kMostPieceRuns, a number of another spelling than to_text()'s, or a run that does not begin after
// the end of the one before it; `pieces` then has some of what was read. An open run goes to the
// last piece of a PieceSet; a reader who knows the segment's size cuts it.
bool from_text(std::string_view text, PieceSet& pieces);

}  // namespace hlsmesh::peer

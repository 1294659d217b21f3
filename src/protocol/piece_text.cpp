#include "protocol/piece_text.hpp"

#include <cstdint>

#include "protocol/json_number.hpp"

namespace hlsmesh::peer {
namespace {

// Takes a piece's number from the front of `text`. Returns kMost or more if there is none.
uint32_t take_piece(std::string_view& text) {
  uint32_t piece = 0;
  const size_t size = text.size();
  while (!text.empty() && piece < PieceSet::kMost) {
    const uint32_t digit = static_cast<uint8_t>(text.front()) - uint32_t{'0'};
    if (digit > 9) break;
    // No digit follows a zero that is the first one.
    if (piece == 0 && text.size() < size) return PieceSet::kMost;
    piece = piece * 10 + digit;
    text.remove_prefix(1);
  }
  return text.size() < size ? piece : PieceSet::kMost;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_text(const PieceSet& pieces) {
  std::string text;
  uint32_t first = pieces.first();
  for (size_t runs = 0; runs < kMostPieceRuns && first < PieceSet::kMost; ++runs) {
    if (runs > 0) text.push_back(',');
    json::append_unsigned(text, first);
    const uint32_t end = pieces.run_end(first);
    if (end == PieceSet::kMost || end > first + 1) text.push_back('-');
    if (end < PieceSet::kMost && end > first + 1) json::append_unsigned(text, end - 1);
    first = pieces.first(end);
  }
  return text;
}

bool from_text(std::string_view text, PieceSet& pieces) {
  pieces = {};
  uint32_t least = 0;
  for (size_t runs = 0; runs < kMostPieceRuns; ++runs) {
    const uint32_t first = take_piece(text);
    uint32_t last = first;
    if (take(text, '-')) last = text.empty() ? PieceSet::kMost - 1 : take_piece(text);
    if (first < least || last < first || last >= PieceSet::kMost) return false;
    pieces.add(first, last);
    if (text.empty()) return true;
    if (!take(text, ',')) return false;
    least = last + 1;
  }
  return false;
}

}  // namespace hlsmesh::peer

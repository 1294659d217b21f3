#include "protocol/piece_text.hpp"

#include <catch2/catch.hpp>
#include <string_view>
#include <vector>

#include "common/random.hpp"
#include "cpp/protocol/vectors.hpp"

namespace hlsmesh::peer {
namespace {

PieceSet read(std::string_view text) {
  PieceSet pieces;
  REQUIRE(from_text(text, pieces));
  return pieces;
}

TEST_CASE("every vector of pieces is read as its runs, or refused") {
  for (const auto& vector : test::load_vectors("peer.json", "pieces")) {
    INFO(vector["name"].get<std::string>());
    const std::string text = test::text_of(vector["text"]);
    PieceSet pieces;
    pieces.add(100, 200);  // what a set had is gone
    if (vector.contains("error")) {
      CHECK(!from_text(text, pieces));
      continue;
    }
    REQUIRE(from_text(text, pieces));
    PieceSet expected;
    for (const auto& run : vector["runs"]) {
      expected.add(run[0].get<uint32_t>(), run[1].get<uint32_t>());
    }
    CHECK(pieces == expected);
    CHECK(to_text(pieces) == test::text_of(vector["canonical"]));
  }
}

TEST_CASE("whatever pieces are said are read as the same pieces, up to the 64th run") {
  Random random(1);
  for (int round = 0; round < 2'000; ++round) {
    CAPTURE(round);
    PieceSet pieces;
    for (uint32_t runs = 1 + random.below(80); runs > 0; --runs) {
      const uint32_t first = random.below(PieceSet::kMost);
      pieces.add(first, first + random.below(1 + random.below(40)));
    }
    PieceSet said;
    size_t runs = 0;
    for (uint32_t at = pieces.first(); at < PieceSet::kMost; at = pieces.first(at)) {
      const uint32_t end = pieces.run_end(at);
      if (runs++ < kMostPieceRuns) said.add(at, end - 1);
      at = end;
    }
    const std::string text = to_text(pieces);
    REQUIRE(text.size() <= kMostPieceText);
    REQUIRE(read(text) == said);
    REQUIRE((said == pieces) == (runs <= kMostPieceRuns));
    REQUIRE(to_text(said) == text);
  }
}

TEST_CASE("more than 64 runs are said in several texts") {
  PieceSet left;
  for (uint32_t piece = 1; piece < PieceSet::kMost; piece += 2) left.add(piece);
  size_t texts = 0;
  for (; !left.empty(); ++texts) left.remove(read(to_text(left)));
  CHECK(texts == 2'048 / kMostPieceRuns);
}

TEST_CASE("the longest text of pieces is as long as the limit") {
  PieceSet pieces;
  for (uint32_t i = 0; i < kMostPieceRuns; ++i) pieces.add(1'000 + 3 * i, 1'001 + 3 * i);
  CHECK(to_text(pieces).size() == kMostPieceText);
}

TEST_CASE("no pieces have no text that a message could say") {
  CHECK(to_text(PieceSet()).empty());
  PieceSet pieces;
  CHECK(!from_text("", pieces));
}

TEST_CASE("a text of pieces is not read past its end") {
  const std::string_view whole = "0-3,12-15,24-4000";
  size_t refused = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly that size, so that a sanitizer sees a read past it too.
    const std::vector<char> copy(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    PieceSet of_copy;
    PieceSet of_part;
    const bool read = from_text({copy.data(), copy.size()}, of_copy);
    CHECK(read == from_text(whole.substr(0, size), of_part));
    if (read) CHECK(of_copy == of_part);
    if (!read) ++refused;
  }
  // Nothing; two that end in a comma; and four whose last number is too small as yet.
  CHECK(refused == 7);
}

}  // namespace
}  // namespace hlsmesh::peer

#include "protocol/data_frame.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "common/piece_set.hpp"
#include "common/random.hpp"
#include "cpp/protocol/vectors.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh::peer {
namespace {

constexpr uint32_t kMaxSize = kMaxSegmentBytes;

std::array<uint8_t, kDataHeaderBytes> written(const DataHeader& header) {
  // A byte more, which nobody may write.
  std::array<uint8_t, kDataHeaderBytes + 1> out;
  out.fill(0xA5);
  write_data_header(header, out.data());
  REQUIRE(out.back() == 0xA5);
  std::array<uint8_t, kDataHeaderBytes> bytes;
  std::copy_n(out.begin(), bytes.size(), bytes.begin());
  return bytes;
}

bool readable(const DataHeader& header) {
  DataHeader read;
  return read_data_header(written(header), read);
}

TEST_CASE("every vector of a frame is read as its header and pieces, or refused") {
  for (const auto& vector : test::load_vectors("peer.json", "frames")) {
    INFO(vector["name"].get<std::string>());
    const std::string wire = test::wire_of(vector);
    const std::vector<uint8_t> bytes(wire.begin(), wire.end());
    const std::string error = vector.value("error", "");
    DataHeader header;
    const bool is_header = read_data_header(bytes, header);
    CHECK(is_header == (error != "no header"));
    if (!is_header) continue;
    CHECK(header.digests == (vector.contains("header") && vector["header"].contains("digests")));
    if (header.digests) {
      CHECK(header.piece == vector["header"]["piece"].get<uint32_t>());
      const auto again = written(header);
      CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
      continue;
    }
    const uint32_t pieces = whole_pieces(header, bytes.size() - kDataHeaderBytes);
    CHECK((bytes.size() > kMostFrameBytes) == (error == "too long"));
    if (!error.empty()) {
      CHECK(pieces == 0);
      continue;
    }
    CHECK(pieces == vector["pieces"].get<uint32_t>());
    CHECK(header.transfer == vector["header"]["transfer"].get<uint32_t>());
    CHECK(header.piece == vector["header"]["piece"].get<uint32_t>());
    CHECK(header.size == vector["header"]["size"].get<uint32_t>());
    const auto again = written(header);
    CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
  }
}

TEST_CASE("whatever header is written is read as the same one") {
  Random random(1);
  for (int round = 0; round < 5'000; ++round) {
    DataHeader header;
    header.transfer = 1 + random.below(INT32_MAX);
    header.size = 1 + random.below(kMaxSize);
    header.piece = random.below((header.size - 1) / kWirePieceBytes + 1);
    DataHeader read;
    REQUIRE(read_data_header(written(header), read));
    REQUIRE(read.transfer == header.transfer);
    REQUIRE(read.piece == header.piece);
    REQUIRE(read.size == header.size);
    REQUIRE(read.piece < PieceSet::kMost);
  }
}

TEST_CASE("each field of a header ends at its limit") {
  CHECK(readable({1, 0, 1}));
  CHECK(!readable({0, 0, 1}));
  CHECK(readable({INT32_MAX, 0, 1}));
  CHECK(!readable({uint32_t{INT32_MAX} + 1, 0, 1}));
  CHECK(!readable({UINT32_MAX, 0, 1}));
  CHECK(!readable({1, 0, 0}));
  CHECK(readable({1, PieceSet::kMost - 1, kMaxSize}));
  CHECK(!readable({1, 0, kMaxSize + 1}));
  CHECK(!readable({1, 0, UINT32_MAX}));
  CHECK(!readable({1, PieceSet::kMost, kMaxSize}));
  CHECK(!readable({1, UINT32_MAX, kMaxSize}));
  CHECK(readable({1, 1, kWirePieceBytes + 1}));
  CHECK(!readable({1, 1, kWirePieceBytes}));
}

TEST_CASE("a header changed in its type, or cut anywhere, is none") {
  const auto bytes = written({7, 3, 316'216});
  DataHeader header;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<uint8_t> part(bytes.begin(),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(!read_data_header(part, header));
  }
  for (size_t at = 0; at < 4; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = bytes;
      changed[at] = static_cast<uint8_t>(changed[at] ^ 1 << bit);
      CHECK(!read_data_header(changed, header));
    }
  }
}

TEST_CASE("only whole pieces are pieces") {
  // Of a segment of two pieces and a hundred bytes.
  const uint32_t size = 2 * kWirePieceBytes + 100;
  for (uint32_t piece = 0; piece < 3; ++piece) {
    const size_t left = size - piece * kWirePieceBytes;
    size_t wrong = 0;
    for (size_t bytes = 0; bytes < 4 * kWirePieceBytes; ++bytes) {
      uint32_t expected = 0;
      if (bytes == left) expected = 3 - piece;
      if (bytes < left && bytes % kWirePieceBytes == 0) {
        expected = static_cast<uint32_t>(bytes / kWirePieceBytes);
      }
      if (whole_pieces({1, piece, size}, bytes) != expected) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("no more pieces are in a frame than fit into it") {
  CHECK(whole_pieces({1, 0, kMaxSize}, 3 * kWirePieceBytes) == 3);
  CHECK(whole_pieces({1, 0, kMaxSize}, 4 * kWirePieceBytes) == 0);
  const uint32_t load = kMostFrameBytes - kDataHeaderBytes;
  CHECK(whole_pieces({1, 0, load}, load) == 4);
  CHECK(whole_pieces({1, 0, load + 1}, load + 1) == 0);
  CHECK(whole_pieces({1, 0, kMaxSize}, SIZE_MAX) == 0);
}

}  // namespace
}  // namespace hlsmesh::peer

#include <catch2/catch.hpp>
#include <cstring>

#include "client/player/loads.hpp"
#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kWholeBytes = 200'000;
constexpr size_t kHalfBytes = 100'000;

// A player that waits for segment 5, of which peers have brought the first half.
struct Waiting {
  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Downloads downloads{commands, renditions, stats, 8 * 1024 * 1024};
  Player player{renditions, downloads.shelf};
  Random random{1};
  Mesh mesh{commands, downloads, stats, random};
  Loads loads{commands, player, downloads, mesh, stats};
  TimeMs now{DurationMs(1'000'000)};
  const std::string body = Harness::body(5, kWholeBytes);
  SegmentKey key{"r 5", MediaSequence(5)};
  SegmentPtr buffer;

  explicit Waiting(bool streams = true) {
    Wish wish;
    wish.segment.key = key;
    wish.segment.url = "seg5.ts";
    wish.shareable = true;
    wish.streams = streams;
    buffer = downloads.shelf.cache.begin(wish.segment, kWholeBytes);
    std::memcpy(buffer->room(0, kHalfBytes).data(), body.data(), kHalfBytes);
    buffer->commit(0, kHalfBytes);
    loads.begin(now, LoadId(1), std::move(wish), false);
  }
  // The name of the fetch that the next command asks for; none if it asks for another part.
  FetchId asked(size_t from, size_t to) {
    const Command* const command = commands.pop();
    if (command == nullptr || command->kind != CommandKind::kFetch) return {};
    const bool same = command->load == LoadId(1) && command->t0 == static_cast<double>(from) &&
                      command->t1 == static_cast<double>(to);
    return same ? FetchId(command->code) : FetchId();
  }
  bool part(FetchId fetch, size_t from, size_t to) {
    const MutableBytes room = loads.reserve_fetch(fetch, from, to - from, kWholeBytes);
    if (room.empty()) return false;
    std::memcpy(room.data(), body.data() + from, to - from);
    loads.on_fetch_bytes(now, fetch, to - from);
    return true;
  }
};

}  // namespace

TEST_CASE("loads: a part from the CDN and the rest from peers answer a load") {
  Waiting w;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  const FetchId fetch = w.asked(kHalfBytes, 0);
  REQUIRE(fetch != FetchId());
  w.now += DurationMs(100);
  REQUIRE(w.part(fetch, kHalfBytes, kHalfBytes + 60'000));
  CHECK(w.commands.pop() == nullptr);
  REQUIRE(w.part(fetch, kHalfBytes + 60'000, kWholeBytes));
  const Command* command = w.commands.pop();
  REQUIRE(command != nullptr);
  CHECK(command->kind == CommandKind::kLoadDone);
  CHECK(command->load == LoadId(1));
  REQUIRE(command->data.size() == kWholeBytes);
  CHECK(std::memcmp(command->data.data(), w.body.data(), kWholeBytes) == 0);
  command = w.commands.pop();
  REQUIRE(command != nullptr);
  CHECK(command->code == static_cast<int32_t>(EventCode::kSegmentCached));
  CHECK(w.loads.empty());
  CHECK(w.stats.cdn_bytes == kHalfBytes);
  CHECK(w.stats.cdn_segments == 1);
  CHECK(w.downloads.shelf.receipts.given(w.key));
  // What the driver still says of the fetch is about nothing.
  CHECK_FALSE(w.loads.on_fetch_done(w.now, fetch, kHalfBytes, 10, 90));
  CHECK(w.commands.pop() == nullptr);
  w.downloads.sweep();
  CHECK(w.downloads.find(w.key) == nullptr);
}

TEST_CASE("loads: of pieces that the CDN brings too nothing is a peer's once they have come") {
  Waiting w;
  Download& download = *w.downloads.find(w.key);
  download.body = w.buffer;
  Delivery& delivery = download.deliveries.emplace_back();
  delivery.giver = PeerId{"giver"};
  delivery.pieces = download.here = w.buffer->pieces();
  constexpr size_t kPiece = SegmentBuffer::kPieceBytes;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {2 * kPiece, 0}, w.buffer));
  const FetchId fetch = w.asked(2 * kPiece, 0);
  CHECK(delivery.pieces == PieceSet::all(6));
  REQUIRE(w.part(fetch, 2 * kPiece, 3 * kPiece + 5'000));
  // A half of piece 3 is another's still.
  PieceSet left = PieceSet::all(6);
  left.remove(2);
  CHECK(delivery.pieces == left);
  PieceSet mixed;
  mixed.add(3);
  CHECK(download.mixed == mixed);
  REQUIRE(w.part(fetch, 3 * kPiece + 5'000, 4 * kPiece));
  left.remove(3);
  CHECK(delivery.pieces == left);
  CHECK(download.mixed == PieceSet());
  CHECK(w.loads.on_fetch_failed(w.now, fetch) == nullptr);
  CHECK(delivery.pieces == left);
}

TEST_CASE("loads: what a peer brings of a piece after the CDN's first half of it stays a peer's") {
  Waiting w;
  Download& download = *w.downloads.find(w.key);
  download.body = w.buffer;
  constexpr size_t kPiece = SegmentBuffer::kPieceBytes;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {6 * kPiece, 0}, w.buffer));
  const FetchId fetch = w.asked(6 * kPiece, 0);
  REQUIRE(w.part(fetch, 6 * kPiece, 6 * kPiece + 5'000));
  Delivery& delivery = download.deliveries.emplace_back();
  delivery.giver = PeerId{"giver"};
  delivery.pieces.add(6);
  download.here.add(6);
  REQUIRE(w.part(fetch, 6 * kPiece + 5'000, 6 * kPiece + 8'000));
  REQUIRE(w.part(fetch, 6 * kPiece + 8'000, 7 * kPiece));
  CHECK(delivery.pieces.has(6));
  CHECK(download.mixed.has(6));
}

TEST_CASE("loads: an origin whose bytes find no room has not refused a part") {
  Waiting w;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  const FetchId fetch = w.asked(kHalfBytes, 0);
  // Peers have brought the rest meanwhile.
  const size_t rest = kWholeBytes - kHalfBytes;
  std::memcpy(w.buffer->room(kHalfBytes, rest).data(), w.body.data() + kHalfBytes, rest);
  w.buffer->commit(kHalfBytes, rest);
  const bool comes = GENERATE(true, false);
  if (comes) REQUIRE_FALSE(w.part(fetch, kHalfBytes, kHalfBytes + 1'000));
  CHECK(w.loads.on_fetch_failed(w.now, fetch) == nullptr);
  CHECK(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer) == comes);
}

TEST_CASE("loads: a part that does not complete the segment leads to a fetch of the whole") {
  Waiting w;
  FetchId fetch;
  size_t came = 0;
  SECTION("fewer bytes were asked for") {
    REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, kHalfBytes + 1'000}, w.buffer));
    fetch = w.asked(kHalfBytes, kHalfBytes + 1'000);
    came = 1'000;
    REQUIRE(w.part(fetch, kHalfBytes, kHalfBytes + came));
    CHECK(w.loads.on_fetch_done(w.now, fetch, came, 10, 90));
  }
  SECTION("the connection broke") {
    REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
    fetch = w.asked(kHalfBytes, 0);
    came = 50'000;
    REQUIRE(w.part(fetch, kHalfBytes, kHalfBytes + came));
    CHECK(w.loads.on_fetch_failed(w.now, fetch) == nullptr);
  }
  SECTION("the origin refuses parts") {
    REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
    fetch = w.asked(kHalfBytes, 0);
    CHECK(w.loads.on_fetch_failed(w.now, fetch) == nullptr);
    CHECK_FALSE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  }
  CHECK(fetch != FetchId());
  CHECK(w.buffer->committed_bytes() == kHalfBytes + came);
  CHECK(w.commands.pop() == nullptr);
  // There is no session, so the whole is fetched, and the player gets it from there.
  w.loads.settle(w.now, w.now);
  const FetchId whole = w.asked(0, 0);
  REQUIRE(whole != FetchId());
  CHECK(w.loads.audit() == nullptr);
  REQUIRE(w.part(whole, 0, kWholeBytes));
  CHECK(w.loads.on_fetch_done(w.now, whole, kWholeBytes, 10, 90));
  CHECK(w.downloads.shelf.cache.peek(w.key) != nullptr);
  CHECK(w.stats.cdn_bytes == came + kWholeBytes);
  CHECK(w.loads.empty());
}

TEST_CASE("loads: one of another presentation fetches the whole in place of a part") {
  Waiting w;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  const FetchId fetch = w.asked(kHalfBytes, 0);
  w.loads.forget(w.now, {});
  CHECK_FALSE(w.part(fetch, kHalfBytes, kWholeBytes));
  const FetchId whole = w.asked(0, 0);
  REQUIRE(whole != FetchId());
  CHECK_FALSE(w.part(whole, 0, kWholeBytes));
  CHECK(w.loads.on_fetch_done(w.now, whole, kWholeBytes, 10, 90));
  CHECK(w.loads.empty());
}

TEST_CASE("loads: no part is fetched of what does not stream, nor beside a fetch of the whole") {
  Waiting still(false);
  CHECK_FALSE(still.loads.fetch_range(still.now, LoadId(1), {kHalfBytes, 0}, still.buffer));
  Waiting w;
  w.loads.settle(w.now, w.now);
  REQUIRE(w.asked(0, 0) != FetchId());
  CHECK_FALSE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  CHECK_FALSE(w.loads.fetch_range(w.now, LoadId(9), {kHalfBytes, 0}, w.buffer));
}

TEST_CASE("loads: an abort ends a part") {
  Waiting w;
  REQUIRE(w.loads.fetch_range(w.now, LoadId(1), {kHalfBytes, 0}, w.buffer));
  const FetchId fetch = w.asked(kHalfBytes, 0);
  REQUIRE(w.part(fetch, kHalfBytes, kHalfBytes + 1'000));
  w.loads.abort(w.now, LoadId(1));
  CHECK(w.loads.empty());
  CHECK_FALSE(w.part(fetch, kHalfBytes + 1'000, kHalfBytes + 2'000));
  CHECK(w.stats.cdn_bytes == 1'000);
  w.downloads.sweep();
  CHECK(w.downloads.find(w.key) == nullptr);
}

// What peers gave, compared with the CDN's where no digests show what it is.

#include "client/download/spot_checks.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <string>

#include "client/download/download.hpp"
#include "harness.hpp"
#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kCheckedBytes = 5 * SegmentBuffer::kPieceBytes + 3'000;
constexpr LoadId kCheckedLoad(7);
const PeerId kGiver{"giver"};

// An origin, and a segment that one peer has given all of.
struct Checked {
  CommandQueue commands;
  EngineStats stats;
  SpotChecks checks{commands, stats};
  SegmentCache cache{8 * 1024 * 1024};
  const std::string body = Harness::body(5, kCheckedBytes);
  std::string origin = body;
  TimeMs now{DurationMs(1'000'000)};
  SegmentPtr segment;
  Gifts gifts;
  size_t from = 0;  // of the place that was asked for last
  size_t to = 0;

  explicit Checked(double share = 0.1) {
    checks.begin(3, share);
    checks.set_able(true);
    Segment what;
    what.key = {"r 5", MediaSequence(5)};
    what.url = "seg5.ts";
    segment = fill_with(cache.begin(what, kCheckedBytes), body);
    gifts.push_back(Gift{kGiver, 6, checks.random().below(6)});
  }
  // The name of the fetch that the next command asks for; none if there is none.
  FetchId asked() {
    const Command* const command = commands.pop();
    if (command == nullptr) return {};
    REQUIRE(command->kind == CommandKind::kFetch);
    CHECK(command->load == kCheckedLoad);
    CHECK(command->code < 0);
    from = static_cast<size_t>(command->t0);
    to = static_cast<size_t>(command->t1);
    REQUIRE(to - from == SpotChecks::kBytes);
    REQUIRE(to <= kCheckedBytes);
    return FetchId(command->code);
  }
  // The origin answers in two parts.
  std::optional<SpotChecks::Finding> answer(FetchId id) {
    for (const size_t half : {from, from + 500}) {
      const size_t size = half == from ? 500 : SpotChecks::kBytes - 500;
      const MutableBytes room = checks.room(id, half, size, origin.size());
      if (room.empty()) break;
      std::memcpy(room.data(), origin.data() + half, size);
      checks.on_bytes(id, size);
    }
    return checks.on_end(now, id);
  }
  // Returns true if the gifts are looked at, and the origin's answer fits.
  bool examine() {
    checks.examine(now, kCheckedLoad, TrackKind::kMain, gifts, segment);
    const FetchId id = asked();
    if (id == FetchId()) return false;
    CHECK(checks.is_under_way(segment));
    const bool fits = !answer(id);
    CHECK_FALSE(checks.is_under_way(segment));
    return fits;
  }
  void prove_origin() {
    checks.try_origin(now, kCheckedLoad, TrackKind::kMain, segment);
    REQUIRE_FALSE(answer(asked()));
  }
};

}  // namespace

TEST_CASE(
    "spot checks: a giver's first gift is looked at, and then others may have what it gives") {
  Checked c;
  CHECK_FALSE(c.checks.vouches(c.now, kGiver));
  REQUIRE(c.examine());
  CHECK(c.checks.vouches(c.now, kGiver));
  CHECK_FALSE(c.checks.vouches(c.now, PeerId{"another"}));
  CHECK(c.stats.checks == 1);
  CHECK(c.stats.cdn_bytes == SpotChecks::kBytes);
}

TEST_CASE("spot checks: who gave other bytes is named once the origin's answers are known to fit") {
  Checked c;
  const bool proven = GENERATE(false, true);
  if (proven) c.prove_origin();
  const int way = GENERATE(0, 1);
  if (way == 0) c.origin.assign(kCheckedBytes, 'x');
  if (way == 1) c.origin += "longer";
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
  const auto finding = c.answer(c.asked());
  REQUIRE(finding);
  CHECK(finding->segment == c.segment);
  CHECK(finding->liar == (proven ? kGiver : PeerId()));
  CHECK_FALSE(c.checks.vouches(c.now, kGiver));
}

TEST_CASE("spot checks: each giver is looked at in a piece of its own") {
  Checked c;
  c.gifts.clear();
  for (uint32_t piece = 0; piece < 5; ++piece) {
    c.gifts.push_back(Gift{PeerId{std::to_string(piece)}, 1, piece});
  }
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
  for (uint32_t piece = 0; piece < 5; ++piece) {
    REQUIRE(c.asked() != FetchId());
    CHECK(c.from / SegmentBuffer::kPieceBytes == piece);
    CHECK((c.to - 1) / SegmentBuffer::kPieceBytes == piece);
  }
  CHECK(c.asked() == FetchId());
}

TEST_CASE("spot checks: a last piece of a few bytes is looked at as a whole") {
  Checked c;
  Segment what;
  what.key = {"r 6", MediaSequence(6)};
  what.url = "seg6.ts";
  const size_t size = SegmentBuffer::kPieceBytes + 3;
  const SegmentPtr small = fill_with(c.cache.begin(what, size), c.body.substr(0, size));
  const Gifts gifts{Gift{kGiver, 1, 1}};
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, gifts, small);
  const Command* const command = c.commands.pop();
  REQUIRE(command != nullptr);
  CHECK(command->t0 == SegmentBuffer::kPieceBytes);
  CHECK(command->t1 == size);
  const FetchId id(command->code);
  const MutableBytes room = c.checks.room(id, SegmentBuffer::kPieceBytes, 3, size);
  REQUIRE(room.size() == 3);
  std::memcpy(room.data(), "xyz", 3);
  c.checks.on_bytes(id, 3);
  CHECK(c.checks.on_end(c.now, id));
}

TEST_CASE("spot checks: of a giver that is found honest the set share is looked at") {
  const double share = GENERATE(0.0, 0.1, 1.0);
  Checked c(share);
  int looked_at = 0;
  constexpr int kSegments = 2'000;
  for (int i = 0; i < kSegments; ++i) looked_at += c.examine() ? 1 : 0;
  CHECK(looked_at == Approx(share * kSegments).margin(share == 1 ? 0 : 0.02 * kSegments));
}

TEST_CASE(
    "spot checks: an origin that answers for its own segment with other bytes is not believed") {
  Checked c;
  c.checks.try_origin(c.now, kCheckedLoad, TrackKind::kMain, c.segment);
  const FetchId id = c.asked();
  c.origin.assign(kCheckedBytes, 'x');
  CHECK_FALSE(c.answer(id));
  CHECK_FALSE(c.examine());
  CHECK(c.checks.vouches(c.now, kGiver));
}

TEST_CASE(
    "spot checks: an origin without ranges is asked less and less, and nobody is kept waiting") {
  Checked c;
  const bool whole = GENERATE(false, true);
  int asked = 0;
  for (int second = 0; second < 3'600; ++second) {
    c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
    const FetchId id = c.asked();
    if (id != FetchId()) {
      ++asked;
      CHECK_FALSE(c.checks.vouches(c.now, kGiver));
      if (whole) {
        // All of the file, in place of the place.
        CHECK(c.checks.room(id, 0, 1'000, kCheckedBytes).empty());
        CHECK_FALSE(c.checks.on_end(c.now, id));
      } else {
        // An error, which a peer may have brought about: it comes from the CDN instead.
        const auto finding = c.checks.on_end(c.now, id);
        REQUIRE(finding);
        CHECK(finding->segment == c.segment);
        CHECK(finding->liar == PeerId());
        CHECK_FALSE(c.checks.vouches(c.now, kGiver));
        // There it is as long as the peer said.
        c.checks.on_whole(c.now, *c.segment);
      }
      CHECK(c.checks.vouches(c.now, kGiver));
    }
    c.now += DurationMs(1'000);
  }
  CHECK(asked >= 3);
  CHECK(asked <= 8);
}

// Whoever says that a segment is longer than it is has a place behind its end asked for.
TEST_CASE("spot checks: a peer whose gift the origin cannot answer for does not end the checks") {
  Checked c;
  c.prove_origin();
  for (int i = 0; i < 5; ++i) {
    c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
    const FetchId id = c.asked();
    REQUIRE(id != FetchId());
    const auto finding = c.checks.on_end(c.now, id);
    REQUIRE(finding);
    CHECK(finding->liar == PeerId());
    CHECK_FALSE(c.checks.vouches(c.now, kGiver));
    // The CDN has a shorter one, and still answers for its own.
    Segment what;
    what.key = c.segment->segment().key;
    SegmentCache cdn(8 * 1024 * 1024);
    const size_t shorter = kCheckedBytes - 1;
    c.checks.on_whole(c.now, *fill_with(cdn.begin(what, shorter), c.body.substr(0, shorter)));
    c.prove_origin();
  }
  REQUIRE(c.examine());
  // Of a peer that was found honest an answer that does not come says nothing.
  for (FetchId id; id == FetchId();) {
    c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
    id = c.asked();
    if (id != FetchId()) CHECK_FALSE(c.checks.on_end(c.now, id));
  }
  CHECK(c.checks.vouches(c.now, kGiver));
}

TEST_CASE(
    "spot checks: nothing is asked for where parts cannot be fetched, and all are vouched for") {
  Checked c;
  c.checks.set_able(false);
  CHECK_FALSE(c.examine());
  CHECK(c.checks.vouches(c.now, kGiver));
}

TEST_CASE("spot checks: what comes in the wrong place, or of a fetch that is none, is not taken") {
  Checked c;
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
  const FetchId id = c.asked();
  CHECK(c.checks.room(FetchId(-99), c.from, 10, kCheckedBytes).empty());
  CHECK(c.checks.room(id, c.from + 1, 10, kCheckedBytes).empty());
  CHECK(c.checks.room(id, c.from, SpotChecks::kBytes + 1, kCheckedBytes).empty());
  c.checks.on_bytes(id, 10);
  CHECK(c.stats.cdn_bytes == 0);
  // More than the place accuses nobody.
  CHECK_FALSE(c.checks.on_end(c.now, id));
  CHECK_FALSE(c.checks.on_end(c.now, id));
}

TEST_CASE("spot checks: nobody vouches for a stranger whose gift waits, or is not looked at") {
  Checked c;
  c.gifts.clear();
  for (int i = 0; i < 17; ++i) c.gifts.push_back(Gift{PeerId{std::to_string(i)}, 1, 0});
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
  for (const Gift& gift : c.gifts) CHECK_FALSE(c.checks.vouches(c.now, gift.giver));
  for (int i = 0; i < 16; ++i) {
    const FetchId id = c.asked();
    REQUIRE(id != FetchId());
    CHECK_FALSE(c.answer(id));
  }
  CHECK(c.asked() == FetchId());
  CHECK(c.checks.vouches(c.now, c.gifts.front().giver));
  CHECK_FALSE(c.checks.vouches(c.now, c.gifts.back().giver));
}

TEST_CASE("spot checks: of an origin that cannot be asked nothing is waited for") {
  Checked c(GENERATE(0.0, 0.1));
  c.checks.set_able(GENERATE(false, true));
  c.checks.rest(c.now + DurationMs(5'000));
  CHECK_FALSE(c.examine());
  CHECK_FALSE(c.checks.is_under_way(c.segment));
  CHECK(c.checks.vouches(c.now, kGiver));
}

TEST_CASE(
    "spot checks: an answer that is under way is waited for although none more is asked for") {
  Checked c;
  c.checks.examine(c.now, kCheckedLoad, TrackKind::kMain, c.gifts, c.segment);
  c.checks.rest(c.now + DurationMs(5'000));
  CHECK_FALSE(c.checks.vouches(c.now, kGiver));
  CHECK_FALSE(c.answer(c.asked()));
  CHECK(c.checks.vouches(c.now, kGiver));
}

TEST_CASE("spot checks: where each piece is partly the CDN's there is nothing to look at") {
  Checked c;
  c.gifts.front().probe = PieceSet::kMost;
  CHECK_FALSE(c.examine());
  CHECK_FALSE(c.checks.vouches(c.now, kGiver));
}

TEST_CASE("gifts: each piece that stays of a giver is as likely to be looked at") {
  Random random(5);
  std::map<uint32_t, int> drawn;
  constexpr int kRounds = 6'000;
  Segment segment;
  Download download(segment, TrackKind::kMain);
  download.deliveries.resize(2);
  // The CDN has brought the beginning of this one.
  download.mixed.add(6);
  Delivery& delivery = download.deliveries.front();
  delivery.giver = kGiver;
  delivery.pieces.add(6);
  delivery.pieces.add(70, 71);
  delivery.pieces.add(2, 4);
  delivery.pieces.add(7);
  delivery.pieces.add(9);
  delivery.pieces.remove(7);
  for (int i = 0; i < kRounds; ++i) {
    const Gifts gifts = gifts_of(download, random);
    REQUIRE(gifts.size() == 1);
    CHECK(gifts.front().giver == kGiver);
    CHECK(gifts.front().pieces == 7);
    ++drawn[gifts.front().probe];
  }
  REQUIRE(drawn.size() == 6);
  for (const auto& [piece, count] : drawn) {
    CHECK(delivery.pieces.has(piece));
    CHECK(piece != 6);
    CHECK(count == Approx(kRounds / 6).epsilon(0.15));
  }
  download.mixed = delivery.pieces;
  CHECK(gifts_of(download, random).front().probe == PieceSet::kMost);
}

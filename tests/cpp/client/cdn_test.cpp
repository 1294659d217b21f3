#include "client/download/cdn.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kBodyBytes = 300'000;
constexpr size_t kRangeFrom = 100'000;
constexpr size_t kRangeTo = 200'000;

// A CDN whose answers the test gives.
struct Origin {
  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Downloads downloads{commands, renditions, stats, 8 * 1024 * 1024};
  Cdn cdn{commands, downloads, stats};
  Wish wish;
  TimeMs now{DurationMs(1'000'000)};
  const std::string body = Harness::body(5, kBodyBytes);

  Origin() {
    wish.segment.key = {"r 5", MediaSequence(5)};
    wish.segment.url = "seg5.ts";
    wish.shareable = wish.streams = true;
  }

  // Hands in the body's bytes [from, to), 60,000 at a time; false once they are not wanted.
  bool send(CdnFetch& fetch, size_t from, size_t to, size_t total,
            Cdn::Arrival last = Cdn::Arrival::kMore) {
    for (size_t at = from; at < to; at += 60'000) {
      const size_t size = std::min<size_t>(60'000, to - at);
      const MutableBytes room = cdn.room(fetch, wish, at, size, total);
      if (room.empty()) return false;
      REQUIRE(room.size() == size);
      std::memcpy(room.data(), body.data() + at, size);
      const Cdn::Arrival arrival = cdn.arrive(now, fetch, wish, size);
      CHECK(arrival == (at + size == to ? last : Cdn::Arrival::kMore));
    }
    return true;
  }
  Cdn::Arrival finish(CdnFetch& fetch, size_t size) {
    return cdn.finish_range(now, fetch, wish, size, 10, 100);
  }
  // A buffer that peers have filled but for [from, to).
  SegmentPtr from_peers(size_t from, size_t to) {
    SegmentPtr buffer = downloads.shelf.cache.begin(wish.segment, kBodyBytes);
    std::memcpy(buffer->room(0, kBodyBytes).data(), body.data(), kBodyBytes);
    std::memset(buffer->room(0, kBodyBytes).data() + from, 0, to - from);
    REQUIRE(buffer->commit(0, from));
    REQUIRE(buffer->commit(to, kBodyBytes - to));
    return buffer;
  }
  bool is_cached() const {
    const SegmentPtr& found = downloads.shelf.cache.peek(wish.segment.key);
    return found != nullptr && found->size() == kBodyBytes &&
           std::memcmp(found->bytes().data(), body.data(), kBodyBytes) == 0;
  }
};

}  // namespace

TEST_CASE("cdn: the command says which bytes of the segment are wanted") {
  Origin o;
  CdnFetch whole;
  CdnFetch range;
  o.cdn.begin(o.now, whole, o.wish, LoadId(1));
  o.cdn.begin(o.now, range, o.wish, LoadId(2), {kRangeFrom, kRangeTo});
  const Command* command = o.commands.pop();
  CHECK(command->kind == CommandKind::kFetch);
  CHECK(command->code == whole.id.value());
  CHECK((command->t0 == 0 && command->t1 == 0));
  command = o.commands.pop();
  CHECK(command->load == LoadId(2));
  CHECK(command->code == range.id.value());
  CHECK((command->t0 == kRangeFrom && command->t1 == kRangeTo));
}

TEST_CASE("cdn: a range completes what peers have brought") {
  Origin o;
  CdnFetch fetch;
  const SegmentPtr buffer = o.from_peers(kRangeFrom, kRangeTo);
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo}, buffer);
  // Where the page may not read Content-Range, nobody knows the total.
  const size_t total = GENERATE(size_t{0}, kBodyBytes);
  SECTION("and nothing more") {
    CHECK(o.send(fetch, kRangeFrom, kRangeTo, total, Cdn::Arrival::kComplete));
    CHECK(o.finish(fetch, kRangeTo - kRangeFrom) == Cdn::Arrival::kMore);
    CHECK(o.is_cached());
    CHECK(o.stats.cdn_bytes == kRangeTo - kRangeFrom);
    CHECK(o.stats.cdn_segments == 0);
    CHECK(o.cdn.may_range(o.now, o.wish));
  }
  SECTION("while its bytes come they are there for others") {
    CHECK(o.send(fetch, kRangeFrom, kRangeFrom + 60'000, total));
    CHECK(buffer->committed_bytes() == kBodyBytes - (kRangeTo - kRangeFrom) + 60'000);
  }
  SECTION("peers may bring the rest meanwhile") {
    CHECK(o.send(fetch, kRangeFrom, kRangeFrom + 60'000, total));
    std::memcpy(buffer->room(kRangeFrom, kRangeTo - kRangeFrom).data(), o.body.data() + kRangeFrom,
                kRangeTo - kRangeFrom);
    REQUIRE(buffer->commit(kRangeFrom + 60'000, kRangeTo - kRangeFrom - 60'000));
    o.cdn.abandon(fetch, o.wish, LoadId(1), false);
    CHECK(o.is_cached());
    CHECK(o.stats.cdn_bytes == 60'000);
  }
  SECTION("one that is cut leaves what came") {
    CHECK(o.send(fetch, kRangeFrom, kRangeFrom + 60'000, total));
    o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
    CHECK(buffer->committed_bytes() == kBodyBytes - (kRangeTo - kRangeFrom) + 60'000);
    CHECK(o.cdn.may_range(o.now, o.wish));
    o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom + 60'000, kRangeTo}, buffer);
    CHECK(o.send(fetch, kRangeFrom + 60'000, kRangeTo, total, Cdn::Arrival::kComplete));
    CHECK(o.is_cached());
  }
  SECTION("bytes that are no media are not kept") {
    std::memset(buffer->room(0, kRangeFrom).data(), '<', 100);
    CHECK(o.send(fetch, kRangeFrom, kRangeTo, total, Cdn::Arrival::kBad));
    CHECK(o.downloads.shelf.cache.segment_count() == 0);
  }
}

TEST_CASE("cdn: ranges alone make a segment") {
  Origin o;
  CdnFetch first;
  CdnFetch second;
  const size_t total = GENERATE(size_t{0}, kBodyBytes);
  o.cdn.begin(o.now, first, o.wish, LoadId(1), {0, kRangeFrom});
  REQUIRE(o.send(first, 0, kRangeFrom, total));
  const SegmentPtr buffer = first.body;
  CHECK(o.finish(first, kRangeFrom) == Cdn::Arrival::kMore);
  CHECK(buffer->expected() == total);
  o.cdn.begin(o.now, second, o.wish, LoadId(1), {kRangeFrom, 0}, buffer);
  // Of a segment of unknown size the end of the body is the end.
  REQUIRE(o.send(second, kRangeFrom, kBodyBytes, total,
                 total > 0 ? Cdn::Arrival::kComplete : Cdn::Arrival::kMore));
  const Cdn::Arrival arrival = o.finish(second, kBodyBytes - kRangeFrom);
  CHECK(arrival == (total > 0 ? Cdn::Arrival::kMore : Cdn::Arrival::kComplete));
  CHECK(o.is_cached());
  CHECK(o.cdn.may_range(o.now, o.wish));
}

TEST_CASE("cdn: an origin that ignores ranges is remembered, and what it sends is used") {
  Origin o;
  CdnFetch fetch;
  SegmentPtr buffer;
  const bool peers = GENERATE(true, false);
  if (peers) buffer = o.from_peers(kRangeFrom, kRangeTo);
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo}, buffer);
  // Of the whole file the head may tell another length than its bytes have.
  const size_t total = GENERATE(size_t{0}, size_t{90'000}, kBodyBytes);
  if (peers) {
    CHECK(o.send(fetch, 0, kRangeTo, total, Cdn::Arrival::kComplete));
  } else {
    CHECK(o.send(fetch, 0, kBodyBytes, total));
    CHECK(o.finish(fetch, kBodyBytes) == Cdn::Arrival::kComplete);
  }
  CHECK(o.is_cached());
  CHECK_FALSE(o.cdn.may_range(o.now, o.wish));
}

TEST_CASE("cdn: a first range that is ignored is told from one that is not") {
  Origin o;
  CdnFetch fetch;
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {0, kRangeTo});
  SECTION("ignored") {
    CHECK(o.send(fetch, 0, kBodyBytes, 0));
    CHECK(o.finish(fetch, kBodyBytes) == Cdn::Arrival::kComplete);
    CHECK_FALSE(o.cdn.may_range(o.now, o.wish));
  }
  SECTION("not ignored") {
    CHECK(o.send(fetch, 0, kRangeTo, kBodyBytes));
    CHECK(o.finish(fetch, kRangeTo) == Cdn::Arrival::kMore);
    CHECK(o.cdn.may_range(o.now, o.wish));
  }
}

TEST_CASE("cdn: what is not the range is refused, and no range is asked for for a while") {
  Origin o;
  CdnFetch fetch;
  const SegmentPtr buffer = o.from_peers(kRangeFrom, kRangeTo);
  const size_t held = buffer->committed_bytes();
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo}, buffer);
  SECTION("an error") { o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false); }
  SECTION("another part") {
    CHECK(o.cdn.room(fetch, o.wish, kRangeFrom + 1, 1'000, kBodyBytes).empty());
    o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
  }
  SECTION("of another file") {
    CHECK(o.cdn.room(fetch, o.wish, kRangeFrom, 1'000, kBodyBytes + 1).empty());
    o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
    // A peer may have lied about its size: the origin can be asked for places of it all the same.
    SpotChecks& checks = o.downloads.shelf.checks;
    checks.begin(1, 1);
    checks.set_able(true);
    CHECK_FALSE(checks.vouches(o.now, PeerId{"giver"}));
  }
  SECTION("too little") {
    CHECK(o.send(fetch, kRangeFrom, kRangeTo - 1, kBodyBytes));
    CHECK(o.finish(fetch, kRangeTo - 1 - kRangeFrom) == Cdn::Arrival::kMore);
  }
  SECTION("nothing") { CHECK(o.finish(fetch, 0) == Cdn::Arrival::kMore); }
  CHECK(buffer->committed_bytes() >= held);
  CHECK_FALSE(buffer->complete());
  CHECK_FALSE(o.cdn.may_range(o.now, o.wish));
  CHECK_FALSE(o.cdn.may_range(o.now + Cdn::kRangeRest - DurationMs(1), o.wish));
  o.now += Cdn::kRangeRest;
  CHECK(o.cdn.may_range(o.now, o.wish));
  // Twice as long the next time.
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo}, buffer);
  o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
  CHECK_FALSE(o.cdn.may_range(o.now + 2 * Cdn::kRangeRest - DurationMs(1), o.wish));
  CHECK(o.cdn.may_range(o.now + 2 * Cdn::kRangeRest, o.wish));
}

TEST_CASE("cdn: after a part that came the next refusal counts as the first") {
  Origin o;
  CdnFetch fetch;
  for (int i = 0; i < 3; ++i) {
    o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo},
                o.from_peers(kRangeFrom, kRangeTo));
    o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
    o.now += Cdn::kRangeRest * 8;
  }
  // A part of what is missing, which comes as it was asked for.
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo - 60'000},
              o.from_peers(kRangeFrom, kRangeTo));
  CHECK(o.send(fetch, kRangeFrom, kRangeTo - 60'000, kBodyBytes));
  CHECK(o.finish(fetch, kRangeTo - 60'000 - kRangeFrom) == Cdn::Arrival::kMore);
  CHECK(o.cdn.may_range(o.now, o.wish));
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo},
              o.from_peers(kRangeFrom, kRangeTo));
  o.cdn.fail(o.now, fetch, o.wish, LoadId(1), false);
  CHECK_FALSE(o.cdn.may_range(o.now + Cdn::kRangeRest - DurationMs(1), o.wish));
  CHECK(o.cdn.may_range(o.now + Cdn::kRangeRest, o.wish));
}

TEST_CASE("cdn: more than the range is not written") {
  Origin o;
  CdnFetch fetch;
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1), {kRangeFrom, kRangeTo},
              o.from_peers(kRangeFrom, kRangeTo));
  CHECK(o.cdn.room(fetch, o.wish, kRangeFrom, kRangeTo - kRangeFrom + 1, kBodyBytes).empty());
}

TEST_CASE("cdn: no range is asked for where the site's set-up stands against it") {
  Origin o;
  CHECK(o.cdn.may_range(o.now, o.wish));
  o.wish.streams = false;
  CHECK_FALSE(o.cdn.may_range(o.now, o.wish));
}

TEST_CASE("cdn: a whole body is there for others while it comes") {
  Origin o;
  CdnFetch fetch;
  const size_t total = GENERATE(size_t{0}, kBodyBytes);
  o.cdn.begin(o.now, fetch, o.wish, LoadId(1));
  REQUIRE(o.send(fetch, 0, kRangeTo, total));
  CHECK(fetch.body->committed_bytes() == kRangeTo);
  CHECK(fetch.body->open());
  CHECK(fetch.body->expected() == total);
  REQUIRE(o.send(fetch, kRangeTo, kBodyBytes, total));
  CHECK_FALSE(o.is_cached());
  o.cdn.finish(o.now, fetch, o.wish, LoadId(1), kBodyBytes, 10, 100, false);
  CHECK(o.is_cached());
}

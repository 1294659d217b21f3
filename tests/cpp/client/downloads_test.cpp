// The segments on their way and their sources, with parents that say what a test has them say.

#include "client/download/downloads.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kWhole = 150'000;
constexpr LoadId kLoad{7};

struct Arriving {
  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Downloads downloads{commands, renditions, stats, 8 * 1024 * 1024};
  std::list<OpenParent> peers;
  const std::string body = part_body(kWhole);
  const Wish wish = part_wish(5);

  Parent& add(bool extended = true) {
    const auto number = static_cast<int32_t>(peers.size()) + 1;
    Parent& parent = peers.emplace_back(commands, number, extended).parent;
    downloads.add(parent);
    return parent;
  }
  std::list<Candidate> candidates(int64_t ms = 0) {
    return downloads.candidates(after(ms), wish, {}, 1e9);
  }
  // The REQUEST that goes out.
  peer::Fields ask(Parent& parent, std::optional<LoadId> load = kLoad) {
    take_commands(commands);
    downloads.ask(after(0), parent, wish, load);
    const std::vector<Told> told = take_commands(commands);
    REQUIRE(told.size() == 1);
    CHECK(told[0].peer == parent.peer);
    return told[0].message();
  }
  const char* begin(Parent& parent, const peer::Fields& request, size_t size = kWhole,
                    int64_t packets = 3) {
    peer::Fields header = request;
    header.event = peer::Event::kBinary;
    header.size = static_cast<int64_t>(size);
    header.attachments = packets;
    return downloads.on_header(after(100), parent, header).what;
  }
  Downloads::Offence send(Parent& parent, std::string_view bytes, int64_t ms = 200) {
    const MutableBytes room = downloads.room(parent, bytes.size());
    if (!room.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
    bool quiet = false;
    return downloads.on_packet(after(ms), parent, bytes.size(), quiet);
  }
  // Three packets.
  void serve(Parent& parent, const peer::Fields& request) {
    CHECK(begin(parent, request) == nullptr);
    for (size_t at = 0; at < kWhole; at += 50'000) {
      CHECK(send(parent, std::string_view(body).substr(at, 50'000)).what == nullptr);
    }
  }
  bool is_cached() const { return downloads.shelf.cache.peek(wish.segment.key) != nullptr; }
};

}  // namespace

TEST_CASE("downloads: a segment is on its way while a source or a load is about it") {
  Arriving a;
  Download& download = a.downloads.of(a.wish);
  CHECK(download.listed);
  CHECK(a.downloads.find(a.wish.segment.key) == nullptr);
  download.loads = 1;
  CHECK(a.downloads.find(a.wish.segment.key) == &download);
  a.downloads.sweep();
  CHECK(&a.downloads.of(a.wish) == &download);
  CHECK(a.downloads.any([](const Segment& each) { return each.key.sn.value() == 5; }));
  download.loads = 0;
  CHECK_FALSE(a.downloads.any([](const Segment&) { return true; }));
  a.downloads.sweep();
  int left = 0;
  a.downloads.for_each([&](const Download&) { ++left; });
  CHECK(left == 0);
}

TEST_CASE("downloads: what its parent brings for a load is kept, counted, and left to the load") {
  Arriving a;
  Parent& parent = a.add();
  const peer::Fields request = a.ask(parent);
  CHECK(request.event == peer::Event::kRequest);
  CHECK(request.sn == MediaSequence(5));
  CHECK(a.downloads.find(a.wish.segment.key) != nullptr);
  a.serve(parent, request);

  const std::vector<Told> told = take_commands(a.commands);
  REQUIRE(told.size() >= 2);
  CHECK(told[0].kind == CommandKind::kLoadProgress);
  CHECK(told[0].aux == kWhole);
  CHECK(told.back().is_event(EventCode::kSegmentCached));
  for (const Told& each : told) CHECK(each.kind != CommandKind::kLoadDone);
  REQUIRE(a.downloads.outcomes().size() == 1);
  CHECK(a.downloads.outcomes().front().load == kLoad);
  CHECK(a.downloads.outcomes().front().kept);
  CHECK_FALSE(a.downloads.outcomes().front().failure.has_value());
  CHECK(a.is_cached());
  CHECK(a.stats.p2p_bytes == kWhole);
  CHECK(a.stats.p2p_segments == 1);
  CHECK(a.downloads.peer_bytes() == kWhole);
  CHECK_FALSE(a.downloads.shelf.receipts.given(a.wish.segment.key));
  a.downloads.outcomes().clear();
  CHECK(a.downloads.audit(0) == nullptr);
}

TEST_CASE("downloads: a transfer shares the line with others, and the player hears of the line") {
  Arriving a;
  Parent& parent = a.add();
  const peer::Fields request = a.ask(parent);
  CHECK(a.begin(parent, request) == nullptr);
  for (size_t at = 0; at < kWhole; at += 50'000) {
    a.downloads.count_bytes(50'000);
    CHECK(a.send(parent, std::string_view(a.body).substr(at, 50'000), 1'100).what == nullptr);
  }
  for (const Told& each : take_commands(a.commands)) {
    if (each.kind != CommandKind::kLoadDone) continue;
    // 1 s for half of what came.
    CHECK(each.t1 - each.t0 == 500);
  }
}

TEST_CASE("downloads: of parents those are candidates that may hold it and were not tried") {
  Arriving a;
  Parent& first = a.add();
  Parent& second = a.add();
  REQUIRE(a.candidates().size() == 2);
  CHECK(a.downloads.candidates(after(0), a.wish, {first.peer}, 1e9).front().peer == second.peer);
  // It says that its newest is far behind.
  first.link.on_current(after(0), MediaSequence(1));
  CHECK(a.candidates().front().peer == second.peer);
  // Or it is further ahead than this broadcast can be.
  second.link.on_current(after(0), MediaSequence(500));
  CHECK(a.downloads.candidates(after(0), a.wish, {}, 10).empty());
  // One that exchanges pieces is asked for pieces.
  second.link.extension = peer::kPieceExtension;
  CHECK(a.candidates().empty());
}

TEST_CASE("downloads: one of version 1 is asked by a URL that means nothing else, and no secret") {
  Arriving a;
  Parent& parent = a.add(false);
  // No rendition is known, so that the name may mean several segments.
  CHECK(a.candidates(5'000).empty());
  // The parent may still show an extension.
  CHECK(a.downloads.hope(after(0), a.wish, {}) == after(1'000));
  CHECK(a.downloads.hope(after(0), a.wish, {parent.peer}) == after(0));

  a.renditions.clear("https://cdn.example/live/index.m3u8");
  RenditionFacts facts;
  facts.playlist_url = "https://cdn.example/live/index.m3u8";
  a.renditions.add(facts);
  CHECK(a.candidates(5'000).size() == 1);
  Wish secret = a.wish;
  secret.secret = true;
  CHECK(a.downloads.candidates(after(5'000), secret, {}, 1e9).empty());
  // A path is more than a file name: not before it is known to be of version 1.
  Wish path = a.wish;
  path.segment.url = "/live/seg5.ts";
  CHECK(a.downloads.candidates(after(999), path, {}, 1e9).empty());
  CHECK(a.downloads.candidates(after(1'000), path, {}, 1e9).size() == 1);
}

TEST_CASE("downloads: a parent that refuses, goes or falls silent fails the load, and says how") {
  SECTION("LACK") {
    Arriving a;
    Parent& parent = a.add();
    peer::Fields lack = a.ask(parent);
    lack.event = peer::Event::kLack;
    lack.current = MediaSequence(3);
    CHECK(a.downloads.on_lack(after(50), parent, lack));
    REQUIRE(a.downloads.outcomes().size() == 1);
    const Downloads::Outcome& outcome = a.downloads.outcomes().front();
    CHECK(outcome.failure == FallbackReason::kLack);
    CHECK(outcome.peer == parent.peer);
    CHECK(outcome.current == MediaSequence(3));
    CHECK_FALSE(outcome.may_come);
    CHECK(parent.link.current == MediaSequence(3));
    // What was not asked is nothing to refuse.
    CHECK_FALSE(a.downloads.on_lack(after(60), parent, lack));
  }
  SECTION("a LACK that was put off") {
    Arriving a;
    Parent& parent = a.add();
    peer::Fields lack = a.ask(parent);
    lack.event = peer::Event::kLack;
    CHECK(a.downloads.on_lack(after(1'500), parent, lack));
    CHECK(a.downloads.outcomes().front().may_come);
  }
  SECTION("the end of its connection") {
    Arriving a;
    Parent& parent = a.add();
    a.begin(parent, a.ask(parent));
    a.send(parent, std::string_view(a.body).substr(0, 50'000));
    a.downloads.remove(after(300), parent, FallbackReason::kPeerLost);
    REQUIRE(a.downloads.outcomes().size() == 1);
    CHECK(a.downloads.outcomes().front().failure == FallbackReason::kPeerLost);
    CHECK(a.stats.p2p_wasted_bytes == 50'000);
    CHECK(a.downloads.parent(parent.peer) == nullptr);
    CHECK(a.downloads.find(a.wish.segment.key) == nullptr);
  }
  SECTION("silence") {
    Arriving a;
    Parent& parent = a.add();
    a.ask(parent);
    CHECK_FALSE(a.downloads.on_timeout(after(1'999), parent));
    CHECK(a.downloads.outcomes().empty());
    CHECK_FALSE(a.downloads.on_timeout(after(2'000), parent));
    REQUIRE(a.downloads.outcomes().size() == 1);
    CHECK(a.downloads.outcomes().front().failure == FallbackReason::kTimeout);
    CHECK(a.candidates(2'001).empty());
  }
}

TEST_CASE("downloads: what a parent may not do is an offence") {
  Arriving a;
  Parent& parent = a.add();
  const peer::Fields request = a.ask(parent);
  SECTION("another segment") {
    peer::Fields other = request;
    other.sn = MediaSequence(6);
    CHECK(a.begin(parent, other) != nullptr);
  }
  SECTION("an impossible size") {
    CHECK(a.begin(parent, request, size_t{peer::kMaxSegmentBytes} + 1) != nullptr);
  }
  SECTION("crumbs") { CHECK(a.begin(parent, request, kWhole, 10'000) != nullptr); }
  SECTION("a packet without a header") { CHECK(a.send(parent, "x").what != nullptr); }
  SECTION("more than it announced") {
    CHECK(a.begin(parent, request, 1'000, 1) == nullptr);
    CHECK(a.send(parent, part_body(1'001)).what != nullptr);
  }
  SECTION("a page in place of media") {
    CHECK(a.begin(parent, request, 20, 1) == nullptr);
    const Downloads::Offence offence = a.send(parent, "<!doctype html><html");
    CHECK(offence.what != nullptr);
    CHECK(offence.reason == FallbackReason::kWrongSegment);
  }
  // Its connection ends, and what it sent goes.
  a.downloads.remove(after(300), parent, FallbackReason::kProtocol);
  CHECK_FALSE(a.is_cached());
  CHECK(a.stats.p2p_bytes == 0);
}

TEST_CASE("downloads: what came too late for its load, or is superseded, is kept or thrown away") {
  Arriving a;
  Parent& parent = a.add();
  const peer::Fields request = a.ask(parent);
  parent.requester.detach(kLoad);
  SECTION("no one else brings it: it is kept") {
    a.serve(parent, request);
    CHECK(a.is_cached());
    CHECK(a.downloads.outcomes().empty());
  }
  SECTION("it has come from the CDN meanwhile") {
    CHECK(a.begin(parent, request) == nullptr);
    a.downloads.supersede(a.wish.segment.key);
    for (size_t at = 0; at < kWhole; at += 50'000) {
      a.send(parent, std::string_view(a.body).substr(at, 50'000));
    }
    CHECK_FALSE(a.is_cached());
    CHECK(a.stats.p2p_bytes == 0);
    CHECK(a.stats.p2p_wasted_bytes == kWhole);
  }
  SECTION("it is of an earlier presentation") {
    a.downloads.forget({});
    a.serve(parent, request);
    CHECK_FALSE(a.is_cached());
    CHECK(a.stats.p2p_wasted_bytes == kWhole);
  }
  CHECK(a.downloads.audit(0) == nullptr);
}

TEST_CASE("downloads: a segment from the CDN is a miss of each parent that does not have it") {
  Arriving a;
  Parent& without = a.add();
  Parent& with = a.add();
  Parent& tried = a.add();
  without.link.on_current(after(0), MediaSequence(1));
  with.link.on_current(after(0), MediaSequence(9));
  tried.link.on_current(after(0), MediaSequence(1));
  a.downloads.count_misses(after(0), a.wish, {tried.peer});
  CHECK(without.usefulness.misses() == 1);
  CHECK(with.usefulness.misses() == 0);
  CHECK(tried.usefulness.misses() == 0);
}

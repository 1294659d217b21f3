// What a viewer sends to neighbors that want pieces of it, and what several engines make of that.

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"
#include "party.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kServedBytes = 300'000;  // 19 pieces, the last one short
constexpr const char* kEachPiece = "0-18";

const std::string& served_body() {
  static const std::string bytes = Harness::body(5, kServedBytes);
  return bytes;
}

// A child, and segment 5 whole in the cache or not.
struct OneChild : MeshRoom {
  int32_t child = 0;

  explicit OneChild(bool holds, const EngineConfig& config = Harness::default_config())
      : MeshRoom(config) {
    child = add_child("c");
    if (holds) h.cache_segment(5, kServedBytes);
    h.clear();
  }
  std::vector<std::string> held(uint32_t number) const {
    std::vector<std::string> found;
    for (const peer::Have& have : h.sent<peer::Have>(child)) {
      if (have.transfer != number) continue;
      CHECK(have.size == kServedBytes);
      found.push_back(have.pieces);
    }
    return found;
  }
  // What it was sent; the channel empties whenever it is full.
  PieceSet came() {
    while (true) {
      const size_t before = frames(child).size();
      h.writable(child, 0);
      if (frames(child).size() == before) return pieces_in(frames(child), served_body());
    }
  }
};

}  // namespace

TEST_CASE("mesh serving: a neighbor hears what is held, and gets what it asks for") {
  OneChild r(true);
  r.wants(r.child, 1, 5);
  CHECK(r.held(1) == std::vector<std::string>{kEachPiece});
  CHECK(r.frames(r.child).empty());
  r.wants(r.child, 1, "2-4,18");
  CHECK(r.came() == pieces("2-4,18"));
  CHECK(r.h.engine.stats().upload_bytes ==
        3 * peer::kWirePieceBytes + kServedBytes % peer::kWirePieceBytes);
  r.wants(r.child, 1, "0-1,5-17");
  CHECK(r.came() == pieces(kEachPiece));
  CHECK(r.h.engine.stats().upload_bytes == kServedBytes);
}

TEST_CASE("mesh serving: parents are served what we hold, like children") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  r.h.cache_segment(5, kServedBytes);
  r.h.clear();
  r.wants(parent, 1, 5);
  r.wants(parent, 1, "0-2");
  CHECK(pieces_in(r.frames(parent), served_body()) == pieces("0-2"));
}

TEST_CASE("mesh serving: what is neither here nor expected is lacked at once") {
  OneChild r(true);
  r.wants(r.child, 1, 9);
  const auto lacks = r.h.sent<peer::Lack>(r.child);
  REQUIRE(lacks.size() == 1);
  CHECK(lacks[0].transfer == 1);
  CHECK(lacks[0].current == MediaSequence(5));
  r.wants(r.child, 1, "0-3");  // it crossed
  CHECK(r.is_open(r.child));
  CHECK(r.frames(r.child).empty());
}

TEST_CASE("mesh serving: a segment that comes from the CDN is passed on while it comes") {
  OneChild r(false);
  r.h.load(7, 5, true);
  r.wants(r.child, 1, 5);
  CHECK(r.held(1).empty());
  CHECK(r.h.sent<peer::Lack>(r.child).empty());
  constexpr size_t kThree = 3 * peer::kWirePieceBytes;
  r.h.fetch_part(7, served_body(), 0, kThree);
  CHECK(r.held(1) == std::vector<std::string>{"0-2"});
  r.wants(r.child, 1, "0-2");
  CHECK(r.came() == pieces("0-2"));
  r.h.fetch_part(7, served_body(), kThree, 5 * peer::kWirePieceBytes);
  r.h.advance(60);
  CHECK(r.held(1) == std::vector<std::string>{"0-2", "3-4"});
  // The rest, in one go.
  r.h.fetch_part(7, served_body(), 5 * peer::kWirePieceBytes, kServedBytes);
  r.h.engine.on_fetch_done(r.h.now, r.h.fetch(7), kServedBytes);
  r.h.drain();
  r.h.advance(60);
  PieceSet all;
  for (const std::string& text : r.held(1)) {
    CHECK_FALSE(all.intersects(pieces(text)));
    all.add(pieces(text));
  }
  CHECK(all == pieces(kEachPiece));
}

TEST_CASE("mesh serving: cancelled pieces are not sent, nor any of a cancelled transfer") {
  OneChild r(true);
  r.wants(r.child, 1, 5);
  r.wants(r.child, 1, kEachPiece);  // more than may wait in the channel
  const PieceSet at_once = pieces_in(r.frames(r.child), served_body());
  REQUIRE(at_once.count() < 19);
  SECTION("pieces") {
    r.h.peer_says(r.child, peer::Cancel{1, "10-18"});
    PieceSet rest = r.came();
    PieceSet gone = pieces("10-18");
    gone.remove(at_once);
    CHECK_FALSE(rest.intersects(gone));
    CHECK(rest.has(9));
  }
  SECTION("all") {
    r.h.peer_says(r.child, peer::Cancel{1, std::nullopt});
    CHECK(r.came() == at_once);
  }
}

TEST_CASE("mesh serving: not all of a segment waits in the channel at once, and 64 KiB do") {
  OneChild r(true);
  r.wants(r.child, 1, 5);
  r.wants(r.child, 1, kEachPiece);
  size_t queued = 0;
  for (const std::string& frame : r.frames(r.child)) queued += frame.size();
  CHECK(queued >= 48 * 1024);
  CHECK(queued <= 96 * 1024);
  CHECK(r.came() == pieces(kEachPiece));
}

TEST_CASE("mesh serving: a WANT that breaks the rules ends the connection") {
  OneChild r(true);
  SECTION("a number that is not larger") {
    r.wants(r.child, 5, 5);
    r.wants(r.child, 5, 5);
  }
  SECTION("a seventeenth open one") {
    for (uint32_t number = 1; number <= 16; ++number) r.wants(r.child, number, 5);
    CHECK(r.is_open(r.child));
    r.wants(r.child, 17, 5);
  }
  CHECK_FALSE(r.is_open(r.child));
}

TEST_CASE("mesh serving: an asker that ends what it opened may go on without end") {
  OneChild r(true);
  for (uint32_t number = 1; number <= 200; ++number) {
    r.wants(r.child, number, 5);
    r.wants(r.child, number, "0");
    r.h.peer_says(r.child, peer::Cancel{number, std::nullopt});
    r.h.writable(r.child, 0);
    r.h.advance(100);
  }
  CHECK(r.is_open(r.child));
}

TEST_CASE("mesh: two engines: what the parent has reaches the child in pieces") {
  Party party;
  Harness& root = party.add("root");
  Harness& child = party.add("child");
  party.connect(child, root);
  root.cache_segment(5, kServedBytes);
  party.settle();
  child.load(1, 5);
  party.advance(500);
  const auto done = child.all(CommandKind::kLoadDone);
  REQUIRE(done.size() == 1);
  CHECK(done[0].data == served_body());
  CHECK(child.sent<peer::Request>(1).empty());
  CHECK(root.engine.stats().upload_bytes == kServedBytes);
}

TEST_CASE("mesh: three engines in a row: the last has pieces that the first has not finished") {
  Party party;
  Harness& root = party.add("root");
  Harness& middle = party.add("middle");
  Harness& last = party.add("last");
  party.connect(middle, root);
  party.connect(last, middle);
  root.load(7, 5, true);
  middle.load(1, 5);
  last.load(1, 5);
  party.settle();
  for (size_t piece = 0; piece < 12; ++piece) {
    root.fetch_part(7, served_body(), piece * peer::kWirePieceBytes,
                    (piece + 1) * peer::kWirePieceBytes);
    party.advance(50);
  }
  CHECK(party.received(middle, root) >= 10 * peer::kWirePieceBytes);
  CHECK(party.received(last, middle) >= 9 * peer::kWirePieceBytes);
  CHECK(last.all(CommandKind::kLoadDone).empty());

  root.fetch_part(7, served_body(), 12 * peer::kWirePieceBytes, kServedBytes);
  root.engine.on_fetch_done(root.now, root.fetch(7), kServedBytes);
  root.drain();
  party.advance(300);
  for (Harness* h : {&middle, &last}) {
    const auto done = h->all(CommandKind::kLoadDone);
    REQUIRE(done.size() == 1);
    CHECK(done[0].data == served_body());
    CHECK_FALSE(h->went_to_cdn(1));
    CHECK(h->engine.stats().p2p_wasted_bytes == 0);
  }
}

TEST_CASE("mesh: two children of a root with a thin line feed each other what it sent to one") {
  Party party;
  Harness& root = party.add("root", 300);  // a copy takes 1 s
  Harness& first = party.add("first");
  Harness& second = party.add("second");
  party.connect(first, root);
  party.connect(second, root);
  party.connect(second, first);
  root.cache_segment(5, kServedBytes);
  party.settle();
  first.load(1, 5);
  second.load(1, 5);
  party.advance(8'000);
  for (Harness* h : {&first, &second}) {
    const auto done = h->all(CommandKind::kLoadDone);
    REQUIRE(done.size() == 1);
    CHECK(done[0].data == served_body());
    CHECK_FALSE(h->went_to_cdn(1));
  }
  CHECK(party.received(second, first) + party.received(first, second) >= kServedBytes / 3);
  CHECK(root.engine.stats().upload_bytes <= kServedBytes * 7 / 4);
}

TEST_CASE("mesh: a peer of extension 1 below one of extension 2 gets whole segments from it") {
  Party party;
  Harness& root = party.add("root");
  Harness& middle = party.add("middle");
  party.connect(middle, root);
  const int32_t old = middle.open_child("old");
  middle.peer_says(old, peer::KeepAlive{std::nullopt, 1});
  root.cache_segment(5, kServedBytes);
  party.settle();
  middle.load(1, 5);
  party.advance(500);
  REQUIRE(middle.all(CommandKind::kLoadDone).size() == 1);
  middle.clear();
  // The party has carried all there was.
  peer::Request request;
  request.url = "seg5.ts";
  request.sn = MediaSequence(5);
  request.rendition = Harness::asking(0, 5);
  middle.peer_says(old, request);
  const auto headers = middle.sent<peer::Binary>(old);
  REQUIRE(headers.size() == 1);
  CHECK(headers[0].size == kServedBytes);
  std::string bytes;
  while (bytes.size() < kServedBytes) {
    const size_t before = bytes.size();
    for (const Seen& seen : middle.all(CommandKind::kChannelSendBinary)) {
      if (seen.peer == old) bytes += seen.message();
    }
    middle.clear();
    middle.writable(old, 0);
    if (bytes.size() == before) break;
  }
  CHECK(bytes == served_body());
  CHECK(middle.sent<peer::Have>(old).empty());
}

TEST_CASE("mesh: what comes from one neighbor is offered to another in the same moment") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  const int32_t child = r.add_child("c");
  r.h.clear();
  r.h.load(1, 5);
  r.wants(child, 1, 5);
  const uint32_t number = r.transfer(parent);
  r.holds(parent, number, kEachPiece, kServedBytes);
  const auto told = [&] {
    PieceSet set;
    for (const peer::Have& have : r.h.sent<peer::Have>(child)) set.add(pieces(have.pieces));
    return set;
  };
  REQUIRE(r.asked(parent, number).has(0));
  CHECK(told().empty());
  r.sends(parent, number, 0, 1, served_body());
  CHECK(told() == pieces("0"));
  // And sent, as soon as it is asked for.
  r.wants(child, 1, "0");
  CHECK(pieces_in(r.frames(child), served_body()) == pieces("0"));
  r.h.advance(100);
  const PieceSet asked = r.asked(parent, number);
  const uint32_t next = asked.first(1);
  REQUIRE(next < PieceSet::kMost);
  r.sends(parent, number, next, 1, served_body());
  CHECK(told().has(next));
}

TEST_CASE("mesh: nothing is passed on before its first bytes look like media") {
  MeshRoom r;
  const int32_t parent = r.add_parent("a");
  const int32_t child = r.add_child("c");
  r.h.clear();
  r.h.load(1, 5);
  r.wants(child, 1, 5);
  const uint32_t number = r.transfer(parent);
  r.holds(parent, number, "3-5", kServedBytes);
  r.sends(parent, number, 3, 1, served_body());
  r.h.advance(100);
  CHECK(r.h.sent<peer::Have>(child).empty());
  r.holds(parent, number, "0", kServedBytes);
  r.sends(parent, number, 0, 1, served_body());
  const auto haves = r.h.sent<peer::Have>(child);
  REQUIRE(haves.size() == 1);
  CHECK(haves[0].pieces == "0,3");
}

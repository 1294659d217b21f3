#include "client/download/piece_asks.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

Segment segment_of(int64_t sn) {
  Segment segment;
  segment.key = SegmentKey{"main seg" + std::to_string(sn) + ".ts", MediaSequence(sn)};
  return segment;
}

// One neighbor, and segments that it may be asked for.
struct Asking {
  Source neighbor{PeerHandle(1)};
  std::list<Download> downloads;
  PieceAsks asks;
  TimeMs now{DurationMs(1'000'000)};

  Download& download(int64_t sn) {
    return downloads.emplace_back(segment_of(sn), TrackKind::kMain);
  }
  PieceAsk& open(int64_t sn) {
    Download& what = download(sn);
    asks.open(now, Part(what, neighbor), DurationMs(2'500));
    return *asks.find(what);
  }
  // DATA with these pieces comes; false if nobody asked for them.
  bool comes(uint32_t transfer, std::string_view set) {
    if (!asks.expects(transfer, pieces(set))) return false;
    asks.on_data(transfer, pieces(set));
    return true;
  }
};

}  // namespace

TEST_CASE("piece asks: a transfer is opened by the segment's name, and asks for pieces by number") {
  Asking a;
  Download& what = a.download(5);
  const peer::Fields opening = a.asks.open(a.now, Part(what, a.neighbor), DurationMs(2'500));
  CHECK(opening.event == peer::Event::kWant);
  CHECK(opening.transfer == 1);
  CHECK(opening.sn == MediaSequence(5));
  CHECK(opening.rendition.has_value());
  CHECK(opening.pieces.empty());
  CHECK(opening.within == 2'500);
  CHECK(what.sources.size() == 1);

  PieceAsk& ask = *a.asks.find(what);
  const peer::Fields asking = PieceAsks::ask(a.now, ask, pieces("0-3,7"));
  CHECK(asking.event == peer::Event::kWant);
  CHECK(asking.transfer == 1);
  CHECK(asking.pieces == "0-3,7");
  CHECK_FALSE(asking.rendition.has_value());
  CHECK(a.asks.outstanding() == 5);
  CHECK(ask.left == pieces("0-3,7"));
}

TEST_CASE("piece asks: numbers grow, and at most sixteen transfers are open") {
  Asking a;
  uint32_t last = 0;
  for (int64_t sn = 0; sn < 16; ++sn) {
    CHECK_FALSE(a.asks.full());
    const PieceAsk& ask = a.open(sn);
    CHECK(ask.transfer > last);
    last = ask.transfer;
  }
  CHECK(a.asks.full());
  a.asks.end(a.asks.all().front());
  CHECK_FALSE(a.asks.full());
  // A number is never used again.
  CHECK(a.open(100).transfer > last);
}

TEST_CASE("piece asks: what ends lets go of its download") {
  Asking a;
  Download& what = a.open(5).download();
  REQUIRE_FALSE(what.sources.empty());
  a.asks.close(*a.asks.find(what));
  CHECK(what.sources.empty());
  CHECK(a.asks.find(what) == nullptr);
  CHECK(a.asks.find(1) == nullptr);
}

TEST_CASE("piece asks: a cancelled piece may still come, once, and no other may") {
  Asking a;
  PieceAsk& ask = a.open(5);
  PieceAsks::ask(a.now, ask, pieces("0-7"));
  const peer::Fields cancel = a.asks.cancel(ask, pieces("2-4"));
  CHECK(cancel.event == peer::Event::kCancel);
  CHECK(cancel.transfer == 1);
  CHECK(cancel.pieces == "2-4");
  CHECK(ask.left == pieces("0-1,5-7"));
  CHECK(a.asks.outstanding() == 5);

  CHECK(a.comes(1, "2-3"));
  CHECK_FALSE(a.comes(1, "2"));
  CHECK_FALSE(a.comes(1, "4,8"));
  CHECK_FALSE(a.comes(2, "4"));
}

TEST_CASE("piece asks: what was asked for, cancelled and asked for again may come twice") {
  Asking a;
  PieceAsk& ask = a.open(5);
  PieceAsks::ask(a.now, ask, pieces("0-3"));
  a.asks.cancel(ask, pieces("1"));
  PieceAsks::ask(a.now, ask, pieces("1"));
  CHECK(a.comes(1, "1"));
  CHECK(a.comes(1, "1"));
  CHECK_FALSE(a.comes(1, "1"));
}

TEST_CASE("piece asks: what was asked for when a transfer was closed may still come, once") {
  Asking a;
  PieceAsk& ask = a.open(5);
  PieceAsks::ask(a.now, ask, pieces("0-3"));
  const peer::Fields cancel = a.asks.close(ask);
  CHECK(cancel.event == peer::Event::kCancel);
  CHECK(cancel.transfer == 1);
  CHECK(cancel.pieces.empty());
  CHECK(a.asks.outstanding() == 0);
  CHECK(a.comes(1, "0-2"));
  CHECK(a.comes(1, "3"));
  CHECK_FALSE(a.comes(1, "3"));
}

TEST_CASE("piece asks: two cancels of one transfer count together") {
  Asking a;
  PieceAsk& ask = a.open(5);
  PieceAsks::ask(a.now, ask, pieces("0-7"));
  a.asks.cancel(ask, pieces("0-1"));
  a.asks.cancel(ask, pieces("2-3"));
  CHECK(a.comes(1, "1-2"));
  CHECK_FALSE(a.comes(1, "1-2"));
  CHECK(a.comes(1, "3"));
}

TEST_CASE("piece asks: cancels are remembered, but not without end") {
  Asking a;
  PieceAsk& first = a.open(0);
  PieceAsks::ask(a.now, first, pieces("0"));
  a.asks.close(first);
  for (int64_t sn = 1; sn < 64; ++sn) {
    PieceAsk& ask = a.open(sn);
    PieceAsks::ask(a.now, ask, pieces("0"));
    a.asks.close(ask);
  }
  SECTION("the sixty-fourth last one is") { CHECK(a.comes(1, "0")); }
  SECTION("the one before is not") {
    PieceAsk& ask = a.open(64);
    PieceAsks::ask(a.now, ask, pieces("0"));
    a.asks.close(ask);
    CHECK_FALSE(a.comes(1, "0"));
  }
}

TEST_CASE("piece asks: a neighbor that is prompt is asked for more at a time, up to 64 pieces") {
  Asking a;
  const uint32_t at_first = a.asks.window();
  CHECK_FALSE(a.asks.proven());
  for (int i = 0; i < 20; ++i) a.asks.on_piece(DurationMs(30));
  CHECK(a.asks.proven());
  CHECK(a.asks.window() > at_first);
  for (int i = 0; i < 1'000; ++i) a.asks.on_piece(DurationMs(30));
  CHECK(a.asks.window() == 64);
  CHECK(a.asks.piece_ms() == Approx(30));
}

TEST_CASE("piece asks: pieces that wait in a queue, and silence, make it less, down to one") {
  Asking a;
  for (int i = 0; i < 100; ++i) a.asks.on_piece(DurationMs(30));
  const uint32_t before = a.asks.window();
  a.asks.on_piece(DurationMs(400));
  CHECK(a.asks.window() < before);
  a.asks.on_silence(a.now, a.now - DurationMs(400));
  CHECK(a.asks.window() <= before / 2);
  for (int i = 0; i < 20; ++i) {
    a.now += DurationMs(500);
    a.asks.on_silence(a.now, a.now - DurationMs(400));
  }
  CHECK(a.asks.window() == 1);
  for (int i = 0; i < 20; ++i) a.asks.on_piece(DurationMs(400));
  CHECK(a.asks.window() == 1);
}

TEST_CASE("piece asks: a transfer that is only listened to shows how late the neighbor is") {
  Asking a;
  const auto asked_at = a.now;
  CHECK_FALSE(a.asks.late());
  const uint32_t first = a.open(1).transfer;
  a.asks.listen(*a.asks.find(first), asked_at);
  CHECK(a.asks.find(first) == nullptr);
  const uint32_t second = a.open(2).transfer;
  a.asks.listen(*a.asks.find(second), asked_at);  // one at a time
  CHECK(a.asks.find(second) != nullptr);
  a.now += DurationMs(600);
  CHECK_FALSE(a.asks.hear_have(a.now, second));
  const auto cancel = a.asks.hear_have(a.now, first);
  REQUIRE(cancel);
  CHECK(cancel->event == peer::Event::kCancel);
  CHECK(cancel->transfer == first);
  CHECK(a.asks.late() == DurationMs(600));
  CHECK_FALSE(a.asks.hear_have(a.now, first));

  a.asks.listen(*a.asks.find(second), a.now);
  CHECK(a.asks.hear_have(a.now + DurationMs(200), second));
  CHECK(a.asks.late() == DurationMs(400));
  const uint32_t third = a.open(3).transfer;
  a.asks.listen(*a.asks.find(third), a.now);
  a.asks.hear_lack(first);  // that one is over
  CHECK(a.asks.listens());
  a.asks.hear_lack(third);
  CHECK_FALSE(a.asks.listens());
  CHECK_FALSE(a.asks.late());
}

TEST_CASE("piece asks: what is listened to is one of the transfers that may be open") {
  Asking a;
  const uint32_t first = a.open(0).transfer;
  for (int64_t sn = 1; sn < int64_t{PieceAsks::kMostOpen}; ++sn) a.open(sn);
  a.asks.listen(*a.asks.find(first), a.now);
  CHECK(a.asks.full());
  a.asks.hear_lack(first);
  CHECK_FALSE(a.asks.full());
}

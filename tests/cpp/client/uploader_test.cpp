// ServingWhole one child whole segments, from a shelf that a test stocks.

#include "client/upload/uploader.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A shelf of one rendition, on which everything may be given.
struct TestShelf final : SegmentShelf {
  std::list<SegmentPtr> held;
  bool expected = false;  // what is not held comes soon
  Turn next = Turn::kNow;
  int asked_last = 0;  // turns of requests that cannot wait longer

  SegmentPtr find(TimeMs, const peer::Fields& request) override {
    for (const SegmentPtr& each : held) {
      if (each->segment().key.sn == request.sn) return each;
    }
    return nullptr;
  }
  bool coming(TimeMs, const peer::Fields&) override { return expected; }
  MediaSequence newest(TimeMs) override {
    return held.empty() ? MediaSequence(-1) : held.back()->segment().key.sn;
  }
  Turn turn(TimeMs, PeerHandle, SegmentBuffer&, bool last) override {
    asked_last += last ? 1 : 0;
    return next;
  }
  // --- for pieces
  SegmentPtr find_any(TimeMs, const peer::Fields&) override { return nullptr; }
  bool may_give(const SegmentPtr&) override { return false; }
  bool may_begin(TimeMs, PeerHandle, SegmentBuffer&) override { return false; }
  void note_given(PeerHandle, SegmentBuffer&) override {}
  bool admit(TimeMs, PeerHandle, SegmentBuffer&, size_t) override { return false; }
  bool passes_on(PeerHandle) override { return false; }
  bool is_live() override { return false; }
  PieceSet& spread(const SegmentBuffer&) override { return none; }
  uint32_t told_before(TimeMs, const SegmentBuffer&, PieceSet) override { return PieceSet::kMost; }
  PieceSet doubted(TimeMs, const SegmentBuffer&) override { return {}; }
  void add_held(PeerHandle, const SegmentBuffer&, PieceSet&) override {}
  bool line_has_room(TimeMs, PeerHandle, size_t) override { return false; }

 private:
  PieceSet none;
};

struct ServingWhole {
  CommandQueue commands;
  Channel channel{commands, PeerHandle(1), 1024 * 1024};
  TestShelf shelf;
  Uploader uploader;

  ServingWhole() { channel.open(kStart, 0); }
  void put(int64_t sn, size_t bytes) {
    shelf.held.push_back(
        fill_with(SegmentBuffer::allocate(part_segment(sn), bytes), part_body(bytes)));
  }
  bool request(int64_t sn, int64_t ms = 0) {
    return uploader.on_request(after(ms), request_for(part_segment(sn)));
  }
  std::vector<Told> pump(int64_t ms = 0) {
    uploader.pump(after(ms), channel, shelf);
    return take_commands(commands);
  }
};

}  // namespace

TEST_CASE("uploader: BINARY says what follows, and the packets are the segment") {
  ServingWhole s;
  s.put(5, 150'000);
  CHECK(s.request(5));
  CHECK(s.uploader.holds());
  const std::vector<Told> told = s.pump();
  REQUIRE(told.size() == 4);
  const peer::Fields header = told[0].message();
  CHECK(header.event == peer::Event::kBinary);
  CHECK(header.attachments == 3);
  CHECK(header.size == 150'000);
  CHECK(header.current == MediaSequence(5));
  CHECK(header.rendition == request_for(part_segment(5)).rendition);
  CHECK(told[1].bytes + told[2].bytes + told[3].bytes == 150'000);
  CHECK(s.uploader.idle());
  CHECK_FALSE(s.uploader.holds());
}

TEST_CASE(
    "uploader: what is not there is lacked at once, what comes is waited for, but not for long") {
  ServingWhole s;
  s.put(3, 1'000);
  s.request(5);
  std::vector<Told> told = s.pump();
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
  CHECK(told[0].message().current == MediaSequence(3));

  s.shelf.expected = true;
  s.request(6);
  CHECK(s.pump().empty());
  CHECK(s.uploader.next_due() == after(1'700));
  CHECK(s.pump(1'699).empty());
  told = s.pump(1'700);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
  CHECK(s.uploader.next_due() == kNever);
}

TEST_CASE("uploader: one that waits does not hold up the next, and is served when it is there") {
  ServingWhole s;
  s.shelf.expected = true;
  s.put(6, 1'000);
  s.request(5);
  s.request(6);
  std::vector<Told> told = s.pump();
  REQUIRE(told.size() == 2);
  CHECK(told[0].message().sn == MediaSequence(6));
  s.put(5, 1'000);
  told = s.pump(500);
  REQUIRE(told.size() == 2);
  CHECK(told[0].message().sn == MediaSequence(5));
}

TEST_CASE("uploader: a segment whose turn has not come waits; its last chance is said to be one") {
  ServingWhole s;
  s.put(5, 1'000);
  s.shelf.next = SegmentShelf::Turn::kLater;
  s.request(5);
  CHECK(s.pump().empty());
  CHECK(s.shelf.asked_last == 0);
  s.shelf.next = SegmentShelf::Turn::kRefused;
  const std::vector<Told> told = s.pump(1'700);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
  CHECK(s.shelf.asked_last == 1);
}

TEST_CASE("uploader: behind a transfer that fills the channel requests are lacked in time") {
  ServingWhole s;
  s.put(5, 2'000'000);
  s.put(6, 1'000);
  s.request(5);
  s.request(6);
  std::vector<Told> told = s.pump();
  CHECK_FALSE(s.uploader.idle());
  CHECK(told.size() < 20);
  CHECK(s.pump(1'699).empty());
  told = s.pump(1'700);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
  CHECK(told[0].message().sn == MediaSequence(6));
  CHECK_FALSE(s.uploader.stalled(after(29'999)));
  CHECK(s.uploader.stalled(after(30'000)));
  s.uploader.on_progress(after(29'000));
  CHECK_FALSE(s.uploader.stalled(after(30'000)));
  CHECK(s.uploader.next_due() == after(59'000));
}

TEST_CASE("uploader: more than eight requests that wait are a misdeed") {
  ServingWhole s;
  for (int64_t i = 0; i < 8; ++i) CHECK(s.request(i));
  CHECK_FALSE(s.request(8));
}

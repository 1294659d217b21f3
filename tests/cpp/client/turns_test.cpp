// Whose turn it is: the ledger, the line and the limit on upload, without children.

#include "client/upload/turns.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

using Turn = SegmentShelf::Turn;

struct UploadLine {
  PeerLedger ledger;
  Turns turns{ledger};
  int32_t last = 0;

  Turns::Child child(const std::string& id) {
    return {PeerHandle(++last), ledger.number_of(PeerId{id})};
  }
  // The channel of `of` drains at so many bytes a millisecond.
  void carries(double bytes_per_ms, const Turns::Child& of) {
    turns.uplink.on_full(after(-1'000));
    turns.uplink.on_drained(kStart, of.peer, static_cast<size_t>(bytes_per_ms * 1'000));
    REQUIRE(turns.uplink.bytes_per_ms() == bytes_per_ms);
  }
  Turn take(const Turns::Child& whose, const SegmentPtr& segment, int32_t others = 0,
            bool final = false, int64_t ms = 0) {
    return turns.take(after(ms), whose, others, *segment, final);
  }
};

// 4 s of media.
SegmentPtr lasting(size_t bytes) { return SegmentBuffer::allocate(part_segment(5), bytes); }

}  // namespace

TEST_CASE("turns: while the line is unknown two are served at once, and the next waits") {
  UploadLine l;
  const Turns::Child child = l.child("a");
  CHECK(l.take(child, lasting(1'000), 0) == Turn::kNow);
  CHECK(l.take(l.child("b"), lasting(1'000), 1) == Turn::kNow);
  CHECK(l.take(l.child("c"), lasting(1'000), 2) == Turn::kLater);
  CHECK(l.take(l.child("c"), lasting(1'000), 2, true) == Turn::kRefused);
}

TEST_CASE("turns: a segment counts as sent, and is not sent to the same child again and again") {
  UploadLine l;
  const Turns::Child child = l.child("a");
  const SegmentPtr segment = lasting(1'000);
  CHECK(l.take(child, segment) == Turn::kNow);
  CHECK(segment->was_given(child.number));
  CHECK(l.take(child, segment) == Turn::kNow);  // it may have lost it
  CHECK(l.take(child, segment) == Turn::kRefused);
  CHECK(l.take(l.child("b"), segment) == Turn::kNow);
}

TEST_CASE("turns: on a slow line one after the other, and none that would come too late") {
  UploadLine l;
  const Turns::Child child = l.child("a");
  l.carries(100, child);
  CHECK(l.turns.next_due() == kNever);
  // It takes 2 s of the line, of the 5 s that 4 s of media may take.
  CHECK(l.take(child, lasting(200'000)) == Turn::kNow);
  CHECK(l.take(l.child("b"), lasting(200'000), 1) == Turn::kLater);
  CHECK(l.turns.next_due() == after(1'750));
  CHECK(l.take(l.child("c"), lasting(400'000), 1) == Turn::kRefused);
  l.turns.on_timeout(after(1'749));
  CHECK(l.turns.next_due() == after(1'750));
  l.turns.on_timeout(after(1'750));
  CHECK(l.turns.next_due() == kNever);
  CHECK(l.take(l.child("d"), lasting(200'000), 1, false, 1'750) == Turn::kNow);
}

TEST_CASE("turns: what others need comes first") {
  UploadLine l;
  const Turns::Child greedy = l.child("greedy");
  const Turns::Child modest = l.child("modest");
  l.ledger.asks(kStart, modest.number);
  CHECK(l.take(greedy, lasting(1'000)) == Turn::kNow);
  CHECK(l.take(modest, lasting(1'000), 2, true) == Turn::kRefused);
  CHECK(l.take(greedy, lasting(1'000)) == Turn::kRefused);
  CHECK(l.take(modest, lasting(1'000)) == Turn::kNow);
}

TEST_CASE("turns: the limit on upload refuses what it does not carry") {
  UploadLine l;
  const Turns::Child child = l.child("a");
  l.turns.budget.set(1'000, 10'000);
  CHECK(l.take(child, lasting(8'000)) == Turn::kNow);
  CHECK(l.take(l.child("b"), lasting(1'000)) == Turn::kRefused);
  CHECK(l.take(l.child("b"), lasting(1'000), 0, false, 8'000) == Turn::kNow);
  CHECK_FALSE(l.turns.budget.over());
  CHECK(l.take(l.child("c"), lasting(2'000), 0, false, 20'000) == Turn::kRefused);
  CHECK(l.turns.budget.over());
}

TEST_CASE("turns: pieces wait until the limit carries them, and wake us then") {
  UploadLine l;
  const Turns::Child child = l.child("a");
  l.turns.budget.set(1'000, HUGE_VAL);
  CHECK(l.turns.may_send(kStart, child.number));
  CHECK(l.turns.admit(kStart, child, 6'000));
  // 6 s of the rate, of which 1 s may be used ahead of time by whoever has had all of it.
  CHECK_FALSE(l.turns.admit(kStart, child, 1'000));
  CHECK_FALSE(l.turns.may_send(kStart, child.number));
  CHECK(l.turns.next_due() > kStart);
  CHECK(l.turns.next_due() <= after(6'000));
  CHECK(l.turns.may_send(l.turns.next_due(), child.number));
}

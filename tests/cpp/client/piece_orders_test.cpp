#include "client/upload/piece_orders.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "mesh_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kPiece = peer::kWirePieceBytes;
constexpr size_t kOrdered = 9 * kPiece + 2'000;  // ten pieces, the last one short
constexpr PeerHandle kAsker(1);

// What there is to be had, as a test says.
class FakeShelf final : public SegmentShelf {
 public:
  SegmentPtr body;
  bool expects = false;
  bool alive = true;
  bool admits = true;
  bool begins = true;
  int given = 0;
  size_t line = SIZE_MAX;
  MediaSequence latest{-1};
  size_t admitted = 0;
  PieceSet sent;
  PieceSet held;
  PieceSet kept_back;
  bool spreads = true;
  bool live = false;

  SegmentPtr find(TimeMs, const peer::Fields&) override { return nullptr; }
  bool coming(TimeMs, const peer::Fields&) override { return expects; }
  MediaSequence newest(TimeMs) override { return latest; }
  SegmentPtr find_any(TimeMs, const peer::Fields&) override { return body; }
  bool may_give(const SegmentPtr&) override { return alive; }
  bool may_begin(TimeMs, PeerHandle, SegmentBuffer&) override { return begins; }
  void note_given(PeerHandle, SegmentBuffer&) override { ++given; }
  bool admit(TimeMs, PeerHandle, SegmentBuffer&, size_t bytes) override {
    if (admits) admitted += bytes;
    return admits;
  }
  bool is_live() override { return live; }
  PieceSet& spread(const SegmentBuffer&) override { return sent; }
  uint32_t told_before(TimeMs, const SegmentBuffer&, PieceSet) override { return PieceSet::kMost; }
  PieceSet doubted(TimeMs, const SegmentBuffer&) override { return kept_back; }
  void add_held(PeerHandle, const SegmentBuffer&, PieceSet& all) override { all.add(held); }
  bool passes_on(PeerHandle) override { return spreads; }
  bool line_has_room(TimeMs, PeerHandle, size_t bytes) override { return bytes <= line; }
  Turn turn(TimeMs, PeerHandle, SegmentBuffer&, bool) override { return Turn::kRefused; }
};

// One neighbor and its data channel.
struct Serving {
  FakeShelf shelf;
  CommandQueue commands;
  Channel channel{commands, kAsker, 1024 * 1024};
  PieceOrders orders;
  TimeMs now{DurationMs(1'000'000)};
  const std::string bytes = Harness::body(5, kOrdered);

  explicit Serving(size_t max_message = 262'144) { channel.open(now, max_message); }

  // Has `set` of the segment on the shelf.
  void hold(std::string_view set) {
    if (shelf.body == nullptr) shelf.body = SegmentBuffer::allocate(Segment(), kOrdered);
    PieceSet more = pieces(set);
    more.cut(10);
    for (uint32_t at = more.first(); at < PieceSet::kMost; at = more.first(at + 1)) {
      const size_t from = at * kPiece;
      const size_t size = std::min(kPiece, kOrdered - from);
      std::memcpy(shelf.body->room(from, size).data(), bytes.data() + from, size);
      REQUIRE(shelf.body->commit(from, size));
    }
  }
  bool want(uint32_t transfer, int64_t within = 2'500) {
    peer::Fields want;
    want.event = peer::Event::kWant;
    want.transfer = transfer;
    want.url = "seg5.ts";
    want.sn = MediaSequence(5);
    want.rendition = "main";
    want.within = within;
    return orders.on_want(now, want, channel, shelf) != PieceOrders::Reaction::kOffence;
  }
  bool want(uint32_t transfer, std::string_view text) {
    peer::Fields want;
    want.event = peer::Event::kWant;
    want.transfer = transfer;
    want.pieces = text;
    return orders.on_want(now, want, channel, shelf) != PieceOrders::Reaction::kOffence;
  }
  void cancel(uint32_t transfer, std::string_view text = {}) {
    peer::Fields cancel;
    cancel.event = peer::Event::kCancel;
    cancel.transfer = transfer;
    cancel.pieces = text;
    orders.on_cancel(cancel);
  }
  void tell() { orders.tell(now, channel, shelf); }
  // All that can be sent now, as the asker gets it.
  size_t send(bool again = true) {
    size_t sent = 0;
    while (const size_t part = orders.send(now, channel, shelf, again)) sent += part;
    return sent;
  }
  // The texts and binary messages that were sent since the last call.
  std::vector<std::string> texts;
  std::vector<std::string> frames;
  void drain() {
    texts.clear();
    frames.clear();
    while (const Command* command = commands.pop()) {
      std::string message(command->text);
      message.append(reinterpret_cast<const char*>(command->data.data()), command->data.size());
      if (command->kind == CommandKind::kChannelSendText) {
        texts.push_back(message);
      } else {
        channel.on_handed_over(message.size());
        frames.push_back(message);
      }
    }
  }
  // The pieces in the frames.
  std::string came() const { return peer::to_text(pieces_in(frames, bytes)); }
};

const std::string kHaveAll = R"({"event":"HAVE","transfer":7,"size":149456,"pieces":"0-9"})";

}  // namespace

TEST_CASE("piece orders: of a whole segment all pieces are offered, and those asked for are sent") {
  Serving s;
  s.hold("0-");
  REQUIRE(s.want(7));
  s.tell();
  s.drain();
  CHECK(s.texts == std::vector<std::string>{kHaveAll});
  CHECK(s.frames.empty());
  CHECK_FALSE(s.orders.busy());

  REQUIRE(s.want(7, "1-5,9"));
  CHECK(s.orders.busy());
  CHECK(s.send() == 5 * kPiece + 2'000);
  s.drain();
  CHECK(s.came() == "1-5,9");
  CHECK(s.frames.size() == 3);  // of three pieces, of two, and the last one
  CHECK(s.texts.empty());
  CHECK_FALSE(s.orders.busy());
  CHECK_FALSE(s.orders.empty());  // until CANCEL
  s.cancel(7);
  CHECK(s.orders.empty());
}

TEST_CASE(
    "piece orders: pieces are told as they come, every 40 ms, and at once when all are here") {
  Serving s;
  s.hold("0-1");
  REQUIRE(s.want(7));
  s.tell();
  s.drain();
  CHECK(s.texts ==
        std::vector<std::string>{R"({"event":"HAVE","transfer":7,"size":149456,"pieces":"0-1"})"});
  s.hold("2");
  s.now += DurationMs(39);
  s.hold("5");
  s.tell();
  s.drain();
  CHECK(s.texts.empty());
  CHECK(s.orders.next_due() == s.now + DurationMs(1));
  s.now += DurationMs(1);
  s.tell();
  s.drain();
  CHECK(s.texts ==
        std::vector<std::string>{R"({"event":"HAVE","transfer":7,"size":149456,"pieces":"2,5"})"});
  s.tell();
  s.drain();
  CHECK(s.texts.empty());
  s.hold("3-4,6-9");
  s.tell();
  s.drain();
  CHECK(s.texts == std::vector<std::string>{
                       R"({"event":"HAVE","transfer":7,"size":149456,"pieces":"3-4,6-9"})"});
}

TEST_CASE("piece orders: a segment that is not expected is lacked at once, with what is newest") {
  Serving s;
  REQUIRE(s.want(7));
  s.tell();
  s.drain();
  CHECK(s.texts == std::vector<std::string>{R"({"event":"LACK","transfer":7})"});
  CHECK(s.orders.empty());
  s.shelf.latest = MediaSequence(4);
  REQUIRE(s.want(8));
  s.tell();
  s.drain();
  CHECK(s.texts == std::vector<std::string>{R"({"event":"LACK","transfer":8,"current":4})"});
}

TEST_CASE("piece orders: one that is expected is waited for, no longer than the asker said") {
  const auto [said, kept] = GENERATE(
      table<int64_t, int64_t>({{2'500, 2'500}, {0, 1}, {60'000, 60'000}, {INT32_MAX, 60'000}}));
  Serving s;
  s.shelf.expects = true;
  REQUIRE(s.want(7, said));
  s.tell();
  CHECK(s.orders.next_due() == s.now + DurationMs(kept));
  s.now += DurationMs(kept - 1);
  s.tell();
  s.drain();
  CHECK(s.texts.empty());
  s.now += DurationMs(1);
  s.tell();
  s.drain();
  CHECK(s.texts == std::vector<std::string>{R"({"event":"LACK","transfer":7})"});
  CHECK(s.orders.empty());
  CHECK(s.orders.next_due() == kNever);
}

TEST_CASE("piece orders: one that comes in time is offered, and stays when that time is over") {
  Serving s;
  s.shelf.expects = true;
  REQUIRE(s.want(7, 500));
  s.tell();
  s.now += DurationMs(400);
  s.hold("0");
  s.tell();
  s.now += DurationMs(400);
  s.hold("1-9");
  s.tell();
  s.drain();
  CHECK(s.texts.size() == 2);
  CHECK(s.texts.back() == R"({"event":"HAVE","transfer":7,"size":149456,"pieces":"1-9"})");
}

TEST_CASE("piece orders: what the asker was not told of, or has asked for already, is not sent") {
  Serving s;
  s.hold("0-4");
  REQUIRE(s.want(7));
  s.tell();
  s.hold("5-9");  // here, but not told yet
  REQUIRE(s.want(7, "3-7"));
  REQUIRE(s.want(7, "3,4000"));
  s.send();
  s.drain();
  CHECK(s.came() == "3-4");
  CHECK(s.shelf.admitted == 2 * kPiece);
}

TEST_CASE("piece orders: a number must be larger than those before") {
  Serving s;
  s.hold("0-");
  REQUIRE(s.want(7));
  CHECK_FALSE(s.want(7));
  CHECK_FALSE(s.want(6));
  CHECK(s.want(8));
  s.cancel(8);
  CHECK_FALSE(s.want(8));
}

TEST_CASE("piece orders: sixteen transfers may be open, and those that end make room") {
  Serving s;
  s.shelf.expects = true;
  for (uint32_t transfer = 1; transfer <= 16; ++transfer) REQUIRE(s.want(transfer));
  SECTION("not one more") { CHECK_FALSE(s.want(17)); }
  SECTION("by CANCEL") {
    s.cancel(3);
    CHECK(s.want(17));
  }
  SECTION("by LACK") {
    s.shelf.expects = false;
    s.tell();
    s.drain();
    CHECK(s.texts.size() == 16);
    CHECK(s.want(17));
  }
}

TEST_CASE(
    "piece orders: of what others have had, only a live segment's first piece goes out at once") {
  Serving s;
  s.hold("0-");
  s.shelf.sent = pieces("0-2");
  s.shelf.live = GENERATE(true, false);
  REQUIRE(s.want(7));
  s.tell();
  REQUIRE(s.want(7, "0-3"));
  s.send(false);
  s.drain();
  CHECK(s.came() == (s.shelf.live ? "0,3" : "3"));
  s.send(true);
  s.drain();
  CHECK(s.came() == (s.shelf.live ? "1-2" : "0-2"));
}

TEST_CASE("piece orders: cancelled pieces are not sent, and may be asked for again") {
  Serving s;
  s.hold("0-");
  REQUIRE(s.want(7));
  s.tell();
  REQUIRE(s.want(7, "0-9"));
  s.cancel(7, "2-8");
  s.send();
  s.drain();
  CHECK(s.came() == "0-1,9");
  REQUIRE(s.want(7, "4"));
  s.send();
  s.drain();
  CHECK(s.came() == "4");
}

TEST_CASE("piece orders: what names no open transfer is ignored") {
  Serving s;
  s.hold("0-");
  CHECK(s.want(7, "0-3"));
  s.cancel(7);
  s.cancel(9, "0-3");
  s.tell();
  CHECK(s.send() == 0);
  s.drain();
  CHECK(s.texts.empty());
}

TEST_CASE("piece orders: a segment that fails, or proves to have another size, is lacked") {
  Serving s;
  s.hold("0-3");
  REQUIRE(s.want(7));
  s.tell();
  REQUIRE(s.want(7, "0-3"));
  s.drain();
  SECTION("it failed") { s.shelf.alive = false; }
  SECTION("it is another one") { s.shelf.body->expect(kOrdered + 1); }
  s.tell();
  CHECK(s.send() == 0);
  s.drain();
  CHECK(s.texts == std::vector<std::string>{R"({"event":"LACK","transfer":7})"});
  CHECK(s.orders.empty());
}

TEST_CASE("piece orders: what nobody has had is sent first") {
  Serving s;
  s.hold("0-");
  s.shelf.sent = pieces("0-4");
  REQUIRE(s.want(7));
  s.tell();
  REQUIRE(s.want(7, "3-6"));
  s.send(false);
  s.drain();
  CHECK(s.came() == "5-6");
  s.send(true);
  s.drain();
  CHECK(s.came() == "3-4");
  CHECK(s.shelf.sent == pieces("0-6"));
}

TEST_CASE("piece orders: nothing is sent while the line has no room, and all of it afterwards") {
  Serving s;
  s.hold("0-");
  REQUIRE(s.want(7));
  s.tell();
  REQUIRE(s.want(7, "0-9"));
  s.shelf.line = 1'000;
  CHECK(s.send() == 0);
  CHECK(s.orders.busy());
  s.shelf.line = SIZE_MAX;
  const size_t at_once = s.send();
  CHECK(at_once < kOrdered);  // more would wait in the channel
  s.drain();
  std::vector<std::string> all = s.frames;
  size_t sent = at_once;
  while (sent < kOrdered) {
    s.channel.on_writable(s.now, 0);
    const size_t more = s.send();
    REQUIRE(more > 0);
    sent += more;
    s.drain();
    all.insert(all.end(), s.frames.begin(), s.frames.end());
  }
  s.frames = all;
  CHECK(s.came() == "0-9");
}

TEST_CASE("piece orders: an order waits for its own segment, and for any while it has none") {
  Serving s;
  const SegmentPtr other = SegmentBuffer::allocate(Segment(), kOrdered);
  s.shelf.expects = true;
  REQUIRE(s.want(7));
  s.tell();
  CHECK(s.orders.waits_for(other));
  s.hold("0");
  s.tell();
  CHECK(s.orders.waits_for(s.shelf.body));
  CHECK_FALSE(s.orders.waits_for(other));
}

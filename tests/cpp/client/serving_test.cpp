#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct ChildRoom {
  Harness h;
  int32_t child = 0;

  explicit ChildRoom(EngineConfig config = Harness::default_config()) : h(std::move(config)) {
    h.add_renditions(true);
    h.join();
    child = h.open_child("c1");
    h.clear();
  }
  void ask(int64_t sn) {
    h.peer_says(child,
                peer::Request{"seg" + std::to_string(sn) + ".ts", MediaSequence(sn), std::nullopt});
  }
  std::string packets() const {
    std::string joined;
    for (const Seen& seen : h.all(CommandKind::kChannelSendBinary)) joined += seen.data;
    return joined;
  }
  std::vector<peer::Binary> headers() const { return h.sent<peer::Binary>(child); }
  std::vector<peer::Lack> lacks() const { return h.sent<peer::Lack>(child); }
};

}  // namespace

TEST_CASE("channels reckon with the low-water mark that the driver is told to set") {
  CommandQueue commands;
  Channel channel(commands, PeerHandle(1), 1024 * 1024);
  const TimeMs now{DurationMs(1'000)};
  channel.open(now, 0);
  const SegmentPtr segment = SegmentBuffer::allocate(Segment(), 61'440);
  REQUIRE(segment->room(0, 61'440).size() == 61'440);
  REQUIRE(segment->commit(0, 61'440));
  channel.send(now, segment, 0, 61'440);
  channel.on_handed_over(61'440);
  // Above the mark another report follows; at it none does, and nothing counts as queued.
  CHECK(channel.on_writable(now, kLowWaterBytes + 1) == 61'440 - (kLowWaterBytes + 1));
  CHECK(channel.queued() == kLowWaterBytes + 1);
  CHECK(channel.on_writable(now, kLowWaterBytes) == 1);
  CHECK(channel.queued() == 0);
}

TEST_CASE("serve: BINARY says what follows, and the packets are the segment") {
  ChildRoom r;
  r.h.cache_segment(9, 316'216);
  r.h.clear();
  r.ask(9);
  REQUIRE(r.headers().size() == 1);
  const peer::Binary header = r.headers()[0];
  CHECK(header.attachments == 6);
  CHECK(header.url == "seg9.ts");
  CHECK(header.sn == MediaSequence(9));
  CHECK(header.size == 316'216);
  CHECK(header.current == MediaSequence(9));
  CHECK_FALSE(header.rendition);
  const auto packets = r.h.all(CommandKind::kChannelSendBinary);
  REQUIRE(packets.size() == 6);
  CHECK(packets[0].data.size() == 61'440);
  CHECK(packets[5].data.size() == 9'016);
  CHECK(r.packets() == Harness::body(9, 316'216));
  CHECK(r.h.log[0].kind == CommandKind::kChannelSendText);
  CHECK(r.h.engine.stats().upload_bytes == 316'216);
  CHECK(r.h.engine.peers().front().sent_bytes == 316'216);
}

TEST_CASE("serve: packets keep to the connection's largest message") {
  Harness h;
  h.add_renditions(true);
  h.join();
  h.tracker_says(tracker_wire::SignalFrom{
      PeerId{"c1"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  const int32_t child = h.all(CommandKind::kPeerAnswer).back().peer;
  h.engine.on_channel_open(h.now, PeerHandle(child), 16'384);
  h.drain();
  h.cache_segment(9, 100'000);
  h.clear();
  h.peer_says(child, peer::Request{"seg9.ts", MediaSequence(9), std::nullopt});
  CHECK(h.sent<peer::Binary>(child).at(0).attachments == 7);
  for (const Seen& seen : h.all(CommandKind::kChannelSendBinary)) CHECK(seen.data.size() <= 16'384);
}

TEST_CASE("serve: what is not there and not coming is LACKed at once") {
  ChildRoom r;
  r.h.cache_segment(9, 1'000);
  r.h.clear();
  r.ask(10);
  REQUIRE(r.lacks().size() == 1);
  CHECK(r.lacks()[0].url == "seg10.ts");
  CHECK(r.lacks()[0].sn == MediaSequence(10));
  CHECK(r.lacks()[0].current == MediaSequence(9));
}

TEST_CASE("serve: a request by rendition is answered by that rendition, or not at all") {
  ChildRoom r;
  r.h.cache_segment(9, 1'000);  // rendition 0
  // Two renditions hold the same url and sn.
  SegmentLoad other;
  other.rendition_index = 1;
  other.sn = MediaSequence(9);
  other.url = "seg9.ts";
  other.span = {36, 4};
  other.from_cdn = true;
  r.h.load(5, other);
  r.h.fetch_done(5, Harness::body(1, 2'000));
  r.h.clear();
  peer::Request request{"seg9.ts", MediaSequence(9), Harness::asking(1, 9)};
  r.h.peer_says(r.child, request);
  REQUIRE(r.headers().size() == 1);
  CHECK(r.headers()[0].size == 2'000);
  CHECK(r.headers()[0].rendition == request.rendition);
  request.rendition = "another";
  r.h.peer_says(r.child, request);
  REQUIRE(r.lacks().size() == 1);
  CHECK(r.lacks()[0].rendition == request.rendition);
  // Without rendition it may mean either, so neither is given.
  r.ask(9);
  CHECK(r.lacks().size() == 2);
}

TEST_CASE("serve: what the CDN is sending is waited for") {
  ChildRoom r;
  r.h.load(1, 9, true);
  r.h.clear();
  r.ask(9);
  CHECK(r.h.log.empty());
  SECTION("and served when it comes") {
    r.h.advance(800);
    r.h.fetch_done(1, Harness::body(9, 1'000));
    CHECK(r.headers().size() == 1);
    CHECK(r.packets() == Harness::body(9, 1'000));
  }
  SECTION("and LACKed within 2 s when it does not") {
    r.h.advance(1'699);
    CHECK(r.h.log.empty());
    r.h.advance(1);
    CHECK(r.lacks().size() == 1);
  }
  SECTION("and LACKed at once when the fetch fails") {
    r.h.fetch_failed(1);
    CHECK(r.lacks().size() == 1);
  }
  SECTION("and others are served meanwhile") {
    r.h.cache_segment(3, 1'000);
    r.h.clear();
    r.ask(3);
    CHECK(r.headers().size() == 1);
  }
}

TEST_CASE("serve: on live the segments just after our newest are waited for") {
  ChildRoom r;
  r.h.engine.set_live(true);
  r.h.cache_segment(9, 1'000);
  r.h.clear();
  r.ask(13);
  CHECK(r.lacks().size() == 1);
  r.ask(12);
  CHECK(r.lacks().size() == 1);
  r.h.advance(1'700);
  CHECK(r.lacks().size() == 2);
}

TEST_CASE("serve: a queue of requests is bounded, and each is answered within 2 s") {
  ChildRoom r;
  r.h.engine.set_live(true);
  r.h.cache_segment(9, 1'000);
  r.h.clear();
  for (int i = 0; i < 8; ++i) r.ask(10);
  CHECK(r.lacks().empty());
  SECTION("all are answered") {
    r.h.advance(2'000);
    CHECK(r.lacks().size() == 8);
    CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  }
  SECTION("one more is too many") {
    r.ask(10);
    CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
    CHECK(r.h.has(CommandKind::kPeerClose));
  }
}

TEST_CASE("serve: a channel never holds more than its bound") {
  constexpr size_t kLimit = 1024 * 1024;
  ChildRoom r;
  r.h.cache_segment(9, 4'000'000);
  r.h.clear();
  r.ask(9);
  REQUIRE(r.headers().size() == 1);
  // A channel that drains 100 KB at a time and reports when a quarter is left.
  size_t buffered = 0;
  size_t taken = 0;
  size_t most = 0;
  std::string received;
  for (int turn = 0; turn < 200 && received.size() < 4'000'000; ++turn) {
    for (const Seen& seen : r.h.log) {
      if (seen.kind == CommandKind::kChannelSendBinary) {
        buffered += seen.data.size();
        received += seen.data;
      } else if (seen.kind == CommandKind::kChannelSendText) {
        buffered += seen.text.size();
      }
      most = std::max(most, buffered);
    }
    r.h.clear();
    r.h.advance(10);
    const size_t before = buffered;
    taken = std::min<size_t>(buffered, 100'000);
    buffered -= taken;
    if (before > kLimit / 4 && buffered <= kLimit / 4) r.h.writable(r.child, buffered);
  }
  CHECK(most <= kLimit);
  CHECK(most > kLimit * 3 / 4);
  CHECK(received == Harness::body(9, 4'000'000));
}

TEST_CASE("serve: small segments do not add up to a full channel when it is reported empty") {
  ChildRoom r;
  for (int i = 0; i < 20; ++i) r.h.cache_segment(i, 200'000);
  r.h.clear();
  for (int i = 0; i < 20; ++i) {
    r.ask(i);
    r.h.writable(r.child, 0);
    r.h.advance(1'000);
  }
  CHECK(r.packets().size() == 20 * 200'000);
}

TEST_CASE("serve: a request behind a transfer that does not move is LACKed in time") {
  ChildRoom r;
  r.h.cache_segment(9, 4'000'000);
  r.h.cache_segment(3, 1'000);
  r.h.clear();
  r.ask(9);
  r.ask(3);
  r.h.advance(1'699);
  CHECK(r.lacks().empty());
  r.h.advance(1);
  REQUIRE(r.lacks().size() == 1);
  CHECK(r.lacks()[0].url == "seg3.ts");
}

TEST_CASE("serve: a child that takes nothing for 30 s is let go") {
  ChildRoom r;
  r.h.cache_segment(9, 4'000'000);
  r.h.clear();
  r.ask(9);
  r.h.advance(29'999);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  r.h.advance(1);
  CHECK(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("serve: an evicted segment stays readable while it is sent") {
  EngineConfig config = Harness::default_config();
  config.cache_bytes = 3'000'000;
  ChildRoom r(config);
  r.h.cache_segment(1, 2'000'000);
  r.h.clear();
  r.ask(1);
  r.h.cache_segment(2, 900'000);
  r.h.cache_segment(3, 900'000);
  for (int i = 0; i < 10; ++i) r.h.writable(r.child, 0);
  CHECK(r.packets() == Harness::body(1, 2'000'000));
}

TEST_CASE("serve: a parent that asks is told LACK") {
  Harness h;
  h.add_renditions(true);
  h.join();
  const int32_t parent = h.open_parent("p1", false);
  h.cache_segment(9, 1'000);
  h.clear();
  h.peer_says(parent, peer::Request{"seg9.ts", MediaSequence(9), std::nullopt});
  CHECK(h.sent<peer::Lack>(parent).size() == 1);
}

TEST_CASE("serve: past the rate requests are LACKed at once, and served again when it is paid") {
  EngineConfig config = Harness::default_config();
  config.limits.upload_bytes_per_second = 100'000;
  ChildRoom r(config);
  r.h.cache_segment(9, 500'000);
  r.h.clear();
  r.ask(9);  // paid for in 5 s, of which 4 may be used ahead
  r.h.writable(r.child, 0);
  CHECK(r.headers().size() == 1);
  r.ask(9);
  CHECK(r.headers().size() == 1);
  CHECK(r.lacks().size() == 1);
  r.h.advance(1'000);
  r.ask(9);
  CHECK(r.headers().size() == 2);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
}

TEST_CASE("serve: when all that may be sent is sent, children are let go and none is admitted") {
  EngineConfig config = Harness::default_config();
  config.limits.upload_bytes = 700'000;
  ChildRoom r(config);
  r.h.cache_segment(9, 500'000);
  r.h.clear();
  r.ask(9);
  r.h.writable(r.child, 0);
  CHECK(r.headers().size() == 1);
  CHECK_FALSE(r.h.has(CommandKind::kPeerClose));
  r.ask(9);
  CHECK(r.headers().size() == 1);
  CHECK(r.lacks().size() == 1);
  CHECK(r.h.sent<peer::Close>(r.child).size() == 1);
  CHECK(r.h.engine.stats().upload_bytes == 500'000);
  const auto offered = [&r] {
    r.h.clear();
    r.h.tracker_says(tracker_wire::SignalFrom{
        PeerId{"c2"}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
    return r.h.has(CommandKind::kPeerAnswer);
  };
  CHECK_FALSE(offered());
  config.limits.upload_bytes = 1'000'000;
  r.h.engine.set_limits(r.h.now, config.limits);
  CHECK(offered());
}

TEST_CASE("serve: no more parents are dialled than allowed") {
  EngineConfig config = Harness::default_config();
  config.limits.max_parents = 1;
  Harness h(config);
  h.join();
  h.open_parent("p1", true);
  h.clear();
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  CHECK_FALSE(h.has(CommandKind::kPeerDial));
  config.limits.max_parents = 2;
  h.engine.set_limits(h.now, config.limits);
  h.tracker_says(tracker_wire::Connect{PeerId{"p2"}});
  CHECK(h.has(CommandKind::kPeerDial));
}

// One open data channel: what waits in its queue, whether the other side lives, and what it has.

#include "client/link/link.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr size_t kQueue = 1024 * 1024;

struct Sending {
  CommandQueue commands;
  Channel channel;
  const SegmentPtr segment =
      fill_with(SegmentBuffer::allocate(part_segment(5), 600'000), part_body(600'000));

  explicit Sending(size_t queue_bytes = kQueue, size_t max_message_bytes = 0)
      : channel(commands, PeerHandle(3), queue_bytes) {
    channel.open(kStart, max_message_bytes);
  }
  // As many packets as there is room for. Returns their bytes.
  size_t fill() {
    size_t sent = 0;
    while (channel.has_room(channel.packet_bytes())) {
      channel.send(kStart, segment, 0, channel.packet_bytes());
      sent += channel.packet_bytes();
    }
    return sent;
  }
};

}  // namespace

TEST_CASE("channel: packets are as large as protocol, connection and queue allow") {
  CHECK(Sending().channel.packet_bytes() == Channel::kPacketBytes);
  CHECK(Sending(kQueue, 16'384).channel.packet_bytes() == 16'384);
  CHECK(Sending(kQueue, 256 * 1024).channel.packet_bytes() == Channel::kPacketBytes);
  CHECK(Sending(40'000).channel.packet_bytes() == 30'000);
}

TEST_CASE("channel: what was sent fills it until a report shows that it has left") {
  Sending s;
  const size_t sent = s.fill();
  CHECK(sent > 300'000);
  CHECK(sent <= 448 * 1024);
  CHECK(s.channel.queued() == sent);
  const std::vector<Told> told = take_commands(s.commands);
  CHECK(told.size() == sent / Channel::kPacketBytes);
  CHECK(told[0].peer == PeerHandle(3));
  CHECK(told[0].bytes == Channel::kPacketBytes);
  s.channel.on_handed_over(sent);
  CHECK(s.channel.queued() == sent);
  CHECK(s.channel.on_writable(after(100), sent - 100'000) == 100'000);
  CHECK(s.channel.queued() == sent - 100'000);
  // Below the driver's mark no further report comes.
  CHECK(s.channel.on_writable(after(200), kLowWaterBytes) == sent - 100'000 - kLowWaterBytes);
  CHECK(s.channel.queued() == 0);
}

TEST_CASE("channel: a fast line gets as much more as it drains between two reports") {
  Sending s;
  s.channel.set_drain(200'000);
  const size_t sent = s.fill();
  CHECK(sent > 500'000);
  CHECK(sent <= 448 * 1024 + 200'000);
  Sending most;
  most.channel.set_drain(1e12);
  CHECK(most.fill() <= kQueue);
}

TEST_CASE("channel: pieces wait behind less than packets, but an empty channel takes one always") {
  Sending s;
  CHECK(s.channel.has_piece_room(700'000));
  s.channel.send(kStart, s.segment, 0, 60'000);
  CHECK(s.channel.has_piece_room(38'000));
  CHECK_FALSE(s.channel.has_piece_room(39'000));
  CHECK(s.channel.has_room(39'000));
}

TEST_CASE("channel: it is stuck when nothing has left for 2 s, congested with a quarter full") {
  Sending s;
  CHECK_FALSE(s.channel.stuck(after(10'000)));
  s.channel.send(after(10'000), s.segment, 0, 60'000);
  CHECK_FALSE(s.channel.stuck(after(11'999)));
  CHECK(s.channel.stuck(after(12'000)));
  CHECK_FALSE(s.channel.congested());
  s.channel.on_handed_over(60'000);
  s.channel.on_writable(after(12'000), 50'000);
  CHECK_FALSE(s.channel.stuck(after(13'999)));
  s.fill();
  CHECK(s.channel.congested());
}

TEST_CASE("channel: who makes us talk without end floods it, an honest peer does not") {
  Sending s;
  peer::Fields lack;
  lack.event = peer::Event::kLack;
  lack.url = std::string(1'000, 'x');
  for (int64_t ms = 0; ms < 60'000; ms += 100) s.channel.send(after(ms), lack);
  CHECK_FALSE(s.channel.flooded());
  for (int i = 0; i < 63; ++i) s.channel.send(after(60'000), lack);
  CHECK_FALSE(s.channel.flooded());
  for (int i = 0; i < 3; ++i) s.channel.send(after(60'000), lack);
  CHECK(s.channel.flooded());
  // 16 KB a second are forgiven.
  s.channel.send(after(61'000), lack);
  CHECK_FALSE(s.channel.flooded());
}

TEST_CASE("liveness: three KEEPALIVEs without an answer, and a peer that spoke before is dead") {
  Liveness liveness;
  liveness.start(kStart);
  CHECK(liveness.next_due() == kStart);
  CHECK(liveness.on_timeout(kStart, false) == Liveness::Due::kKeepAlive);
  CHECK(liveness.on_timeout(after(1'999), false) == Liveness::Due::kNothing);
  liveness.on_spoken();
  liveness.on_ack(after(80));
  CHECK(liveness.round_trip() == DurationMs(80));
  CHECK(liveness.next_due() == after(10'000));
  CHECK(liveness.on_timeout(after(10'000), false) == Liveness::Due::kKeepAlive);
  CHECK(liveness.on_timeout(after(12'000), false) == Liveness::Due::kKeepAlive);
  CHECK(liveness.on_timeout(after(14'000), false) == Liveness::Due::kKeepAlive);
  CHECK(liveness.on_timeout(after(16'000), false) == Liveness::Due::kDead);
  CHECK(liveness.next_due() == kNever);
}

TEST_CASE(
    "liveness: any traffic, a channel that we fill, and a peer that never spoke are no death") {
  for (const int reason : {0, 1, 2}) {
    Liveness liveness;
    liveness.start(kStart);
    if (reason != 2) liveness.on_spoken();
    TimeMs now = kStart;
    for (int i = 0; i < 20; ++i) {
      CHECK(liveness.on_timeout(now, reason == 1) != Liveness::Due::kDead);
      if (reason == 0) liveness.on_traffic();
      now = liveness.next_due();
    }
    // One KEEPALIVE in 10 s, not in 2.
    CHECK(now >= after(90'000));
  }
}

TEST_CASE("link: a peer may have what it said, a little more, and a segment more each second") {
  CommandQueue commands;
  Link link(commands, PeerHandle(1), kQueue);
  CHECK_FALSE(link.open);
  link.on_open(kStart, 0);
  CHECK(link.open);
  CHECK(link.opened_at == kStart);
  CHECK(link.liveness.next_due() == kStart);
  CHECK(link.may_have(kStart, MediaSequence(1'000)));
  link.on_current(kStart, std::nullopt);
  CHECK(link.may_have(kStart, MediaSequence(1'000)));
  link.on_current(kStart, MediaSequence(10));
  CHECK(link.may_have(kStart, MediaSequence(13)));
  CHECK_FALSE(link.may_have(kStart, MediaSequence(14)));
  CHECK(link.may_have(after(1'000), MediaSequence(14)));
  link.on_held(kStart, MediaSequence(5));
  CHECK(link.current == MediaSequence(10));
  link.on_held(kStart, MediaSequence(20));
  CHECK(link.current == MediaSequence(20));
}

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "sim/body_words.hpp"
#include "sim/content.hpp"
#include "sim/network.hpp"
#include "sim/player.hpp"

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

struct Arrivals : PipeSink {
  explicit Arrivals(EventQueue& events) : queue(events) {}
  void on_pipe_message(uint64_t cookie, Message message) override {
    seen.push_back({cookie, message.size, queue.now()});
  }
  void on_pipe_drained(uint64_t, size_t buffered) override { drained.push_back(buffered); }

  struct Arrival {
    uint64_t cookie;
    size_t size;
    Time when;
  };
  EventQueue& queue;
  std::vector<Arrival> seen;
  std::vector<size_t> drained;
};

Message sized(size_t size) {
  Message out;
  out.size = size;
  return out;
}

bool about(Time when, double expected) {
  return std::abs(seconds(when.time_since_epoch()) - expected) < 0.002;
}

}  // namespace

TEST_CASE("events run in order of time, then of insertion") {
  EventQueue queue;
  std::vector<int> order;
  queue.after(milliseconds(2), [&] { order.push_back(3); });
  queue.after(milliseconds(1), [&] {
    order.push_back(1);
    queue.after(milliseconds(0), [&] { order.push_back(2); });
  });
  queue.after(milliseconds(2), [&] { order.push_back(4); });
  queue.after(milliseconds(9), [&] { order.push_back(5); });
  queue.run_until(Time(milliseconds(5)));
  CHECK(order == std::vector<int>{1, 2, 3, 4});
  CHECK(queue.now() == Time(milliseconds(5)));
}

TEST_CASE("a pipe takes the time of its slower line plus the latency") {
  EventQueue queue;
  Network network(queue, 1);
  Arrivals arrivals(queue);
  const LineId up = network.add_line(8e6);
  const LineId down = network.add_line(80e6);
  const PipeId pipe = network.open(up, down, {milliseconds(50)}, arrivals, 1, 0);
  network.send(pipe, sized(1'000'000));
  queue.run_until(Time(milliseconds(5000)));
  REQUIRE(arrivals.seen.size() == 1);
  CHECK(about(arrivals.seen[0].when, 1.05 + 0.002));
}

TEST_CASE("two pipes share a line evenly, and messages of one keep their order") {
  EventQueue queue;
  Network network(queue, 1);
  Arrivals arrivals(queue);
  const LineId up = network.add_line(8e6);
  const PipeId one = network.open(up, kUnlimitedLine, {}, arrivals, 1, 0);
  const PipeId two = network.open(up, kUnlimitedLine, {}, arrivals, 2, 0);
  network.send(one, sized(500'000));
  network.send(one, sized(1'000));
  network.send(two, sized(250'000));
  queue.run_until(Time(milliseconds(5000)));
  REQUIRE(arrivals.seen.size() == 3);
  // The second pipe has half the line: 250 kB take half a second.
  CHECK(arrivals.seen[0].cookie == 2);
  CHECK(std::abs(seconds(arrivals.seen[0].when.time_since_epoch()) - 0.5) < 0.02);
  CHECK(arrivals.seen[1].size == 500'000);
  CHECK(arrivals.seen[2].size == 1'000);
  CHECK(about(arrivals.seen[2].when, 0.751));
}

TEST_CASE("the sender hears once when its queue falls to the mark") {
  EventQueue queue;
  Network network(queue, 1);
  Arrivals arrivals(queue);
  const LineId up = network.add_line(8e6);
  const PipeId pipe = network.open(up, kUnlimitedLine, {}, arrivals, 1, 40'000);
  network.send(pipe, sized(100'000));
  CHECK(network.buffered(pipe) == 100'000);
  queue.run_until(Time(milliseconds(5000)));
  REQUIRE(arrivals.drained.size() == 1);
  CHECK(arrivals.drained[0] <= 40'000);
  CHECK(arrivals.drained[0] > 40'000 - 16 * 1024);
}

TEST_CASE("a pipe that is cut delivers nothing more, and its place is never mistaken for another") {
  EventQueue queue;
  Network network(queue, 1);
  Arrivals arrivals(queue);
  const LineId up = network.add_line(8e6);
  const PipeId first = network.open(up, kUnlimitedLine, {milliseconds(10)}, arrivals, 1, 0);
  network.send(first, sized(100'000));
  queue.run_until(Time(milliseconds(50)));
  network.cut(first);
  const PipeId second = network.open(up, kUnlimitedLine, {milliseconds(10)}, arrivals, 2, 0);
  network.send(first, sized(7));
  network.send(second, sized(8));
  queue.run_until(Time(milliseconds(5000)));
  REQUIRE(arrivals.seen.size() == 1);
  CHECK(arrivals.seen[0].cookie == 2);
  CHECK(arrivals.seen[0].size == 8);
}

TEST_CASE("a segment's bytes tell which segment they are, and where in it") {
  const Content content(ContentConfig{});
  const RenditionId low{TrackKind::kMain, 0};
  const RenditionId high{TrackKind::kMain, 1};
  const uint32_t tag = Content::tag(low, MediaSequence(5));
  CHECK(tag != Content::tag(high, MediaSequence(5)));
  CHECK(tag != Content::tag(low, MediaSequence(6)));
  CHECK(tag != Content::tag({TrackKind::kAudio, 0}, MediaSequence(5)));

  std::vector<uint8_t> whole(1000);
  fill_body(tag, 0, whole);
  CHECK(is_body(tag, 0, whole));
  CHECK_FALSE(is_body(Content::tag(high, MediaSequence(5)), 0, whole));
  std::vector<uint8_t> part(100);
  fill_body(tag, 333, part);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 333));
  for (size_t offset = 0; offset < 10; ++offset) {
    for (size_t size = 0; size < 30; ++size) {
      std::vector<uint8_t> room(64);
      const MutableBytes some(room.data(), size);
      fill_body(tag, offset, some);
      CHECK(is_body(tag, offset, some));
      const ByteView beyond(room.data() + size, room.size() - size);
      CHECK(std::all_of(beyond.begin(), beyond.end(), [](uint8_t byte) { return byte == 0; }));
    }
  }
  part[50] = static_cast<uint8_t>(part[50] ^ 1);
  CHECK_FALSE(is_body(tag, 333, part));
}

TEST_CASE("a live playlist slides by one segment per duration") {
  ContentConfig config;
  config.live = true;
  config.first_sn = 100;
  config.live_window = 5;
  const Content content(config);
  CHECK(content.playlist(Time{}).first == MediaSequence(100));
  CHECK(content.playlist(Time{}).last == MediaSequence(104));
  const Time later = Time(std::chrono::seconds(8));
  CHECK(content.playlist(later).first == MediaSequence(102));
  CHECK(content.playlist(later).last == MediaSequence(106));
  CHECK(content.available_at(MediaSequence(106)) == later);
}

namespace {

// Answers loads after a delay, unless told to fail.
struct Host : PlayerHost {
  explicit Host(EventQueue& events) : queue(events) {}
  void load_segment(const SegmentRequest& request) override {
    asked.push_back(request.sn);
    queue.after(delay, [this, request] {
      if (queue.now() >= fail_from && queue.now() < fail_to) {
        player->on_error(request.rendition, request.sn);
      } else {
        player->on_segment(request.rendition, request.sn, milliseconds(100));
      }
    });
  }
  void abort_segment(RenditionId, MediaSequence sn) override { aborted.push_back(sn); }
  Time playlist_at() override { return queue.now() + milliseconds(50); }
  void on_playlists() override { ++playlists; }

  EventQueue& queue;
  Player* player = nullptr;
  Duration delay = milliseconds(500);
  Time fail_from{};
  Time fail_to{};
  std::vector<MediaSequence> asked;
  std::vector<MediaSequence> aborted;
  int playlists = 0;
};

struct Playing {
  explicit Playing(ContentConfig config) : content(std::move(config)) { host.player = &player; }
  EventQueue queue;
  Content content;
  Host host{queue};
  Player player{PlayerConfig{}, content, queue, host};
};

}  // namespace

TEST_CASE("the player fills its buffer to the goal, then loads one segment per segment played") {
  Playing it(ContentConfig{});
  it.player.start();
  it.queue.run_until(Time(milliseconds(10'000)));
  // First frame at 0.55 s, position 9.45 s: segments that begin before 39.45 s are there.
  CHECK(it.player.figures().first_frame == Time(milliseconds(550)));
  CHECK(it.player.position() == milliseconds(9'450));
  CHECK(it.player.buffered_end() == std::chrono::seconds(40));
  it.queue.run_until(Time(milliseconds(121'000)));
  CHECK(it.player.figures().finished);
  CHECK(it.player.figures().stalls == 0);
  CHECK(it.host.asked.size() == 30);
}

TEST_CASE("the player counts a stall, and how long it was") {
  Playing it(ContentConfig{});
  it.host.delay = std::chrono::seconds(5);
  it.player.start();
  it.queue.run_until(Time(std::chrono::seconds(21)));
  // A 4 s segment every 5 s: playback from 5.05 s, dry for 1 s before each further segment.
  CHECK(it.player.figures().stalls == 3);
  CHECK(it.player.figures().stalled == std::chrono::seconds(3));
}

TEST_CASE("the player counts what it waited, also in vain: at first, after a seek, until it left") {
  Playing it(ContentConfig{});
  it.host.delay = std::chrono::hours(1);
  it.player.start();
  it.queue.run_until(Time(std::chrono::seconds(10)));
  CHECK(!it.player.figures().first_frame);
  CHECK(it.player.figures().starting == std::chrono::seconds(10));
  it.player.pause();
  it.queue.run_until(Time(std::chrono::seconds(20)));
  CHECK(it.player.figures().starting == std::chrono::seconds(10));
  it.player.resume();
  it.queue.run_until(Time(std::chrono::seconds(21)));
  it.player.stop();
  it.queue.run_until(Time(std::chrono::seconds(30)));
  CHECK(it.player.figures().starting == std::chrono::seconds(11));
  CHECK(it.player.figures().stalled == Duration());

  // A 4 s segment every 5 s: playback from 5.05 s, dry from 9.05 s on.
  Playing dry(ContentConfig{});
  dry.host.delay = std::chrono::seconds(5);
  dry.player.start();
  dry.queue.run_until(Time(milliseconds(9'550)));
  CHECK(dry.player.figures().starting == milliseconds(5'050));
  CHECK(dry.player.figures().stalled == milliseconds(500));
  dry.player.seek(std::chrono::seconds(40));
  dry.queue.run_until(Time(milliseconds(12'550)));
  CHECK(dry.player.figures().starting == milliseconds(8'050));
  CHECK(dry.player.figures().stalled == milliseconds(500));
  dry.queue.run_until(Time(milliseconds(19'050)));
  // The picture came 5 s after the seek, and ended 4 s later.
  CHECK(dry.player.figures().starting == milliseconds(10'050));
  CHECK(dry.player.figures().stalled == milliseconds(1'000));
  dry.player.stop();
  CHECK(dry.player.figures().stalled == milliseconds(1'000));
}

TEST_CASE("a player that gave up plays what it has, and stalls for ever") {
  Playing it(ContentConfig{});
  it.host.fail_from = Time(milliseconds(5'000));
  it.host.fail_to = Time(std::chrono::hours(1));
  it.player.start();
  it.queue.run_until(Time(milliseconds(100'000)));
  CHECK(it.player.figures().gave_up);
  CHECK(it.player.figures().stalls == 1);
  const Duration stalled = it.player.figures().stalled;
  CHECK(stalled == std::chrono::seconds(100) - milliseconds(550) - it.player.buffered_end());
}

TEST_CASE("the player retries with backoff and goes on") {
  Playing it(ContentConfig{});
  it.host.fail_from = Time(milliseconds(5'000));
  it.host.fail_to = Time(milliseconds(20'000));
  it.player.start();
  it.queue.run_until(Time(milliseconds(125'000)));
  CHECK(it.player.figures().errors > 1);
  CHECK(it.player.figures().errors < 8);
  CHECK(it.player.figures().stalls == 0);
  CHECK(it.player.figures().finished);
}

TEST_CASE("a live player starts three segments behind the edge and stays there") {
  ContentConfig config;
  config.live = true;
  config.segment_duration = std::chrono::seconds(2);
  Playing it(config);
  it.player.start();
  it.queue.run_until(Time(milliseconds(30'000)));
  CHECK(it.host.asked.front() == MediaSequence(3));
  CHECK(it.player.figures().stalls == 0);
  CHECK(it.player.latency() == milliseconds(6'550));
}

TEST_CASE("a seek aborts the load under way and continues at the segment that holds the position") {
  Playing it(ContentConfig{});
  it.player.start();
  it.queue.run_until(Time(milliseconds(1'200)));
  it.player.seek(std::chrono::seconds(50));
  CHECK(it.host.aborted == std::vector<MediaSequence>{MediaSequence(2)});
  CHECK(it.host.asked.back() == MediaSequence(12));
  it.queue.run_until(Time(milliseconds(2'700)));
  CHECK(it.player.position() == milliseconds(49'000));
  CHECK(it.player.figures().stalls == 0);
}

}  // namespace hlsmesh::sim

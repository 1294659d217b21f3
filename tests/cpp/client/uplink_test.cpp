#include "client/upload/uplink.hpp"

#include <catch2/catch.hpp>

using namespace hlsmesh;

namespace {

constexpr PeerHandle kOne{1};
constexpr PeerHandle kTwo{2};

struct Line {
  TimeMs now{DurationMs(1'000'000)};
  Uplink uplink;

  // A channel alone loses `bytes` in `ms`, `times` times in a row.
  void drain(PeerHandle peer, size_t bytes, int64_t ms, int times) {
    uplink.on_full(now);
    for (int i = 0; i < times; ++i) {
      now += DurationMs(ms);
      uplink.on_drained(now, peer, bytes);
      uplink.on_full(now);
    }
    uplink.on_lost();
    now += DurationMs(5'000);
  }
};

}  // namespace

TEST_CASE("uplink: unknown before a channel was full long enough") {
  Line line;
  CHECK(line.uplink.bytes_per_ms() == 0);
  line.drain(kOne, 1'000, 10, 1);
  line.drain(kOne, 1'000, 10, 1);
  CHECK(line.uplink.bytes_per_ms() == 0);
}

TEST_CASE("uplink: the rate is what full channels lose together") {
  Line line;
  line.drain(kOne, 100'000, 500, 4);
  CHECK(line.uplink.bytes_per_ms() == Approx(200));
  CHECK(line.uplink.doubtful(line.now, kTwo));
  CHECK_FALSE(line.uplink.doubtful(line.now, kOne));

  line.uplink.on_full(line.now);
  line.uplink.on_full(line.now);
  for (int i = 0; i < 4; ++i) {
    line.now += DurationMs(500);
    for (const PeerHandle peer : {kOne, kTwo}) {
      line.uplink.on_drained(line.now, peer, 50'000);
      line.uplink.on_full(line.now);
    }
  }
  CHECK(line.uplink.bytes_per_ms() == Approx(200).epsilon(0.2));
  CHECK_FALSE(line.uplink.doubtful(line.now, kTwo));
}

TEST_CASE("uplink: a slow child alone does not pass for the line, until nothing better is known") {
  Line line;
  line.drain(kOne, 100'000, 500, 4);
  line.drain(kTwo, 10'000, 500, 4);
  CHECK(line.uplink.bytes_per_ms() == Approx(200));
  line.now += Uplink::kMemory;
  CHECK(line.uplink.doubtful(line.now, kOne));
  line.drain(kTwo, 10'000, 500, 8);
  CHECK(line.uplink.bytes_per_ms() < 120);
  CHECK(line.uplink.doubtful(line.now, kOne));
  line.drain(kOne, 100'000, 500, 4);
  CHECK(line.uplink.bytes_per_ms() > 120);
}

TEST_CASE("uplink: what was begun keeps the line busy for as long as its bytes take") {
  Line line;
  line.uplink.on_begun(line.now, 500'000);
  CHECK(line.uplink.backlog(line.now) == DurationMs(0));
  line.uplink.on_full(line.now);
  line.now += DurationMs(1'000);
  line.uplink.on_drained(line.now, kOne, 200'000);
  // Of the first segment 300,000 bytes are left, at 200 a millisecond.
  CHECK(line.uplink.backlog(line.now) == DurationMs(1'500));
  line.uplink.on_begun(line.now, 100'000);
  CHECK(line.uplink.backlog(line.now) == DurationMs(2'000));
  CHECK(line.uplink.backlog(line.now + DurationMs(5'000)) == DurationMs(0));
}

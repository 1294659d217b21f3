// What all parts of the client use: commands that wait, allowances, durations, delays.

#include <catch2/catch.hpp>
#include <cmath>

#include "client/token_bucket.hpp"
#include "client/tracker/backoff.hpp"
#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("command queue: first in, first out, and each stays readable until the next pop") {
  CommandQueue commands;
  CHECK(commands.pop() == nullptr);
  commands.push(CommandKind::kSocketSend, "first").code = 1;
  commands.event(EventCode::kPeerOpened, 2, "second");
  const Command* first = commands.pop();
  REQUIRE(first != nullptr);
  CHECK(first->kind == CommandKind::kSocketSend);
  for (int i = 0; i < 100; ++i) commands.push(CommandKind::kNone);
  CHECK(first->text == "first");
  CHECK(first->code == 1);
  const Command* second = commands.pop();
  CHECK(second->kind == CommandKind::kEvent);
  CHECK(second->code == static_cast<int32_t>(EventCode::kPeerOpened));
  CHECK(second->aux == 2);
  CHECK(second->text == "second");
  CHECK(take_commands(commands).size() == 100);
  CHECK(commands.pop() == nullptr);
}

TEST_CASE("command queue: a command keeps the segment whose bytes it carries until the next pop") {
  CommandQueue commands;
  const SegmentPtr segment = fill_with(SegmentBuffer::allocate(part_segment(1), 10), "0123456789");
  commands.push(CommandKind::kChannelSendBinary, segment, 3, 4, "head");
  const Command* command = commands.pop();
  REQUIRE(command != nullptr);
  CHECK(command->text == "head");
  CHECK(std::string(command->data.begin(), command->data.end()) == "3456");
  CHECK(segment.use_count() == 2);
  CHECK(commands.pop() == nullptr);
  CHECK(segment.use_count() == 1);
}

TEST_CASE("token bucket: a burst, then one each interval, and never more than the burst") {
  TokenBucket bucket(3, DurationMs(1'000));
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(kStart));
  CHECK_FALSE(bucket.take(kStart));
  CHECK_FALSE(bucket.take(after(999)));
  CHECK(bucket.take(after(1'000)));
  CHECK_FALSE(bucket.take(after(1'000)));
  CHECK_FALSE(bucket.take(after(3'500), 3));
  CHECK(bucket.take(after(3'500), 2));
  CHECK_FALSE(bucket.take(after(3'500)));
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(after(1'000'000)));
  CHECK_FALSE(bucket.take(after(1'000'000)));
}

TEST_CASE("clock: a duration of what is no number is none, and of any number at most a day") {
  CHECK(to_duration(1.9) == DurationMs(1));
  CHECK(to_duration(std::nan("")) == DurationMs(0));
  CHECK(to_duration(HUGE_VAL) == DurationMs(86'400'000));
  CHECK(to_duration(-1e300) == DurationMs(-86'400'000));
  CHECK(to_ms(to_duration(12'345)) == 12'345);
}

TEST_CASE("backoff: each delay is drawn from twice the range of the one before, up to 60 s") {
  Random random(7);
  Backoff backoff;
  for (const int64_t base : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    const int64_t delay = backoff.next(random).count();
    CHECK(delay >= base);
    CHECK(delay < 2 * base);
  }
  backoff.reset();
  CHECK(backoff.next(random).count() < 2'000);
  int64_t least = 1'000'000;
  int64_t most = 0;
  for (int i = 0; i < 200; ++i) {
    const int64_t delay = Backoff::rejected(random).count();
    least = std::min(least, delay);
    most = std::max(most, delay);
    CHECK(Backoff::first(random).count() >= 1'000);
    CHECK(Backoff::first(random).count() < 2'000);
  }
  CHECK(least >= 60'000);
  CHECK(most < 120'000);
  // Trackers that fell are not come back to by all at once.
  CHECK(most - least > 50'000);
}

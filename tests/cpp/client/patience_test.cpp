#include "client/download/patience.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace hlsmesh;

namespace {

constexpr DurationMs seconds(double value) { return DurationMs(static_cast<int64_t>(value * 1e3)); }

// Of a player that wants 30 s, segments of 4 s, a CDN that takes half a second.
Need buffered(double slack) {
  Need need;
  need.slack = seconds(slack);
  need.goal = seconds(30);
  need.duration = seconds(4);
  need.cdn_time = seconds(0.5);
  return need;
}

DurationMs waits(double slack) { return patience(buffered(slack), false); }

}  // namespace

TEST_CASE("patience: with nothing buffered the CDN is asked at once") {
  CHECK(waits(0) <= seconds(0));
  CHECK(patience(buffered(0), true) < seconds(0.1));
}

TEST_CASE("patience: a CDN fetch begins while it still ends before playback stalls") {
  for (double slack = 0; slack < 40; slack += 0.5) {
    for (const double cdn : {0.1, 0.5, 2.0, 6.0}) {
      Need need = buffered(slack);
      need.cdn_time = seconds(cdn);
      for (const bool newest : {false, true}) {
        need.newest = newest;
        CHECK(patience(need, false) <= need.slack - need.cdn_time);
      }
    }
  }
}

TEST_CASE("patience: a full buffer waits until it has shrunk a little, and no further") {
  CHECK(waits(30) == seconds(4.5));
  CHECK(waits(28.5) == seconds(3));
  // A transfer that will end: for as long as a real-time parent needs for a segment, and more.
  CHECK(patience_for_transfer(buffered(30)) == seconds(9));
}

TEST_CASE("patience: that of a full buffer is the same whoever is waited for") {
  CHECK(patience_when_full(buffered(30)) == seconds(4.5));
  CHECK(patience_when_full(buffered(25)) < seconds(0));
  Need slow = buffered(30);
  slow.cdn_time = seconds(18);
  CHECK(patience_when_full(slow) == seconds(30 - 27 - 0.5));
}

TEST_CASE("patience: for late parents a part of what the line takes, if that is much") {
  Need need = buffered(3);
  need.line_time = seconds(2);
  CHECK(patience_for_late(need, false) == seconds(1.5));
  CHECK(patience_for_late(need, true) == seconds(2.5));
  need.waited = seconds(1);
  CHECK(patience_for_late(need, false) == seconds(0.5));
  // On a wide line what lets the buffer grow, and playback go on.
  need.waited = {};
  need.line_time = seconds(1.9);
  CHECK(patience_for_late(need, true) == seconds(1.75));
  need.slack = seconds(1);
  CHECK(patience_for_late(need, true) < seconds(0));
  need.newest = true;
  CHECK(patience_for_late(need, false) == latest_cdn_start(need));
}

TEST_CASE("patience: while the buffer grows, less is waited than the CDN would gain") {
  for (double slack = 1; slack < 25; slack += 1) {
    for (const double cdn : {0.1, 0.5, 2.0, 3.9, 10.0}) {
      Need need = buffered(slack);
      need.cdn_time = seconds(cdn);
      CHECK(patience(need, false) <= std::max(seconds(0), need.duration - need.cdn_time) * 3 / 4);
    }
  }
}

TEST_CASE("patience: what was waited counts, over all parents") {
  Need need = buffered(15);
  const DurationMs whole = patience(need, false);
  need.waited = seconds(1);
  need.slack -= seconds(1);
  CHECK(patience(need, false) == whole - seconds(1));
  need.waited = whole;
  need.slack = seconds(15) - whole;
  CHECK(patience(need, false) <= seconds(0));
}

TEST_CASE("patience: each load that waited in vain halves what the next one may wait") {
  Need need = buffered(15);
  const DurationMs whole = patience(need, false);
  need.vain = 1;
  CHECK(patience(need, false) == whole / 2);
  need.vain = 1'000;
  CHECK(patience(need, false) < seconds(0.1));
}

TEST_CASE(
    "patience: a slow CDN is a reason to wait longer for a transfer that ends before it would") {
  for (const double slack : {0.0, 3.0, 12.0}) {
    Need need = buffered(slack);
    DurationMs last = seconds(0);
    for (const double cdn : {0.5, 2.0, 4.0, 8.0}) {
      need.cdn_time = seconds(cdn);
      const DurationMs now = patience_for_transfer(need);
      CHECK(now >= last);
      CHECK(now >= need.cdn_time);
      last = now;
    }
  }
}

TEST_CASE("patience: transfers that do not keep what they promise end all the same") {
  for (const double cdn : {0.5, 4.0, 8.0}) {
    Need need = buffered(0);
    need.cdn_time = seconds(cdn);
    need.waited = need.cdn_time * 2;
    CHECK(patience_for_transfer(need) <= seconds(0));
  }
}

TEST_CASE("patience: a long segment may take long when the buffer allows it") {
  Need need = buffered(40);
  need.duration = seconds(20);
  CHECK(patience_for_transfer(need) >= seconds(14));
  need.slack = seconds(30);
  CHECK(patience_for_transfer(need) >= seconds(10));
}

TEST_CASE("patience: the newest segment of a live playlist may take as long as it lasts") {
  Need need = buffered(9);
  CHECK(patience(need, false) < seconds(2));
  need.newest = true;
  CHECK(patience(need, false) == seconds(5));
  need.slack = seconds(4);
  CHECK(patience(need, false) == latest_cdn_start(need));
}

TEST_CASE("patience: ahead of the player there is the time until it asks as well") {
  Need need = buffered(30);
  const DurationMs asked = patience_for_transfer(need);
  need.ahead = seconds(6);
  CHECK(patience_for_transfer(need) == asked + seconds(6));
  CHECK(patience(need, false) == asked + seconds(6));
}

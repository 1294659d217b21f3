// One request to one parent.

#include "client/download/requester.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

constexpr LoadId kWaiting{4};

struct Requesting {
  Source parent{PeerHandle(1)};
  std::list<Download> downloads;
  Requester requester;
  const Segment segment = part_segment(5);

  explicit Requesting(bool extended = true) {
    requester.on_open(kStart);
    if (extended) requester.on_extension(kStart);
  }
  peer::Fields ask(int64_t ms, std::optional<LoadId> load = kWaiting, bool extended = true) {
    Download& download = downloads.emplace_back(segment, TrackKind::kMain);
    return requester.ask(after(ms), segment, load, extended, Part(download, parent));
  }
  Requester::Answer header(int64_t ms, peer::Fields answer, int64_t size, int64_t packets) {
    answer.event = peer::Event::kBinary;
    answer.size = size;
    answer.attachments = packets;
    return requester.on_header(after(ms), answer);
  }
  Requester::Refusal lack(int64_t ms, peer::Fields answer, std::optional<LoadId>& load,
                          bool& held) {
    answer.event = peer::Event::kLack;
    return requester.on_lack(after(ms), answer, load, held);
  }
  Requester::Due timeout(int64_t ms) {
    std::optional<LoadId> load;
    return requester.on_timeout(after(ms), load);
  }
};

}  // namespace

TEST_CASE("requester: a parent of version 1 settles for 250 ms, and a first request is repeated") {
  Requesting r(false);
  CHECK(r.requester.ready_at() == after(250));
  const peer::Fields request = r.ask(250, kWaiting, false);
  CHECK(request.url == "seg5.ts");
  CHECK_FALSE(request.rendition.has_value());
  CHECK(r.timeout(2'249) == Requester::Due::kNothing);
  CHECK(r.timeout(2'250) == Requester::Due::kRepeat);
  CHECK(r.requester.repeated().url == "seg5.ts");
  CHECK(r.timeout(4'250) == Requester::Due::kSilent);
  Requesting extended;
  CHECK(extended.requester.ready_at() == kStart);
  extended.ask(0);
  CHECK(extended.timeout(2'000) == Requester::Due::kSilent);
}

TEST_CASE("requester: silence is followed by a rest, a second one in a row ends the peer") {
  Requesting r;
  r.ask(0);
  CHECK_FALSE(r.requester.idle());
  CHECK(r.timeout(2'000) == Requester::Due::kSilent);
  CHECK(r.requester.idle());
  CHECK(r.requester.resting(after(6'999)));
  CHECK_FALSE(r.requester.resting(after(7'000)));
  r.ask(7'000);
  CHECK(r.timeout(9'000) == Requester::Due::kGone);
}

TEST_CASE("requester: only what was asked for is an answer; a late one is an answer still") {
  Requesting r;
  const peer::Fields request = r.ask(0);
  peer::Fields other = request;
  other.sn = MediaSequence(6);
  CHECK(r.header(100, other, 1'000, 1) == Requester::Answer::kUnasked);
  r.timeout(2'000);
  CHECK(r.header(2'500, request, 1'000, 1) == Requester::Answer::kExpected);
  CHECK_FALSE(r.requester.load().has_value());
  CHECK(r.header(2'600, request, 1'000, 1) == Requester::Answer::kWithinTransfer);
}

TEST_CASE("requester: packets make up the transfer, no more and no fewer than announced") {
  Requesting r;
  const peer::Fields request = r.ask(0);
  CHECK(r.requester.on_packet(after(50), 10) == Requester::Packet::kUnexpected);
  REQUIRE(r.header(100, request, 1'000, 2) == Requester::Answer::kExpected);
  CHECK(r.requester.brings(r.segment.key));
  CHECK(r.requester.on_packet(after(150), 0) == Requester::Packet::kEmpty);
  CHECK(r.requester.on_packet(after(150), 1'001) == Requester::Packet::kTooMuch);
  CHECK(r.requester.on_packet(after(200), 400) == Requester::Packet::kMore);
  SECTION("whole") {
    CHECK(r.requester.on_packet(after(300), 600) == Requester::Packet::kComplete);
    const std::optional<Transfer> taken = r.requester.take_transfer(after(300));
    REQUIRE(taken.has_value());
    CHECK(taken->ask.load == kWaiting);
    CHECK(r.requester.proven());
    CHECK(r.requester.idle());
    // 1,000 bytes in 200 ms.
    CHECK(r.requester.bytes_per_ms(after(300)) == Approx(5));
    CHECK(r.requester.bytes_per_ms(after(10'300)) == Approx(10));
  }
  SECTION("too little") {
    CHECK(r.requester.on_packet(after(300), 599) == Requester::Packet::kTooLittle);
  }
}

TEST_CASE(
    "requester: a transfer that stands still frees its load after 1.5 s, and is given up at 10") {
  Requesting r;
  REQUIRE(r.header(100, r.ask(0), 1'000, 2) == Requester::Answer::kExpected);
  std::optional<LoadId> load;
  CHECK(r.requester.on_timeout(after(1'599), load) == Requester::Due::kNothing);
  CHECK(r.requester.on_timeout(after(1'600), load) == Requester::Due::kStalled);
  CHECK(load == kWaiting);
  CHECK_FALSE(r.requester.load().has_value());
  CHECK(r.timeout(10'099) == Requester::Due::kNothing);
  CHECK(r.timeout(10'100) == Requester::Due::kGone);
}

TEST_CASE("requester: a LACK says who waited, and if it was put off; too many late ones dawdle") {
  Requesting r;
  std::optional<LoadId> load;
  bool held = true;
  CHECK(r.lack(100, r.ask(0), load, held) == Requester::Refusal::kCurrent);
  CHECK(load == kWaiting);
  CHECK_FALSE(held);
  CHECK(r.lack(150, request_for(r.segment), load, held) == Requester::Refusal::kUnasked);
  for (int64_t i = 1; i <= 3; ++i) {
    CHECK_FALSE(r.requester.dawdles());
    CHECK(r.lack(i * 2'000 + 1'000, r.ask(i * 2'000), load, held) == Requester::Refusal::kCurrent);
    CHECK(held);
  }
  CHECK(r.requester.dawdles());
}

TEST_CASE("requester: a load joins what is on its way for nobody, and leaves it") {
  Requesting r;
  r.ask(0, std::nullopt);
  CHECK_FALSE(r.requester.join(part_segment(6).key, kWaiting));
  CHECK(r.requester.join(r.segment.key, kWaiting));
  CHECK_FALSE(r.requester.join(r.segment.key, LoadId(9)));
  CHECK(r.requester.asked_by(kWaiting) != nullptr);
  r.requester.detach(kWaiting);
  CHECK_FALSE(r.requester.load().has_value());
  CHECK(r.requester.brings(r.segment.key));
  r.requester.forget("main");
  CHECK_FALSE(r.requester.brings(r.segment.key));
  CHECK_FALSE(r.requester.join(r.segment.key, kWaiting));
  CHECK(r.downloads.front().sources.empty());
}

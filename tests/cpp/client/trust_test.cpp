// Which bytes of peers may be used, by what the publisher says of them.

#include "client/download/trust.hpp"

#include <catch2/catch.hpp>

#include "digests_room.hpp"
#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct Published {
  CommandQueue commands;
  Trust trust{commands};
  const Segment segment = part_segment(5);
  const std::string body = part_body(50'000);

  void playlist(int64_t ms = 0, double newest = 9, bool live = false, bool digests = true) {
    PlaylistFacts facts;
    facts.newest = newest;
    facts.live = live;
    facts.digests = digests;
    trust.on_playlist(after(ms), TrackKind::kMain, 2, "main", facts);
  }
  bool file(int64_t ms, const std::string& lines) {
    return trust.on_file(after(ms), TrackKind::kMain, 2, digest_file(lines));
  }
  std::string line() const { return digest_line("seg5.ts", body); }
  // Whether the file is asked for at that time.
  bool asks(int64_t ms) {
    trust.run(after(ms));
    const std::vector<Told> told = take_commands(commands);
    if (told.empty()) return false;
    REQUIRE(told.size() == 1);
    CHECK(told[0].kind == CommandKind::kFetchDigests);
    CHECK(told[0].code == static_cast<int32_t>(TrackKind::kMain));
    CHECK(told[0].aux == 2);
    return true;
  }
  TimeMs due() {
    Timer timer;
    trust.add_timers(timer);
    return timer.due;
  }
  SegmentPtr whole(std::string_view bytes) {
    return fill_with(SegmentBuffer::allocate(segment, bytes.size()), bytes);
  }
};

using Proof = Trust::Proof;

}  // namespace

TEST_CASE(
    "trust: digests are demanded where the playlist promised them, or everywhere, or nowhere") {
  Published p;
  CHECK_FALSE(p.trust.demands(p.segment.key));
  p.playlist(0, 9, false, false);
  CHECK_FALSE(p.trust.demands(p.segment.key));
  p.playlist();
  CHECK(p.trust.demands(p.segment.key));
  CHECK_FALSE(p.trust.demands(part_segment(5, "other").key));
  // A playlist that was stripped of the word changes nothing.
  p.playlist(0, 9, false, false);
  CHECK(p.trust.demands(p.segment.key));
  p.trust.forget();
  CHECK_FALSE(p.trust.demands(p.segment.key));

  Published required;
  required.trust.set_policy(DigestPolicy::kRequired);
  CHECK(required.trust.demands(required.segment.key));
  Published off;
  off.trust.set_policy(DigestPolicy::kOff);
  off.playlist();
  CHECK_FALSE(off.trust.demands(off.segment.key));
  CHECK_FALSE(off.asks(0));
}

TEST_CASE(
    "trust: a segment is proven or refuted by its publisher's digest, and admitted when proven") {
  Published p;
  const SegmentPtr good = p.whole(p.body);
  CHECK(p.trust.admits(*good));
  CHECK(p.trust.prove(after(0), *good) == Proof::kProven);
  p.playlist();
  CHECK_FALSE(p.trust.admits(*good));
  CHECK(p.trust.prove(after(0), *good) == Proof::kNone);
  CHECK(p.asks(0));
  CHECK(p.file(100, p.line()));
  CHECK(p.trust.of(after(100), p.segment) != nullptr);
  CHECK(p.trust.of(after(100), part_segment(6)) == nullptr);
  std::string other = p.body;
  other.back() ^= 1;
  CHECK(p.trust.prove(after(100), *p.whole(other)) == Proof::kRefuted);
  CHECK(p.trust.prove(after(100), *p.whole(p.body + "x")) == Proof::kRefuted);
  CHECK(p.trust.prove(after(100), *good) == Proof::kProven);
  CHECK(p.trust.admits(*good));
  CHECK(good->digests() != nullptr);
}

TEST_CASE("trust: the file is asked for at once, and again when it does not come") {
  Published p;
  p.playlist();
  CHECK(p.due() == after(0));
  CHECK(p.trust.has_hope(after(0), p.segment));
  CHECK(p.asks(0));
  CHECK(p.trust.expected_until(p.segment.key) == after(0) + Trust::kUsual);
  CHECK_FALSE(p.asks(14'999));
  CHECK(p.asks(15'000));
}

TEST_CASE("trust: a file that is not to be had is asked for ever more slowly, and not waited for") {
  Published p;
  p.playlist();
  CHECK(p.asks(0));
  int64_t now = 0;
  for (const int64_t pause : {2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
    p.trust.on_no_file(after(now), TrackKind::kMain, 2);
    CHECK_FALSE(p.trust.has_hope(after(now), p.segment));
    CHECK(p.trust.expected_until(p.segment.key) < after(now));
    CHECK_FALSE(p.asks(now + pause - 1));
    now += pause;
    CHECK(p.asks(now));
  }
  // What is no such file is as if there were none.
  CHECK_FALSE(p.trust.on_file(after(now), TrackKind::kMain, 2, "<html>"));
  CHECK_FALSE(p.asks(now + 59'999));
  CHECK(p.asks(now + 60'000));
  CHECK(p.file(now, p.line()));
  CHECK(p.trust.has_hope(after(now), p.segment));
  CHECK(p.due() == kNever);
}

TEST_CASE("trust: a live file that lacks what is asked of it is looked at again, twice a second") {
  Published p;
  p.playlist(0, 9, true);
  CHECK(p.asks(0));
  CHECK(p.file(50, p.line()));
  CHECK(p.due() == kNever);
  CHECK(p.trust.of(after(100), part_segment(6)) == nullptr);
  CHECK(p.due() == after(500));
  CHECK(p.asks(500));
  CHECK(p.file(550, p.line()));
  // The playlist has moved on, and so has its file.
  p.playlist(2'000, 10, true);
  CHECK(p.due() == after(2'000));
}

TEST_CASE("trust: a rendition that has another's number gets its own file, not the other's") {
  Published p;
  const Segment other = part_segment(5, "other");
  const std::string other_body = part_body(30'000);
  const auto list = [&](int64_t ms, const char* rendition) {
    PlaylistFacts facts;
    facts.newest = 9;
    facts.digests = true;
    p.trust.on_playlist(after(ms), TrackKind::kMain, 2, rendition, facts);
  };
  p.playlist();
  CHECK(p.asks(0));
  // The player has another list while the file is on its way.
  list(100, "other");
  CHECK_FALSE(p.asks(100));
  CHECK(p.file(200, p.line()));
  REQUIRE(p.trust.of(after(200), p.segment) != nullptr);
  CHECK(p.trust.of(after(200), other) == nullptr);
  CHECK(p.asks(700));
  CHECK(p.file(800, digest_line("seg5.ts", other_body)));
  REQUIRE(p.trust.of(after(800), other) != nullptr);
  CHECK(p.trust.of(after(800), other)->size == other_body.size());
  CHECK(p.trust.of(after(800), p.segment)->size == p.body.size());
  CHECK(p.due() == kNever);
  // Back to the first, whose file is here.
  list(900, "main");
  CHECK_FALSE(p.asks(900));
}

TEST_CASE("trust: a rendition whose number another has got is not asked for until it has one") {
  Published p;
  p.playlist();
  PlaylistFacts facts;
  facts.digests = true;
  p.trust.on_playlist(after(0), TrackKind::kMain, 2, "other", facts);
  CHECK(p.asks(0));
  CHECK(p.file(100, digest_line("seg5.ts", part_body(30'000))));
  CHECK(p.trust.of(after(100), p.segment) == nullptr);
  CHECK(p.due() == kNever);
  p.playlist(200);
  CHECK(p.asks(200));
  CHECK(p.file(300, p.line()));
  CHECK(p.trust.of(after(300), p.segment) != nullptr);
}

// What we hold, and what of it others may have.

#include "client/download/shelf.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct Stocked {
  CommandQueue commands;
  EngineStats stats;
  Shelf shelf{commands, stats, 8 * 1024 * 1024};

  Segment put(int64_t sn, const RenditionSignature& rendition = "main") {
    const Segment segment = part_segment(sn, rendition);
    const std::string bytes = part_body(1'000);
    fill_with(shelf.cache.begin(segment, bytes.size()), bytes);
    return segment;
  }
  KnownPlaylist::Change playlist(int64_t ms, double first, double newest, bool live = true,
                                 const RenditionSignature& rendition = "main") {
    PlaylistFacts facts;
    facts.first = first;
    facts.newest = newest;
    facts.target_duration = 4;
    facts.live = live;
    return shelf.on_playlist(after(ms), rendition, facts);
  }
  bool gives(const Segment& segment, int64_t ms = 0) {
    return shelf.find(after(ms), request_for(segment)) != nullptr;
  }
};

// A target duration of 4 s: a live playlist vouches for three of them.
constexpr int64_t kStale = 12'001;

}  // namespace

TEST_CASE("shelf: a request finds the complete segment that it means, and no other") {
  Stocked s;
  const Segment held = s.put(5);
  s.put(5, "other");
  REQUIRE(s.gives(held));
  CHECK(s.shelf.find(after(0), request_for(held))->segment().key == held.key);
  CHECK_FALSE(s.gives(part_segment(6)));
  const SegmentPtr unfinished = s.shelf.cache.begin(part_segment(7), 1'000);
  CHECK_FALSE(s.gives(part_segment(7)));
  // Version 1 knows the URL and the number alone, which two renditions share here.
  peer::Fields old;
  old.url = held.url;
  old.sn = held.key.sn;
  CHECK(s.shelf.find(after(0), old) == nullptr);
  s.shelf.cache.drop("other", 1e9);
  CHECK(s.shelf.find(after(0), old) != nullptr);
}

TEST_CASE("shelf: what the player refused is given to nobody") {
  Stocked s;
  const Segment held = s.put(5);
  Receipt receipt;
  receipt.load = LoadId(1);
  s.shelf.receipts.add(s.shelf.cache, held, receipt);
  CHECK(s.gives(held));
  s.shelf.receipts.find(held.key)->refused = LoadId(1);
  CHECK_FALSE(s.gives(held));
}

TEST_CASE("shelf: a live playlist that stands still vouches for nothing; one with an end does") {
  Stocked s;
  const Segment live = s.put(5);
  const Segment recorded = s.put(5, "vod");
  s.playlist(0, 1, 5);
  s.playlist(0, 1, 5, false, "vod");
  CHECK(s.gives(live, kStale - 1));
  CHECK_FALSE(s.gives(live, kStale));
  CHECK(s.gives(recorded, kStale));
  CHECK(s.shelf.is_meant(after(0), request_for(live), live));
  CHECK_FALSE(s.shelf.is_meant(after(kStale), request_for(live), live));
  CHECK(s.shelf.newest(after(kStale)).value() == 5);
  s.shelf.cache.drop("vod", 1e9);
  CHECK(s.shelf.newest(after(kStale)).value() == -1);
  CHECK(s.playlist(kStale, 2, 6) == KnownPlaylist::Change::kResumed);
  CHECK(s.gives(live, kStale));
}

TEST_CASE("shelf: what has left a live window goes") {
  Stocked s;
  s.playlist(0, 1, 5);
  const Segment left = s.put(2);
  const Segment stays = s.put(3);
  CHECK(s.playlist(4'000, 3, 7) == KnownPlaylist::Change::kNone);
  CHECK(s.shelf.cache.peek(left.key) == nullptr);
  CHECK(s.shelf.cache.peek(stays.key) != nullptr);
}

TEST_CASE("shelf: one rendition that begins anew makes the others of the broadcast doubtful") {
  Stocked s;
  s.playlist(0, 101, 110);
  s.playlist(0, 101, 110, true, "other");
  const Segment other = s.put(105, "other");
  CHECK(s.gives(other));
  CHECK(s.playlist(1'000, 0, 2) == KnownPlaylist::Change::kRestarted);
  CHECK_FALSE(s.gives(other, 1'000));
}

TEST_CASE("shelf: a request may be for what a live player is about to load") {
  Stocked s;
  s.put(5);
  CHECK_FALSE(s.shelf.is_next(after(0), request_for(part_segment(6))));
  s.shelf.set_live_until(after(6'000));
  CHECK(s.shelf.is_next(after(6'000), request_for(part_segment(6))));
  CHECK(s.shelf.is_next(after(0), request_for(part_segment(8))));
  CHECK_FALSE(s.shelf.is_next(after(0), request_for(part_segment(9))));
  CHECK_FALSE(s.shelf.is_next(after(0), request_for(part_segment(5))));
  CHECK_FALSE(s.shelf.is_next(after(6'001), request_for(part_segment(6))));
}

TEST_CASE("shelf: peers hear of the newest, and after it was forgotten that there is none") {
  Stocked s;
  CHECK_FALSE(s.shelf.current(after(0)).has_value());
  CHECK_FALSE(s.shelf.forget({}));
  s.put(5);
  CHECK(s.shelf.current(after(0)) == MediaSequence(5));
  CHECK(s.shelf.forget("other"));
  CHECK(s.shelf.current(after(0)) == MediaSequence(5));
  CHECK(s.shelf.has_again(after(0)));
  CHECK(s.shelf.forget("main"));
  CHECK(s.shelf.current(after(0)) == MediaSequence(-1));
  CHECK_FALSE(s.shelf.has_again(after(0)));
  s.put(6);
  CHECK(s.shelf.has_again(after(0)));
  CHECK_FALSE(s.shelf.has_again(after(0)));
}

TEST_CASE("shelf: another presentation has no receipts; another rendition keeps them") {
  Stocked s;
  const Segment held = s.put(5);
  s.shelf.receipts.add(s.shelf.cache, held, Receipt());
  s.shelf.forget("main");
  CHECK(s.shelf.receipts.find(held.key) != nullptr);
  s.shelf.forget({});
  CHECK(s.shelf.receipts.find(held.key) == nullptr);
}

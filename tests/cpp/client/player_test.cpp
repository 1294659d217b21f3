// The player as it reports itself, without loads.

#include "client/player/player.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct Watching {
  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Shelf shelf{commands, stats, 8 * 1024 * 1024};
  Player player{renditions, shelf};

  Watching() {
    player.clear_renditions("https://cdn.example/live/master.m3u8");
    RenditionFacts facts;
    facts.playlist_url = "https://cdn.example/live/low/index.m3u8";
    renditions.add(facts);
    player.plan().follow(TrackKind::kMain, 0);
  }
  const RenditionSignature& signature() const { return renditions.signature(TrackKind::kMain, 0); }
  SegmentLoad load(int64_t sn) const {
    SegmentLoad what;
    what.sn = MediaSequence(sn);
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = MediaSpan{static_cast<double>(sn) * 4, 4};
    return what;
  }
  void playlist(double newest, bool live = true) {
    PlaylistFacts facts;
    facts.newest = newest;
    facts.target_duration = 4;
    facts.live = live;
    shelf.on_playlist(kStart, signature(), facts);
  }
  void list(int64_t sn) { player.plan().list(player.wish_for(load(sn))); }
  SegmentKey key(int64_t sn) const { return player.wish_for(load(sn)).segment.key; }
};

PlayheadReport at(double seconds, double rate = 1) { return {seconds, seconds + 20, rate}; }

}  // namespace

TEST_CASE("player: a load becomes a wish for a segment with an identity") {
  Watching w;
  const Wish wish = w.player.wish_for(w.load(5));
  CHECK(wish.shareable);
  CHECK(wish.listed);
  CHECK_FALSE(wish.secret);
  CHECK(rendition_of(wish.segment.key) == w.signature());
  CHECK(wish.segment.key.sn == MediaSequence(5));
  CHECK(wish.segment.place == w.renditions.place(TrackKind::kMain, 0));
  CHECK(plain_name(wish.segment.key) == "seg5.ts");
  CHECK(wish.segment.url == "seg5.ts");
}

TEST_CASE("player: a byte range is part of the name, and credentials are told to nobody") {
  Watching w;
  SegmentLoad ranged = w.load(5);
  ranged.range = ByteRange{100, 300};
  CHECK(w.player.wish_for(std::move(ranged)).segment.url == "seg5.ts#100-300");
  SegmentLoad secret = w.load(5);
  secret.clean_url = secret.url;
  secret.url += "?token=mine";
  const Wish wish = w.player.wish_for(std::move(secret));
  CHECK(wish.secret);
  CHECK(wish.segment.key == w.key(5));
}

TEST_CASE("player: what has no identity, or is not for peers, is not shareable") {
  Watching w;
  SegmentLoad unknown = w.load(5);
  unknown.rendition_index = 3;
  CHECK_FALSE(w.player.wish_for(std::move(unknown)).shareable);
  SegmentLoad without_number = w.load(5);
  without_number.sn = MediaSequence(-1);
  CHECK_FALSE(w.player.wish_for(std::move(without_number)).shareable);
  SegmentLoad init = w.load(5);
  init.shareable = false;
  CHECK_FALSE(w.player.wish_for(std::move(init)).shareable);
}

TEST_CASE("player: it is idle 10 s after it was paused, or when it should have loaded the next") {
  Watching w;
  w.player.on_playhead(kStart, at(0));
  CHECK(w.player.idle_at() == kNever);
  w.player.on_playhead(after(5'000), at(5, 0));
  CHECK(w.player.idle_at() == after(10'000));
  Segment longer = part_segment(5);
  longer.span.duration = 20;
  w.player.on_load(after(6'000), longer);
  CHECK(w.player.idle_at() == after(36'000));
  CHECK(w.shelf.playhead() == 5);
}

TEST_CASE("player: the driver knows if it is live; until it has said so the tracker does") {
  Watching w;
  CHECK_FALSE(w.player.is_live());
  w.player.set_live_by_tracker(true);
  CHECK(w.player.is_live());
  CHECK_FALSE(w.player.live().has_value());
  w.player.set_live(false);
  CHECK_FALSE(w.player.is_live());
  w.player.on_presentation();
  CHECK(w.player.is_live());
}

TEST_CASE("player: the shelf hears how long a live player goes on loading") {
  Watching w;
  const std::string bytes = part_body(100);
  const Segment held = w.player.wish_for(w.load(5)).segment;
  fill_with(w.shelf.cache.begin(held, bytes.size()), bytes);
  const peer::Fields next = request_for(w.player.wish_for(w.load(6)).segment);
  w.player.on_load(kStart, held);
  CHECK_FALSE(w.shelf.is_next(kStart, next));
  w.player.set_live(true);
  CHECK(w.shelf.is_next(after(6'000), next));
  CHECK_FALSE(w.shelf.is_next(after(6'001), next));
  w.player.on_presentation();
  CHECK_FALSE(w.shelf.is_next(kStart, next));
}

TEST_CASE(
    "player: who holds a part of a segment waits for the next part of it, and for no older "
    "segment") {
  Watching w;
  const std::string bytes = part_body(100);
  SegmentLoad part = w.load(5);
  part.part = true;
  part.span.duration = 1;
  const Segment held = w.player.wish_for(SegmentLoad(part)).segment;
  fill_with(w.shelf.cache.begin(held, bytes.size()), bytes);
  w.player.set_live(true);
  w.player.on_load(kStart, held);
  part.url = "next.ts";
  CHECK(w.shelf.is_next(kStart, request_for(w.player.wish_for(SegmentLoad(part)).segment)));
  CHECK_FALSE(w.shelf.is_next(kStart, request_for(w.player.wish_for(w.load(5)).segment)));
  part.sn = MediaSequence(4);
  CHECK_FALSE(w.shelf.is_next(kStart, request_for(w.player.wish_for(std::move(part)).segment)));
}

TEST_CASE("player: a segment that a live playlist lists next may be wished for by its key") {
  Watching w;
  CHECK_FALSE(w.player.wish_for_next(kStart, w.key(6)).has_value());
  w.playlist(5);
  CHECK_FALSE(w.player.wish_for_next(kStart, w.key(6)).has_value());
  w.list(4);
  w.list(5);
  const std::optional<Wish> wish = w.player.wish_for_next(kStart, w.key(7));
  REQUIRE(wish.has_value());
  CHECK(wish->shareable);
  CHECK(wish->secret);
  CHECK_FALSE(wish->listed);
  CHECK(wish->segment.span.start == 28);
  CHECK(wish->segment.span.duration == 4);
  CHECK(w.player.wish_for_next(kStart, w.key(8)).has_value());
  CHECK_FALSE(w.player.wish_for_next(kStart, w.key(9)).has_value());
  CHECK_FALSE(w.player.wish_for_next(kStart, w.key(5)).has_value());
  CHECK_FALSE(w.player.wish_for_next(after(12'001), w.key(6)).has_value());
  CHECK_FALSE(w.player.wish_for_next(kStart, part_segment(6, "other").key).has_value());
}

TEST_CASE(
    "player: of a room that loads parts too, whoever loads segments wishes for segments next, and "
    "the other way round") {
  Watching w;
  SegmentLoad part = w.load(6);
  part.part = true;
  part.span.duration = 1;
  const SegmentKey next_part = w.player.wish_for(SegmentLoad(part)).segment.key;
  w.playlist(5);
  w.list(5);
  CHECK(w.player.wish_for_next(kStart, w.key(6)).has_value());
  CHECK_FALSE(w.player.wish_for_next(kStart, next_part).has_value());
  w.player.plan().relist();
  part.sn = MediaSequence(5);
  w.player.plan().list(w.player.wish_for(std::move(part)));
  CHECK(w.player.wish_for_next(kStart, next_part).has_value());
  CHECK_FALSE(w.player.wish_for_next(kStart, w.key(6)).has_value());
}

TEST_CASE("player: a parent is believed to have a few segments more than our playlists show") {
  Watching w;
  CHECK(w.player.newest_believable(kStart) == HUGE_VAL);
  w.playlist(10);
  CHECK(w.player.newest_believable(kStart) == 10 + kLiveSkew);
  CHECK(w.player.newest_believable(after(12'001)) == -1);
  Watching recorded;
  recorded.playlist(10, false);
  CHECK(recorded.player.newest_believable(kStart) == HUGE_VAL);
}

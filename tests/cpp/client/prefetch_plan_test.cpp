// The segments ahead of the playhead.

#include "client/player/prefetch_plan.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

std::vector<int64_t> listed(PrefetchPlan& plan) {
  std::vector<int64_t> found;
  for (const Wish& wish : plan.segments()) found.push_back(wish.segment.key.sn.value());
  return found;
}

}  // namespace

TEST_CASE("prefetch plan: the window is the player's buffer or the site's, and closes for costs") {
  PrefetchPlan plan;
  PlayerConditions conditions;
  conditions.max_buffer = 45;
  plan.set_conditions(conditions);
  CHECK(plan.window() == 45);
  CHECK(plan.beyond(4) == 6);
  plan.set_limit(20);
  CHECK(plan.window() == 20);
  CHECK(plan.beyond(4) == 0);
  CHECK_FALSE(plan.is_costly());
  for (const int which : {0, 1, 2, 3}) {
    PlayerConditions against = conditions;
    against.hidden = which == 0;
    against.loads = which != 1;
    against.save_data = which == 2;
    against.metered = which == 3;
    plan.set_conditions(against);
    CHECK(plan.window() == 0);
    CHECK(plan.is_costly() == (which >= 2));
  }
}

TEST_CASE("prefetch plan: a stretch is to be listed when a track is followed or 2 s have passed") {
  PrefetchPlan plan;
  CHECK_FALSE(plan.take_unlisted(TrackKind::kMain, 10).has_value());
  plan.follow(TrackKind::kMain, 1);
  CHECK(plan.followed(TrackKind::kMain) == 1);
  CHECK(plan.followed(TrackKind::kAudio) == -1);
  const std::optional<MediaSpan> first = plan.take_unlisted(TrackKind::kMain, 10);
  REQUIRE(first.has_value());
  CHECK(first->start == 10);
  CHECK(first->duration == plan.window() + 2);
  CHECK_FALSE(plan.take_unlisted(TrackKind::kMain, 11.9).has_value());
  CHECK(plan.take_unlisted(TrackKind::kMain, 12).has_value());
  plan.relist();
  CHECK(plan.take_unlisted(TrackKind::kMain, 12).has_value());
  // Back is as far as ahead.
  CHECK(plan.take_unlisted(TrackKind::kMain, 10).has_value());
}

TEST_CASE("prefetch plan: segments are kept by their start, of the renditions that are followed") {
  PrefetchPlan plan;
  plan.follow(TrackKind::kMain, 0);
  plan.follow(TrackKind::kAudio, 0);
  for (const int64_t sn : {5, 7, 6}) plan.list(part_wish(sn));
  Wish audio = part_wish(6);
  audio.kind = TrackKind::kAudio;
  plan.list(audio);
  CHECK(listed(plan) == std::vector<int64_t>{5, 6, 6, 7});
  Wish other = part_wish(8);
  other.rendition_index = 1;
  plan.list(other);
  Wish init = part_wish(9);
  init.shareable = false;
  plan.list(init);
  Wish text = part_wish(9);
  text.kind = TrackKind::kSubtitle;
  plan.list(text);
  CHECK(plan.segments().size() == 4);
  REQUIRE(plan.last(TrackKind::kMain) != nullptr);
  CHECK(plan.last(TrackKind::kMain)->key.sn == MediaSequence(7));
  CHECK(plan.goes_on(TrackKind::kMain, 28.05));
  CHECK_FALSE(plan.goes_on(TrackKind::kMain, 29));
  CHECK_FALSE(plan.goes_on(TrackKind::kAudio, 28));
}

TEST_CASE("prefetch plan: a track that follows another rendition forgets its segments alone") {
  PrefetchPlan plan;
  plan.follow(TrackKind::kMain, 0);
  plan.follow(TrackKind::kAudio, 0);
  plan.list(part_wish(5));
  Wish audio = part_wish(6);
  audio.kind = TrackKind::kAudio;
  plan.list(audio);
  plan.follow(TrackKind::kMain, 0);
  CHECK(plan.segments().size() == 2);
  plan.follow(TrackKind::kMain, 1);
  CHECK(listed(plan) == std::vector<int64_t>{6});
  CHECK(plan.last(TrackKind::kMain) == nullptr);
  plan.clear();
  CHECK(plan.segments().empty());
  CHECK(plan.followed(TrackKind::kAudio) == -1);
}

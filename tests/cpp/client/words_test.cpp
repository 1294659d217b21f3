// What a neighbor has said of segments.

#include "client/download/words.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

SegmentKey word(int64_t sn, const RenditionSignature& rendition = "main") {
  return part_segment(sn, rendition).key;
}

}  // namespace

TEST_CASE("words: a word is news once, and takes back a refusal that was not firm") {
  Words words;
  CHECK(words.on_word(kStart, word(5)));
  CHECK_FALSE(words.on_word(kStart, word(5)));
  CHECK(words.speaks_of(word(5)));
  CHECK_FALSE(words.speaks_of(word(6)));
  words.refuse(kStart, word(5), false);
  words.refuse(kStart, word(6), true);
  CHECK(words.refuses(kStart, word(5)));
  words.on_word(kStart, word(5));
  words.on_word(kStart, word(6));
  CHECK_FALSE(words.refuses(kStart, word(5)));
  CHECK(words.refuses(kStart, word(6)));
}

TEST_CASE(
    "words: whoever spoke of the segment before lately, and of none behind, comes to it next") {
  Words words;
  CHECK_FALSE(words.is_before(word(5), kStart));
  words.on_word(kStart, word(4));
  CHECK(words.is_before(word(5), kStart));
  CHECK_FALSE(words.is_before(word(5), after(1)));
  CHECK_FALSE(words.is_before(word(6), kStart));
  CHECK_FALSE(words.is_before(word(5, "other"), kStart));
  words.on_word(kStart, word(7, "other"));
  CHECK(words.is_before(word(5), kStart));
  words.on_word(kStart, word(5));
  CHECK_FALSE(words.is_before(word(5), kStart));
  words.on_word(kStart, word(7));
  CHECK_FALSE(words.is_before(word(6), kStart));
}

TEST_CASE("words: a refusal lasts 2 s, one for what was wrong a minute") {
  Words words;
  words.refuse(kStart, word(5), false);
  words.refuse(kStart, word(6), true);
  CHECK(words.refuses(after(1'999), word(5)));
  CHECK_FALSE(words.refuses(after(2'000), word(5)));
  CHECK(words.refuses(after(59'999), word(6)));
  CHECK_FALSE(words.refuses(after(60'000), word(6)));
}

TEST_CASE(
    "words: who speaks of live segments before our playlist does is ahead, by a second at most") {
  Words words;
  for (int64_t sn = 0; sn < 40; ++sn) {
    words.on_word(after(sn * 2'000), word(sn));
    words.on_listed(after(sn * 2'000 + 500), word(sn));
  }
  CHECK(words.ahead_ms() == Approx(500).margin(5));
  for (int64_t sn = 40; sn < 80; ++sn) {
    words.on_word(after(sn * 2'000), word(sn));
    words.on_listed(after(sn * 2'000 + 60'000), word(sn));
  }
  CHECK(words.ahead_ms() == Approx(1'000).margin(5));
  words.lose_lead();
  CHECK(words.ahead_ms() < 0);
  words.forget({});
  for (int64_t sn = 80; sn < 120; ++sn) words.on_listed(after(sn * 2'000), word(sn));
  CHECK(words.ahead_ms() == 0);
}

TEST_CASE("words: a neighbor that says ever more of them is remembered by its latest") {
  Words words;
  for (int64_t sn = 0; sn < 10'000; ++sn) {
    words.on_word(kStart, word(sn));
    words.refuse(kStart, word(sn), true);
  }
  CHECK_FALSE(words.speaks_of(word(9'000)));
  CHECK_FALSE(words.refuses(kStart, word(9'000)));
  CHECK(words.speaks_of(word(9'999)));
  CHECK(words.refuses(kStart, word(9'999)));
}

TEST_CASE("words: what belongs to another presentation of a rendition is forgotten") {
  Words words;
  words.on_word(kStart, word(5));
  words.on_word(kStart, word(5, "other"));
  words.refuse(kStart, word(6), true);
  words.forget("main");
  CHECK_FALSE(words.speaks_of(word(5)));
  CHECK_FALSE(words.refuses(kStart, word(6)));
  CHECK(words.speaks_of(word(5, "other")));
}

TEST_CASE("words: who asks us for a segment wants it, whatever it has said of it before") {
  Words words;
  words.on_word(kStart, word(5));
  CHECK_FALSE(words.wants(word(5)));
  words.on_want(kStart, word(5));
  words.on_want(kStart, word(6));
  CHECK(words.wants(word(5)));
  CHECK(words.wants(word(6)));
  CHECK_FALSE(words.wants(word(7)));
  words.forget("main");
  CHECK_FALSE(words.wants(word(5)));
}

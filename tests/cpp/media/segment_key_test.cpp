#include "media/segment_key.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace hlsmesh;

namespace {

constexpr char kPlaylist[] = "https://a.example/live/720p/index.m3u8";

struct Named {
  std::string url;
  ByteRange range;
  bool named = false;
};

SegmentKey key_of(const Named& segment, std::string_view playlist = kPlaylist) {
  SegmentFacts facts;
  facts.sn = MediaSequence(5);
  facts.url = segment.url;
  facts.playlist_url = playlist;
  facts.range = segment.range;
  facts.named = segment.named;
  return make_key("sig", facts);
}

SegmentKey key_of(const std::string& url) { return key_of(Named{url, {}}); }

// Pairs of segments that two viewers, or one viewer twice, must never confuse.
const std::vector<Named> kDistinct = {
    {"seg5.ts", {}},
    {"seg6.ts", {}},
    {"seg5.ts?part=1", {}},
    {"seg5.ts?part=2", {}},
    {"?part=1", {}},
    {"?part=2", {}},
    {"a/seg5.ts", {}},
    {"b/seg5.ts", {}},
    {"a/b/seg5.ts", {}},
    {"../seg5.ts", {}},
    {"/a/seg5.ts", {}},
    {"https://ads.example/campaign-1/seg5.ts", {}},
    {"https://ads.example/campaign-2/seg5.ts", {}},
    {"seg5.ts", {0, 100}},
    {"seg5.ts", {0, 101}},
    {"seg5.ts", {1, 101}},
    {"seg5.ts", {356260, 429204}},
    {"seg5.ts", {429204, 506096}},
    {"seg5.ts?part=1", {0, 100}},
    {"0-100", {}},
    {"~", {}},
    {"=seg5.ts", {}},
    {"dir/", {}},
    {"seg5.ts", {}, true},
    {"seg5.ts?part=1", {}, true},
    {"~seg5.ts", {}, true},
    {"=seg5.ts", {}, true},
    {" ", {}, true},
    {std::string(1200, 'a') + ".ts", {}},
    {std::string(1200, 'a') + ".m4s", {}},
    {std::string(120, 'a'), {}},
    {std::string(121, 'a'), {}},
    {std::string(5000, 'a'), {}, true},
};

}  // namespace

TEST_CASE("A segment's key differs with each part of its name") {
  std::set<std::string> seen;
  for (const Named& segment : kDistinct) {
    INFO(segment.url.substr(0, 60) << ' ' << segment.range.to_string());
    CHECK(seen.insert(key_of(segment).rendition).second);
  }
}

TEST_CASE("a part's key differs from that of a segment of its name, and says that it is one") {
  for (const bool named : {false, true}) {
    SegmentFacts facts;
    facts.sn = MediaSequence(5);
    facts.url = "seg5.ts";
    facts.playlist_url = kPlaylist;
    facts.named = named;
    facts.live = true;
    facts.date_time = 1.7e12;
    const SegmentKey whole = make_key("sig", facts);
    facts.part = true;
    const SegmentKey part = make_key("sig", facts);
    CHECK_FALSE(part == whole);
    CHECK(is_part(part));
    CHECK_FALSE(is_part(whole));
    CHECK(key_of(part.rendition, part.sn) == part);
    // Who holds one of its parts may get the others, but hardly the segment any more.
    CHECK(is_behind(whole, MediaSequence(5)));
    CHECK_FALSE(is_behind(part, MediaSequence(5)));
    CHECK(is_behind(part, MediaSequence(6)));
    CHECK_FALSE(is_behind(whole, MediaSequence(4)));
  }
  CHECK_FALSE(is_part(SegmentKey{"", MediaSequence(5)}));
}

TEST_CASE("A key fits into a message, whatever the names, and tells where the rendition ends") {
  for (const Named& segment : kDistinct) {
    const SegmentKey key = key_of(segment);
    CHECK(key.rendition.size() <= std::string("sig ").size() + kMaxNameBytes + 33 + 33 + 42);
    CHECK(key.rendition.substr(0, 4) == std::string("sig") + kNameMark);
  }
}

TEST_CASE("Hosts make no difference, nor does an absolute spelling") {
  const SegmentKey relative = key_of("x/seg5.ts?part=1");
  CHECK(key_of("/live/720p/x/seg5.ts?part=1") == relative);
  CHECK(key_of("https://a.example/live/720p/x/seg5.ts?part=1") == relative);
  CHECK(key_of("//b.example:81/live/720p/x/seg5.ts?part=1") == relative);
  CHECK(key_of({"https://c.example/v/x/seg5.ts?part=1", {}}, "https://c.example/v/i.m3u8") ==
        relative);
  CHECK_FALSE(key_of("https://b.example/720p/x/seg5.ts?part=1") == relative);
}

TEST_CASE("C7: a long name is a digest, the same for all") {
  const std::string name(1200, 'n');
  CHECK(key_of(name + ".ts") == key_of("https://b.example/live/720p/" + name + ".ts"));
  // Single bytes anywhere count, and so does their order.
  std::set<std::string> seen;
  for (size_t i = 0; i < 1200; ++i) {
    std::string other = name;
    other[i] = 'm';
    seen.insert(key_of(other).rendition);
  }
  std::string swapped = "ab" + name;
  seen.insert(key_of(swapped).rendition);
  std::swap(swapped[0], swapped[1]);
  seen.insert(key_of(swapped).rendition);
  CHECK(seen.size() == 1202);
}

TEST_CASE("D7: the plain name holds nothing of host, directory or query, and is never empty") {
  CHECK(plain_name(key_of("seg5.ts")) == "seg5.ts");
  CHECK(plain_name(key_of("https://me:pw@a.example/u/4711/seg5.ts?part=secret")) == "seg5.ts");
  CHECK(plain_name(key_of({"seg5.ts?part=1", {0, 100}})) == "seg5.ts");
  for (const Named& segment : kDistinct) {
    const SegmentKey key = key_of(segment);
    CHECK_FALSE(plain_name(key).empty());
    if (segment.named) continue;
    CHECK(plain_name(key).find_first_of("?/#") == std::string_view::npos);
    CHECK(key.rendition.find("example") == std::string::npos);
    CHECK(key.rendition.find("part") == std::string::npos);
    CHECK(key.rendition.find("campaign") == std::string::npos);
  }
}

TEST_CASE("A4: the date of a segment, and whether it is live, tell broadcasts of one name apart") {
  SegmentFacts facts;
  facts.sn = MediaSequence(5);
  facts.url = "seg5.ts";
  const auto key = [&](double date_time, bool live = true) {
    facts.date_time = date_time;
    facts.live = live;
    return make_key("sig", facts);
  };
  constexpr double kNoon = 1'700'000'040'000;
  // Of one broadcast whatever tag a viewer reckons from: whole seconds lie within 0.3 s of no
  // boundary, so that rounding of that size is of no account.
  for (int64_t second = 0; second < 100; ++second) {
    const double date = kNoon + static_cast<double>(second) * 1000;
    CHECK(key(date) == key(date - 250));
    CHECK(key(date) == key(date + 250));
  }
  for (const double later : {10'000.0, 3'600'000.0, 86'400'000.0}) {
    CHECK_FALSE(key(kNoon) == key(kNoon + later));
  }
  CHECK_FALSE(key(kNoon) == key(0));
  CHECK_FALSE(key(0, true) == key(0, false));
  for (const double none : {-1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(key(none) == key(0));
  }
  CHECK(plain_name(key(kNoon)) == "seg5.ts");
  // An id of the site's own says all there is to say.
  facts.named = true;
  CHECK(key(kNoon) == key(0, false));
}

TEST_CASE("Without a rendition there is no identity") {
  SegmentFacts facts;
  facts.sn = MediaSequence(5);
  facts.url = "seg5.ts";
  CHECK(make_key("", facts).rendition.empty());
}

TEST_CASE("A byte range says how long its body is") {
  Segment segment;
  CHECK(segment.may_have(1));
  segment.range = {356260, 429204};
  CHECK(segment.may_have(72'944));
  CHECK_FALSE(segment.may_have(76'892));
  CHECK(segment.range.to_string() == "356260-429204");
}

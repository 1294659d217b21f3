#include "media/rendition.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

using namespace hlsmesh;

namespace {

// A tag of the multivariant playlist, or the player's idea of it.
struct Tag {
  TrackKind kind = TrackKind::kMain;
  int32_t index = 0;
  int32_t bitrate = 0;
  std::string codecs;
  std::string resolution;
  std::string language;
  std::string group;
  std::string name;
  std::string stable_id;
  std::string playlist_url;

  operator RenditionFacts() const {
    const std::string attributes =
        codecs + '\n' + resolution + '\n' + language + '\n' + group + '\n' + name + '\n';
    return {kind, index, bitrate, attributes, stable_id, playlist_url};
  }
};

constexpr char kMaster[] = "https://a.example/v/1/master.m3u8";

Tag level(int32_t index, std::string playlist_url, int32_t bitrate = 1) {
  Tag facts;
  facts.index = index;
  facts.bitrate = bitrate;
  facts.resolution = "1280x720";
  facts.codecs = "avc1.64001f,mp4a.40.2";
  facts.playlist_url = std::move(playlist_url);
  return facts;
}

Tag audio(int32_t index, std::string name, std::string playlist_url) {
  Tag facts;
  facts.kind = TrackKind::kAudio;
  facts.index = index;
  facts.name = std::move(name);
  facts.group = "stereo";
  facts.language = "en";
  facts.playlist_url = std::move(playlist_url);
  return facts;
}

Tag bare(int32_t index, std::string playlist_url) {
  Tag facts;
  facts.index = index;
  facts.bitrate = 331'676;
  facts.playlist_url = std::move(playlist_url);
  return facts;
}

// Of the first of `own` where `source` lists `listed`, and hls.js has `own`.
RenditionSignature signature_of(Tag own, const std::string& source = kMaster,
                                std::vector<Tag> listed = {}) {
  ChannelRenditions renditions;
  renditions.clear(source);
  const TrackKind kind = own.kind;
  const int32_t index = own.index;
  renditions.add(own);
  for (Tag& facts : listed) {
    facts.index = -1;
    renditions.add(facts);
  }
  return renditions.signature(kind, index);
}

std::string place_of(Tag own, const std::string& source = kMaster) {
  ChannelRenditions renditions;
  renditions.clear(source);
  const TrackKind kind = own.kind;
  const int32_t index = own.index;
  renditions.add(own);
  return renditions.place(kind, index);
}

bool goes_on_the_wire(const RenditionSignature& signature) {
  return !signature.empty() && signature.size() <= 560 &&
         std::all_of(signature.begin(), signature.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

TEST_CASE("C1: no measured number and no index is in a signature") {
  const auto one = signature_of(level(0, "https://a.example/v/1/720/i.m3u8", 331'676));
  CHECK(signature_of(level(3, "https://a.example/v/1/720/i.m3u8", 347'514)) == one);
  CHECK(signature_of(level(3, "https://a.example/v/1/720/i.m3u8", 0)) == one);
  const auto without = signature_of(bare(0, "https://a.example/v/1/720/i.m3u8"));
  auto measured = bare(2, "https://a.example/v/1/720/i.m3u8");
  measured.bitrate = 347'514;
  CHECK(signature_of(measured) == without);
}

TEST_CASE("A signature is the same below whatever host, directory or token") {
  const auto one = signature_of(level(0, "https://a.example/v/1/720/i.m3u8"));
  CHECK(signature_of(level(0, "http://b.example:81/tok-bbb/x/720/i.m3u8"),
                     "http://b.example:81/tok-bbb/x/m.m3u8") == one);
  // The master playlist and its media playlists on hosts of their own.
  CHECK(signature_of(level(0, "https://cdn-2.example/v/1/720/i.m3u8")) == one);
  CHECK(signature_of(level(0, "/720/i.m3u8"), "https://c.example/master.m3u8") == one);
}

TEST_CASE("A signature differs with every single fact that the author wrote") {
  const Tag base = level(0, "https://a.example/v/1/720/i.m3u8");
  std::set<RenditionSignature> seen{signature_of(base)};
  const auto differs = [&](auto change) {
    Tag facts = base;
    change(facts);
    return seen.insert(signature_of(facts)).second;
  };
  CHECK(differs([](Tag& f) { f.kind = TrackKind::kAudio; }));
  CHECK(differs([](Tag& f) { f.kind = TrackKind::kSubtitle; }));
  CHECK(differs([](Tag& f) { f.codecs = "x"; }));
  CHECK(differs([](Tag& f) { f.codecs = ""; }));
  CHECK(differs([](Tag& f) { f.resolution = "1920x1080"; }));
  CHECK(differs([](Tag& f) { f.name = "x"; }));
  CHECK(differs([](Tag& f) { f.language = "x"; }));
  CHECK(differs([](Tag& f) { f.group = "x"; }));
  CHECK(differs([](Tag& f) { f.stable_id = "x"; }));
  CHECK(differs([](Tag& f) { f.playlist_url = "https://a.example/v/1/1080/i.m3u8"; }));
  CHECK(differs([](Tag& f) { f.playlist_url = "https://a.example/v/1/i.m3u8"; }));
  CHECK(differs([](Tag& f) { f.playlist_url = "https://a.example/v/2/720/i.m3u8"; }));
  CHECK(differs([](Tag& f) { f.playlist_url = "https://a.example/720/i.m3u8"; }));
  CHECK(differs([](Tag& f) { f.playlist_url += "?quality=1"; }));
  CHECK(differs([](Tag& f) { f.playlist_url += "?quality=2"; }));
  // Of text that looks like something else nothing is taken for it.
  for (const char* text :
       {"/", "a/", "/a", "a/b", "%2f", "%252f", "~",    "~0", "%7e", "%",       "%%",
        "=", "=x", "\\", "\"",  "-",   "0",     "\xff", " ",  "  ",  "\xc3\xa9"}) {
    INFO(text);
    CHECK(differs([&](Tag& f) { f.codecs = text; }));
    CHECK(differs([&](Tag& f) { f.name = text; }));
    CHECK(differs([&](Tag& f) { f.language = text; }));
    CHECK(differs([&](Tag& f) { f.stable_id = text; }));
    CHECK(differs(
        [&](Tag& f) { f.playlist_url = std::string("https://a.example/v/1/x") + text + ".m3u8"; }));
  }
}

TEST_CASE("Which other renditions there are changes nothing") {
  const auto own = level(0, "https://a.example/v/1/angle1/720.m3u8");
  const auto alone = signature_of(own);
  CHECK(signature_of(own, kMaster, {own}) == alone);
  CHECK(signature_of(own, kMaster, {level(1, "https://a.example/v/1/angle2/720.m3u8"), own}) ==
        alone);
  CHECK(signature_of(own, kMaster, {level(1, "https://a.example/v/1/low.m3u8", 2), own}) == alone);
  CHECK(signature_of(level(1, "https://a.example/v/1/angle2/720.m3u8"), kMaster, {own}) != alone);
}

TEST_CASE("An only rendition of which the author wrote nothing is told apart by its whole path") {
  // Masters of one variant each, in directories of their own, under one name for the channel.
  const auto low = signature_of(bare(0, "https://a.example/v/720p/index.m3u8"),
                                "https://a.example/v/720p/master.m3u8");
  const auto high = signature_of(bare(0, "https://a.example/v/1080p/index.m3u8"),
                                 "https://a.example/v/1080p/master.m3u8");
  CHECK(low != high);
  CHECK(signature_of(bare(0, "http://b.example/v/720p/index.m3u8"),
                     "http://b.example/v/720p/master.m3u8") == low);
  // Of several, the paths below the master do, whatever stands above.
  const auto here = signature_of(bare(0, "https://a.example/session-1/v/low.m3u8"),
                                 "https://a.example/session-1/v/master.m3u8",
                                 {bare(0, "https://a.example/session-1/v/low.m3u8"),
                                  bare(1, "https://a.example/session-1/v/high.m3u8")});
  const auto there = signature_of(bare(1, "https://a.example/session-2/v/low.m3u8"),
                                  "https://a.example/session-2/v/master.m3u8",
                                  {bare(0, "https://a.example/session-2/v/low.m3u8"),
                                   bare(1, "https://a.example/session-2/v/high.m3u8")});
  CHECK(here == there);
}

TEST_CASE("C5: a media playlist that is played without its master lies at the same place") {
  const std::string media = "https://a.example/v/1/720p/index.m3u8";
  const std::string other_host = "http://127.0.0.1:81/v/1/720p/index.m3u8";
  CHECK(place_of(level(2, media)) == place_of(bare(0, media), media));
  CHECK(place_of(level(2, media)) == place_of(bare(0, other_host), other_host));
  CHECK(place_of(audio(1, "English", media)) == place_of(bare(0, media), media));
  // And with a master that says nothing of it, it is the same rendition at once.
  CHECK(signature_of(bare(2, media)) == signature_of(bare(0, other_host), other_host));

  for (const char* another : {
           "https://a.example/v/1/1080p/index.m3u8",  // a name that comes again
           "https://a.example/v/2/720p/index.m3u8",
           "https://a.example/x/v/1/720p/index.m3u8",
           "https://a.example/720p/index.m3u8",
           "https://a.example/index.m3u8",
           "https://a.example/v/1/720p/index.m3u8?quality=high",
       }) {
    INFO(another);
    CHECK(place_of(level(2, media)) != place_of(bare(0, another), another));
    CHECK(signature_of(bare(0, media), media) != signature_of(bare(0, another), another));
  }
}

TEST_CASE("Redundant streams and pathways on several hosts have one signature") {
  const auto here = level(0, "https://cdn-1.example/x/720.m3u8");
  const auto there = level(1, "https://cdn-2.example/y/z/720.m3u8");
  const auto other = level(2, "https://cdn-2.example/y/z/1080.m3u8", 2);
  CHECK(signature_of(there, kMaster, {here, other, there}) ==
        signature_of(here, kMaster, {here, other, there}));
  CHECK(signature_of(other, kMaster, {here, other, there}) !=
        signature_of(here, kMaster, {here, other, there}));
  // One of them below the master playlist.
  const auto below = level(0, "https://a.example/v/1/720.m3u8");
  CHECK(signature_of(there, kMaster, {below, there}) == signature_of(below));
  // A pathway that was cloned is in no list.
  const auto clone = level(3, "https://cdn-3.example/x/720.m3u8");
  CHECK(signature_of(clone, kMaster, {here, there}) == signature_of(here, kMaster, {here, there}));

  SECTION("but angles on one host are told apart, and so are their copies") {
    const std::vector<Tag> angles = {level(0, "https://cdn-1.example/a1/720.m3u8"),
                                     level(1, "https://cdn-1.example/a2/720.m3u8"),
                                     level(2, "https://cdn-2.example/b2/720.m3u8"),
                                     level(3, "https://cdn-2.example/b1/720.m3u8")};
    std::set<RenditionSignature> seen;
    for (const Tag& angle : angles) seen.insert(signature_of(angle, kMaster, angles));
    CHECK(seen.size() == 4);
  }
  SECTION("and so are those that one parameter selects") {
    const std::vector<Tag> angles = {level(0, "https://cdn-1.example/720.m3u8?angle=1"),
                                     level(1, "https://cdn-1.example/720.m3u8?angle=2")};
    CHECK(signature_of(angles[0], kMaster, angles) != signature_of(angles[1], kMaster, angles));
  }
}

TEST_CASE("A stable id is as good as a path") {
  auto here = level(0, "https://cdn-1.example/x/720.m3u8?session=1");
  auto there = level(1, "https://cdn-2.example/y/new-name.m3u8?session=2", 77);
  here.stable_id = there.stable_id = "v720";
  CHECK(signature_of(here) == signature_of(there));
  there.stable_id = "v1080";
  CHECK(signature_of(here) != signature_of(there));
}

TEST_CASE("One language in several audio groups is told apart") {
  const auto one = audio(0, "English", "https://a.example/v/1/audio/64k/en.m3u8");
  auto two = audio(1, "English", "https://a.example/v/1/audio/128k/en.m3u8");
  CHECK(signature_of(one, kMaster, {one, two}) != signature_of(two, kMaster, {one, two}));
  two.group = "surround";
  CHECK(signature_of(one, kMaster, {one, two}) != signature_of(two, kMaster, {one, two}));
  // One playlist in two groups is at one place.
  two.playlist_url = one.playlist_url;
  CHECK(place_of(one) == place_of(two));
}

TEST_CASE("A signature is short and plain ASCII whatever the playlist says") {
  auto facts = level(0, "");
  const size_t length =
      GENERATE(size_t{1}, size_t{26}, size_t{27}, size_t{80}, size_t{81}, size_t{100000});
  const char byte = GENERATE('x', '"', '\\', '\0', '\xff');
  facts.codecs = facts.name = facts.language = facts.group = facts.resolution =
      std::string(length, byte);
  const std::string path = "https://a.example/v/1/" + std::string(length, byte);
  facts.playlist_url = path + "x.m3u8?a=" + std::string(length, byte);
  const auto one = signature_of(facts);
  CHECK(goes_on_the_wire(one));
  facts.playlist_url = path + "y.m3u8?a=" + std::string(length, byte);
  CHECK(signature_of(facts) != one);
  facts.stable_id = std::string(length, byte);
  CHECK(goes_on_the_wire(signature_of(facts)));
  CHECK(goes_on_the_wire(signature_of(facts, "")));
}

TEST_CASE("Long texts that differ in one byte still differ") {
  auto facts = level(0, "https://a.example/v/1/720.m3u8");
  std::set<RenditionSignature> seen;
  for (size_t i = 0; i < 300; ++i) {
    facts.name = std::string(300, 'a');
    facts.name[i] = 'b';
    seen.insert(signature_of(facts));
  }
  CHECK(seen.size() == 300);
}

TEST_CASE("An unknown rendition has an empty signature, and clear() forgets all") {
  ChannelRenditions renditions;
  renditions.clear(kMaster);
  CHECK(renditions.signature(TrackKind::kMain, 0).empty());
  renditions.add(level(0, "https://a.example/1.m3u8"));
  CHECK_FALSE(renditions.signature(TrackKind::kMain, 0).empty());
  CHECK_FALSE(renditions.place(TrackKind::kMain, 0).empty());
  CHECK(renditions.signature(TrackKind::kAudio, 0).empty());
  CHECK(renditions.signature(TrackKind::kMain, 1).empty());
  CHECK(renditions.signature(TrackKind::kMain, -1).empty());
  renditions.clear(kMaster);
  CHECK(renditions.signature(TrackKind::kMain, 0).empty());
  CHECK(renditions.place(TrackKind::kMain, 0).empty());
  CHECK_FALSE(renditions.url_is_unique("/a.ts"));
}

TEST_CASE("A rendition without a playlist has no identity") {
  CHECK(signature_of(audio(0, "English", "")).empty());
}

TEST_CASE("A rendition added again under its index takes the place of the first") {
  ChannelRenditions renditions;
  renditions.clear(kMaster);
  renditions.add(level(0, "https://a.example/a/1.m3u8"));
  const auto before = renditions.signature(TrackKind::kMain, 0);
  renditions.add(level(1, "https://a.example/b/1.m3u8"));
  renditions.add(level(0, "https://a.example/b/2.m3u8"));
  CHECK(renditions.signature(TrackKind::kMain, 0) != before);
  CHECK(renditions.url_is_unique("1.ts"));
}

TEST_CASE("A track without a playlist does not disturb the uniqueness of URLs") {
  ChannelRenditions renditions;
  renditions.add(audio(0, "English", ""));
  CHECK_FALSE(renditions.url_is_unique("1.ts"));
  renditions.add(audio(1, "English", "https://a.example/en.m3u8"));
  renditions.add(level(0, "https://a.example/1.m3u8"));
  renditions.add(level(-1, "https://b.example/elsewhere/1.m3u8"));
  CHECK(renditions.url_is_unique("1.ts"));
}

TEST_CASE("What is merely listed makes no URL unique") {
  ChannelRenditions renditions;
  renditions.add(level(-1, "https://a.example/a/1.m3u8"));
  CHECK_FALSE(renditions.url_is_unique("/1.ts"));
}

TEST_CASE("An absolute URL or path is unique as soon as there is a rendition") {
  ChannelRenditions renditions;
  const std::string url =
      GENERATE("https://a.example/1.ts", "//a.example/1.ts", "/1.ts", "HTTP:/x", "/");
  CHECK_FALSE(renditions.url_is_unique(url));
  renditions.add(level(0, "https://a.example/a/1.m3u8"));
  renditions.add(level(1, "https://a.example/b/1.m3u8"));
  CHECK(renditions.url_is_unique(url));
}

TEST_CASE("A relative URL is unique only if all playlists share one directory") {
  const std::string url = GENERATE("1.ts", "../x/1.ts", "./1.ts", "1.ts?u=https://x/", "a/b:c.ts");
  ChannelRenditions renditions;
  CHECK_FALSE(renditions.url_is_unique(url));
  renditions.add(level(0, "https://a.example/v/low.m3u8?token=a/b"));
  CHECK(renditions.url_is_unique(url));
  renditions.add(level(1, "https://b.example/v/high.m3u8#x/y"));
  CHECK(renditions.url_is_unique(url));
  renditions.add(audio(0, "English", "https://a.example/v/audio/en.m3u8"));
  CHECK_FALSE(renditions.url_is_unique(url));
}

TEST_CASE("A reference to the playlist itself is not unique") {
  ChannelRenditions renditions;
  renditions.add(level(0, "https://a.example/v/low.m3u8"));
  renditions.add(level(1, "https://a.example/v/high.m3u8"));
  CHECK_FALSE(renditions.url_is_unique("?part=1"));
  CHECK_FALSE(renditions.url_is_unique(""));
  CHECK_FALSE(renditions.url_is_unique("#x"));
}

#include "media/rendition.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace hlsmesh;

namespace {

RenditionFacts level(int32_t index, int32_t bitrate, std::string playlist_url) {
  RenditionFacts facts;
  facts.index = index;
  facts.bitrate = bitrate;
  facts.width = 1280;
  facts.height = 720;
  facts.codecs = "avc1.64001f,mp4a.40.2";
  facts.playlist_url = std::move(playlist_url);
  return facts;
}

RenditionFacts audio(int32_t index, std::string name, std::string playlist_url) {
  RenditionFacts facts;
  facts.kind = TrackKind::kAudio;
  facts.index = index;
  facts.name = std::move(name);
  facts.language = "en";
  facts.playlist_url = std::move(playlist_url);
  return facts;
}

// The signatures of main renditions with equal attributes, in the order of their playlists.
std::vector<RenditionSignature> signatures_of(const std::vector<std::string>& playlists) {
  ChannelRenditions renditions;
  int32_t index = 0;
  for (const std::string& url : playlists) renditions.add(level(index++, 1, url));
  std::vector<RenditionSignature> out;
  for (int32_t i = 0; i < index; ++i) out.push_back(renditions.signature(TrackKind::kMain, i));
  return out;
}

bool goes_on_the_wire(const RenditionSignature& signature) {
  return !signature.empty() && signature.size() <= 400 &&
         std::all_of(signature.begin(), signature.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

TEST_CASE("A signature leaves out what differs between viewers: index and URL") {
  CHECK(make_signature(level(0, 2500000, "https://a.example/x/720.m3u8?token=1")) ==
        make_signature(level(3, 2500000, "https://b.example/y/720.m3u8?token=2")));
}

TEST_CASE("A signature differs with every single fact") {
  RenditionFacts base;
  std::set<RenditionSignature> seen{make_signature(base)};
  const auto differs = [&seen, &base](auto change) {
    RenditionFacts facts = base;
    change(facts);
    return seen.insert(make_signature(facts)).second;
  };
  CHECK(differs([](RenditionFacts& f) { f.kind = TrackKind::kAudio; }));
  CHECK(differs([](RenditionFacts& f) { f.kind = TrackKind::kSubtitle; }));
  CHECK(differs([](RenditionFacts& f) { f.bitrate = 1; }));
  CHECK(differs([](RenditionFacts& f) { f.bitrate = -1; }));
  CHECK(differs([](RenditionFacts& f) { f.width = 1; }));
  CHECK(differs([](RenditionFacts& f) { f.height = 1; }));
  CHECK(differs([](RenditionFacts& f) { f.codecs = "x"; }));
  CHECK(differs([](RenditionFacts& f) { f.name = "x"; }));
  CHECK(differs([](RenditionFacts& f) { f.language = "x"; }));
}

TEST_CASE("Text that looks like a delimiter, an escape or a hash collides with nothing") {
  const std::vector<std::string> texts = {
      "",   "/",  "a",  "a/", "/a", "a/b", "%2f",  "%252f", "~",  "~0",       "%7e",         "%",
      "%%", "\n", "\\", "\"", "-",  "0",   "\xff", " ",     "  ", "\xc3\xa9", "\xef\xbf\xbd"};
  std::set<RenditionSignature> seen;
  size_t made = 0;
  for (const std::string& codecs : texts) {
    for (const std::string& name : texts) {
      for (const std::string& language : texts) {
        RenditionFacts facts;
        facts.codecs = codecs;
        facts.name = name;
        facts.language = language;
        seen.insert(make_signature(facts));
        ++made;
      }
    }
  }
  CHECK(seen.size() == made);
}

TEST_CASE("A signature is short and plain ASCII whatever the playlist says") {
  RenditionFacts facts;
  facts.bitrate = std::numeric_limits<int32_t>::min();
  facts.width = std::numeric_limits<int32_t>::min();
  facts.height = std::numeric_limits<int32_t>::min();
  const size_t length =
      GENERATE(size_t{0}, size_t{26}, size_t{27}, size_t{80}, size_t{81}, size_t{100000});
  const char byte = GENERATE('x', '"', '\\', '\0', '\xff');
  facts.codecs = facts.name = facts.language = std::string(length, byte);
  CHECK(goes_on_the_wire(make_signature(facts)));

  ChannelRenditions renditions;
  facts.playlist_url = "https://a.example/" + std::string(length, 'x') + "/1.m3u8";
  facts.index = 1;
  renditions.add(facts);
  facts.playlist_url = "https://a.example/" + std::string(length, 'y') + "/1.m3u8";
  facts.index = 2;
  renditions.add(facts);
  const auto one = renditions.signature(TrackKind::kMain, 1);
  const auto two = renditions.signature(TrackKind::kMain, 2);
  CHECK(goes_on_the_wire(one));
  if (length > 0) CHECK(one != two);
}

TEST_CASE("Long texts that differ in one byte still differ") {
  RenditionFacts facts;
  std::set<RenditionSignature> seen;
  for (size_t i = 0; i < 300; ++i) {
    facts.name = std::string(300, 'a');
    facts.name[i] = 'b';
    seen.insert(make_signature(facts));
  }
  CHECK(seen.size() == 300);
}

TEST_CASE("An unknown rendition has an empty signature, and clear() forgets all") {
  ChannelRenditions renditions;
  CHECK(renditions.signature(TrackKind::kMain, 0).empty());
  renditions.add(level(0, 1, "https://a.example/1.m3u8"));
  CHECK_FALSE(renditions.signature(TrackKind::kMain, 0).empty());
  CHECK(renditions.signature(TrackKind::kAudio, 0).empty());
  CHECK(renditions.signature(TrackKind::kMain, 1).empty());
  renditions.clear();
  CHECK(renditions.signature(TrackKind::kMain, 0).empty());
  CHECK_FALSE(renditions.url_is_unique("/a.ts"));
}

TEST_CASE("A rendition added again under its index takes the place of the first") {
  ChannelRenditions renditions;
  renditions.add(level(0, 1, "https://a.example/a/1.m3u8"));
  renditions.add(level(1, 1, "https://a.example/b/1.m3u8"));
  renditions.add(level(0, 2, "https://a.example/b/2.m3u8"));
  CHECK(renditions.signature(TrackKind::kMain, 0) == make_signature(level(0, 2, "")));
  CHECK(renditions.signature(TrackKind::kMain, 1) == make_signature(level(1, 1, "")));
  CHECK(renditions.url_is_unique("1.ts"));
}

TEST_CASE("Renditions that differ in their facts carry nothing of their URLs") {
  ChannelRenditions renditions;
  renditions.add(level(0, 1, "https://a.example/token123/low.m3u8"));
  renditions.add(level(1, 2, "https://a.example/token123/high.m3u8"));
  CHECK(renditions.signature(TrackKind::kMain, 0) == make_signature(level(0, 1, "")));
  CHECK(renditions.signature(TrackKind::kMain, 1) == make_signature(level(0, 2, "")));
}

TEST_CASE("Alternate angles are told apart the same way whatever host, prefix or token") {
  const auto here = signatures_of({"https://a.example/v/1/angle1/720.m3u8?token=aaa",
                                   "https://a.example/v/1/angle2/720.m3u8?token=aaa"});
  CHECK(here[0] != here[1]);
  const auto there = signatures_of({"http://b.example:81/tok-bbb/x/y/angle1/720.m3u8",
                                    "http://b.example:81/tok-bbb/x/y/angle2/720.m3u8#f"});
  CHECK(here == there);
  const auto files = signatures_of({"https://a.example/one.m3u8", "https://a.example/two.m3u8"});
  CHECK(files[0] != files[1]);
  const auto nested = signatures_of(
      {"https://a.example/v/", "https://a.example/v/720.m3u8", "https://a.example/v/x/720.m3u8"});
  CHECK(std::set(nested.begin(), nested.end()).size() == 3);
}

TEST_CASE("One language in several audio groups is told apart") {
  ChannelRenditions renditions;
  renditions.add(audio(0, "English", "https://a.example/audio/64k/en.m3u8"));
  renditions.add(audio(1, "English", "https://a.example/audio/128k/en.m3u8"));
  renditions.add(audio(2, "Commentary", "https://a.example/audio/64k/comment.m3u8"));
  CHECK(renditions.signature(TrackKind::kAudio, 0) != renditions.signature(TrackKind::kAudio, 1));
  CHECK(renditions.signature(TrackKind::kAudio, 2) == make_signature(audio(0, "Commentary", "")));
}

TEST_CASE("Neither the order of adding nor the player's indices change a signature") {
  const std::vector<std::string> urls = {
      "https://a.example/x/1/v.m3u8?q=1", "https://a.example/x/2/v.m3u8?q=1",
      "https://a.example/x/2/v.m3u8?q=2", "https://b.example/x/2/w.m3u8"};
  const auto forth = signatures_of(urls);
  auto back = signatures_of({urls.rbegin(), urls.rend()});
  std::reverse(back.begin(), back.end());
  CHECK(forth == back);
  CHECK(std::set(forth.begin(), forth.end()).size() == 4);
}

TEST_CASE("A signature asked for between two adds is brought up to date") {
  ChannelRenditions renditions;
  renditions.add(level(0, 1, "https://a.example/a/1.m3u8"));
  const auto alone = renditions.signature(TrackKind::kMain, 0);
  renditions.add(level(1, 1, "https://a.example/b/1.m3u8"));
  CHECK(renditions.signature(TrackKind::kMain, 0) != alone);
}

TEST_CASE("Redundant streams listed as levels of their own share one signature") {
  const auto same = signatures_of(
      {"https://a.example/v/720.m3u8?token=1", "https://b.example/v/720.m3u8?token=2"});
  CHECK(same[0] == same[1]);
  CHECK(same[0] == make_signature(level(0, 1, "")));
  const auto twice =
      signatures_of({"https://a.example/v/720.m3u8", "https://a.example/v/720.m3u8"});
  CHECK(twice[0] == twice[1]);
}

TEST_CASE("Playlists that differ only in a query parameter are told apart, tokens aside") {
  const auto here = signatures_of(
      {"https://a.example/p.m3u8?token=aaa&angle=1", "https://a.example/p.m3u8?token=aaa&angle=2"});
  CHECK(here[0] != here[1]);
  const auto there = signatures_of({"https://b.example/x/p.m3u8?angle=1&&token=bbb",
                                    "https://b.example/x/p.m3u8?angle=2&&token=bbb"});
  CHECK(here == there);
  const auto bare = signatures_of({"https://a.example/p.m3u8", "https://a.example/p.m3u8?angle=2"});
  CHECK(bare[0] != bare[1]);
}

TEST_CASE("A track without a playlist neither disturbs signatures nor the uniqueness of URLs") {
  ChannelRenditions renditions;
  renditions.add(audio(0, "English", ""));
  CHECK_FALSE(renditions.url_is_unique("1.ts"));
  renditions.add(audio(1, "English", "https://a.example/en.m3u8"));
  renditions.add(level(0, 1, "https://a.example/1.m3u8"));
  CHECK(renditions.signature(TrackKind::kAudio, 0) == make_signature(audio(0, "English", "")));
  CHECK(renditions.signature(TrackKind::kAudio, 1) == make_signature(audio(0, "English", "")));
  CHECK(renditions.url_is_unique("1.ts"));
}

TEST_CASE("An absolute URL or path is unique as soon as there is a rendition") {
  ChannelRenditions renditions;
  const std::string url =
      GENERATE("https://a.example/1.ts", "//a.example/1.ts", "/1.ts", "HTTP:/x", "/");
  CHECK_FALSE(renditions.url_is_unique(url));
  renditions.add(level(0, 1, "https://a.example/a/1.m3u8"));
  renditions.add(level(1, 2, "https://a.example/b/1.m3u8"));
  CHECK(renditions.url_is_unique(url));
}

TEST_CASE("A relative URL is unique only if all playlists share one directory") {
  const std::string url = GENERATE("1.ts", "../x/1.ts", "./1.ts", "1.ts?u=https://x/", "a/b:c.ts");
  ChannelRenditions renditions;
  CHECK_FALSE(renditions.url_is_unique(url));
  renditions.add(level(0, 1, "https://a.example/v/low.m3u8?token=a/b"));
  CHECK(renditions.url_is_unique(url));
  renditions.add(level(1, 2, "https://b.example/v/high.m3u8#x/y"));
  CHECK(renditions.url_is_unique(url));
  renditions.add(audio(0, "English", "https://a.example/v/audio/en.m3u8"));
  CHECK_FALSE(renditions.url_is_unique(url));
}

TEST_CASE("A reference to the playlist itself is not unique") {
  ChannelRenditions renditions;
  renditions.add(level(0, 1, "https://a.example/v/low.m3u8"));
  renditions.add(level(1, 2, "https://a.example/v/high.m3u8"));
  CHECK_FALSE(renditions.url_is_unique("?part=1"));
  CHECK_FALSE(renditions.url_is_unique(""));
  CHECK_FALSE(renditions.url_is_unique("#x"));
}

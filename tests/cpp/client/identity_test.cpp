// What a segment is, towards peers: its range, its name, and what of its URL is said.

#include "media/rendition.hpp"
#include "parent_room.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

SegmentLoad segment(std::string url, ByteRange range = {}) {
  SegmentLoad what;
  what.sn = MediaSequence(6);
  what.url = std::move(url);
  what.span = {24, 4};
  what.range = range;
  return what;
}

struct Room : ParentRoom {
  explicit Room(bool extended = true) : ParentRoom(extended) {}

  // The request that the load causes.
  peer::Request request(int32_t id, const SegmentLoad& what) {
    h.load(id, what);
    h.drain();
    const auto requests = h.sent<peer::Request>(parent);
    REQUIRE(!requests.empty());
    return requests.back();
  }
  void from_cdn(int32_t id, SegmentLoad what, const std::string& bytes) {
    what.from_cdn = true;
    h.load(id, what);
    h.fetch_done(id, bytes);
  }
};

}  // namespace

TEST_CASE("A7: a byte range of another length never reaches the player") {
  for (const bool extended : {true, false}) {
    INFO((extended ? "a parent of hlsmesh" : "a version-1 parent"));
    Room r(extended);
    r.h.advance(300);
    const peer::Request request = r.request(1, segment("film.mp4", {356260, 429204}));
    const size_t length = GENERATE(size_t{76'892}, size_t{72'943}, size_t{1}, size_t{5'000'000});
    r.h.peer_serves(r.parent, request, Harness::body(6, length));
    r.h.advance(20'000);
    CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
    CHECK(r.h.went_to_cdn(1));
    CHECK(r.h.events(EventCode::kPeerMisbehaved).size() == 1);
    CHECK(r.h.has(CommandKind::kPeerClose));
  }
}

TEST_CASE("A7: a byte range of its length is taken from a peer") {
  Room r;
  const peer::Request request = r.request(1, segment("film.mp4", {356260, 429204}));
  const std::string body = Harness::body(6, 72'944);
  r.h.peer_serves(r.parent, request, body);
  REQUIRE(r.h.all(CommandKind::kLoadDone).size() == 1);
  CHECK(r.h.all(CommandKind::kLoadDone)[0].data == body);
}

TEST_CASE("A7: two ranges of one file are two segments, here and towards children") {
  Room r;
  const int32_t child = r.h.open_child("c1");
  const SegmentLoad one = segment("film.mp4", {0, 1'000});
  const SegmentLoad two = segment("film.mp4", {1'000, 2'000});
  r.from_cdn(1, one, Harness::body(1, 1'000));
  r.h.clear();
  const peer::Request request = r.request(2, two);
  CHECK_FALSE(r.h.has(CommandKind::kLoadDone));
  r.h.clear();
  r.h.peer_says(child, request);
  r.h.advance(2'000);
  CHECK(r.h.sent<peer::Binary>(child).empty());
  CHECK(r.h.sent<peer::Lack>(child).size() == 1);
  r.h.clear();
  // A version-1 child names them by `url`.
  r.h.peer_says(child, peer::Request{"film.mp4#0-1000", MediaSequence(6), std::nullopt});
  CHECK(r.h.sent<peer::Binary>(child).size() == 1);
}

TEST_CASE("A7: a body of the CDN that is not the range is not kept") {
  Room r;
  const SegmentLoad what = segment("film.mp4", {0, 1'000});
  r.from_cdn(1, what, Harness::body(1, 5'000));
  CHECK(r.h.engine.cache().segment_count() == 0);
  r.from_cdn(2, what, Harness::body(1, 1'000));
  CHECK(r.h.engine.cache().segment_count() == 1);
}

TEST_CASE("C7: names of any length are asked for") {
  for (const size_t length : {size_t{1'200}, size_t{5'000}, size_t{100'000}}) {
    Room r;
    const peer::Request request = r.request(1, segment(std::string(length, 'n') + ".ts"));
    CHECK(request.url.size() <= 200);
    r.h.peer_serves(r.parent, request, Harness::body(6, 1'000));
    CHECK(r.h.has(CommandKind::kLoadDone));
  }
}

TEST_CASE("C7: a version-1 parent is asked by a URL that fits into a message, and by no other") {
  Room r(false);
  r.h.advance(300);
  SegmentLoad what = segment("seg6.ts?token=" + std::string(5'000, 't'));
  what.clean_url = "seg6.ts";
  r.h.load(1, what);
  r.h.drain();
  r.h.advance(20'000);
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK(r.h.went_to_cdn(1));
}

TEST_CASE("D7: a parent that names segments by rendition hears neither query, host nor directory") {
  SegmentLoad what = segment("https://me.example/u/4711/seg6.ts?token=secret&part=2");
  what.clean_url = "https://me.example/u/4711/seg6.ts?part=2";
  Room r;
  const peer::Request request = r.request(1, what);
  CHECK(request.url == "seg6.ts");
  for (const Seen& seen : r.h.all(CommandKind::kChannelSendText)) {
    for (const char* own : {"secret", "token", "me.example", "4711", "part"}) {
      CHECK(seen.text.find(own) == std::string::npos);
    }
  }
  // And what the query selects is another segment still.
  r.h.clear();
  r.h.peer_serves(r.parent, request, Harness::body(6, 1'000));
  CHECK(r.h.all(CommandKind::kLoadDone).size() == 1);
  SegmentLoad other = what;
  other.clean_url = "https://me.example/u/4711/seg6.ts?part=3";
  CHECK_FALSE(r.request(2, other).rendition == request.rendition);
}

TEST_CASE("D7: a version-1 parent is asked by the URL as the playlist spells it") {
  Room r(false);
  r.h.advance(1'000);
  const std::string url = GENERATE("seg6.ts?part=2&b=1", "a/seg6.ts", "seg6.ts");
  SegmentLoad what = segment(url, {100, 300});
  // In the order of the parameters' names.
  if (url.find('?') != std::string::npos) what.clean_url = "seg6.ts?b=1&part=2";
  const peer::Request request = r.request(1, what);
  CHECK(request.url == url + "#100-300");
  CHECK_FALSE(request.rendition);
}

TEST_CASE("D7: a parent that has not shown its level is never told credentials") {
  Room r(false);
  const int64_t open_for = GENERATE(0, 300, 999, 1'500, 60'000);
  CAPTURE(open_for);
  for (int64_t ms = 0; ms < open_for; ms += 5'000) {
    r.h.advance(std::min<int64_t>(open_for - ms, 5'000));
    r.h.peer_says(r.parent, peer::KeepAliveAck{});
  }
  r.h.playhead(0, 20);
  SegmentLoad what = segment("u/4711/seg6.ts?token=secret&part=2");
  what.clean_url = "u/4711/seg6.ts?part=2";
  r.h.clear();
  r.h.load(1, what);
  r.h.drain();
  const bool waits = open_for < 1'000;
  CHECK(r.h.went_to_cdn(1) != waits);
  if (waits && GENERATE(true, false)) {
    // One of hlsmesh whose first word is late.
    r.h.peer_says(r.parent, peer::KeepAliveAck{std::nullopt, 1});
    CHECK(r.h.sent<peer::Request>(r.parent).at(0).url == "seg6.ts");
  } else {
    r.h.advance(20'000);
    CHECK(r.h.sent<peer::Request>(r.parent).empty());
    CHECK(r.h.went_to_cdn(1));
  }
  for (const Seen& seen : r.h.all(CommandKind::kChannelSendText)) {
    CHECK(seen.text.find("secret") == std::string::npos);
    CHECK(seen.text.find("4711") == std::string::npos);
  }
}

TEST_CASE("D7: more than a file name is told to a parent that had time to show its level") {
  const std::string url = GENERATE("seg6.ts?part=2", "720p/seg6.ts", "https://me.example/seg6.ts");
  CAPTURE(url);
  Room r(false);
  r.h.advance(400);
  r.h.playhead(0, 20);
  r.h.load(1, segment(url));
  r.h.drain();
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  CHECK_FALSE(r.h.went_to_cdn(1));
  r.h.advance(599);
  CHECK(r.h.sent<peer::Request>(r.parent).empty());
  SECTION("which it does") {
    r.h.peer_says(r.parent, peer::KeepAliveAck{std::nullopt, 1});
    CHECK(r.h.sent<peer::Request>(r.parent).at(0).url == "seg6.ts");
  }
  SECTION("which it does not: it is of version 1") {
    r.h.advance(1);
    CHECK(r.h.sent<peer::Request>(r.parent).at(0).url == url);
  }
}

namespace {

// A viewer's view of one channel: the playlist that the page was given, and what it lists.
struct View {
  std::string source;
  std::vector<RenditionFacts> renditions;
};

RenditionFacts rendition(std::string playlist_url, const std::string& resolution = {}) {
  RenditionFacts facts;
  facts.playlist_url = std::move(playlist_url);
  facts.attributes = '\n' + resolution + "\n\n\n\n";
  return facts;
}

void show(Harness& h, const View& view) {
  h.engine.clear_renditions(view.source);
  int32_t index = 0;
  for (RenditionFacts facts : view.renditions) {
    facts.index = index++;
    h.engine.add_rendition(facts);
  }
}

const View kMaster{"https://a.example/vod/master.m3u8",
                   {rendition("https://a.example/vod/720p/index.m3u8", "1280x720"),
                    rendition("https://a.example/vod/1080p/index.m3u8", "1920x1080"),
                    rendition("https://a.example/vod/x.m3u8?quality=1", "256x144"),
                    rendition("https://a.example/vod/x.m3u8?quality=2", "256x144")}};

View alone(const std::string& media) { return {media, {rendition(media)}}; }

// Asks a viewer that has segment 6 of rendition `has` for what another calls rendition `wants`.
bool shares(const View& parent, int32_t has, const View& child, int32_t wants) {
  Room asking;
  show(asking.h, child);
  SegmentLoad what = segment("seg6.ts");
  what.rendition_index = wants;
  const peer::Request request = asking.request(1, what);

  Harness serving;
  show(serving, parent);
  serving.join();
  const int32_t peer = serving.open_child("c1");
  what.rendition_index = has;
  what.from_cdn = true;
  serving.load(1, what);
  serving.fetch_done(1, Harness::body(6, 1'000));
  serving.clear();
  serving.peer_says(peer, request);
  serving.advance(2'000);
  const auto headers = serving.sent<peer::Binary>(peer);
  CHECK(headers.size() + serving.sent<peer::Lack>(peer).size() == 1);
  if (headers.empty()) return false;
  CHECK(headers[0].url == request.url);
  CHECK(headers[0].rendition == request.rendition);
  return true;
}

}  // namespace

TEST_CASE("C5: who plays the master and who plays a media playlist share, both ways") {
  const View media = alone("http://b.example:81/vod/720p/index.m3u8");
  CHECK(shares(kMaster, 0, media, 0));
  CHECK(shares(media, 0, kMaster, 0));
  const View selected = alone("https://a.example/vod/x.m3u8?quality=2");
  CHECK(shares(kMaster, 3, selected, 0));
  CHECK(shares(selected, 0, kMaster, 3));
}

TEST_CASE("C5: never another rendition's bytes, however alike the names") {
  const View media = alone("https://a.example/vod/720p/index.m3u8");
  CHECK_FALSE(shares(kMaster, 1, media, 0));
  CHECK_FALSE(shares(media, 0, kMaster, 1));
  const View selected = alone("https://a.example/vod/x.m3u8?quality=2");
  CHECK_FALSE(shares(kMaster, 2, selected, 0));
  CHECK_FALSE(shares(selected, 0, kMaster, 2));
  CHECK_FALSE(shares(media, 0, alone("https://a.example/vod/1080p/index.m3u8"), 0));
  CHECK_FALSE(shares(media, 0, alone("https://a.example/720p/index.m3u8"), 0));
  CHECK_FALSE(shares(media, 0, alone("https://a.example/index.m3u8"), 0));
  for (const char* resolution : {"", "1280x720"}) {
    const View single{"https://a.example/vod/1080p/master.m3u8",
                      {rendition("https://a.example/vod/1080p/index.m3u8", resolution)}};
    CHECK_FALSE(shares(single, 0, media, 0));
    CHECK_FALSE(shares(media, 0, single, 0));
  }
}

TEST_CASE("C5: two masters of one channel that list a playlist under other names share it") {
  const View other{"https://a.example/vod/more/hd.m3u8",
                   {rendition("https://a.example/vod/720p/index.m3u8", "1280x720")}};
  CHECK(shares(kMaster, 0, other, 0));
  CHECK(shares(other, 0, kMaster, 0));
  CHECK_FALSE(shares(kMaster, 1, other, 0));
}

TEST_CASE("C5: an answer that is merely coming is waited for under the other's name too") {
  Room asking;
  const View media = alone("https://a.example/vod/720p/index.m3u8");
  show(asking.h, media);
  const peer::Request request = asking.request(1, segment("seg6.ts"));
  Harness serving;
  show(serving, kMaster);
  serving.join();
  const int32_t peer = serving.open_child("c1");
  SegmentLoad what = segment("seg6.ts");
  what.from_cdn = true;
  serving.load(1, what);
  serving.peer_says(peer, request);
  serving.advance(500);
  CHECK(serving.sent<peer::Lack>(peer).empty());
  serving.fetch_done(1, Harness::body(6, 1'000));
  CHECK(serving.sent<peer::Binary>(peer).size() == 1);
}

TEST_CASE("C1: viewers who were told other bandwidths share") {
  View later = kMaster;
  for (RenditionFacts& facts : later.renditions) facts.bitrate = 347'514;
  CHECK(shares(kMaster, 1, later, 1));
  CHECK_FALSE(shares(kMaster, 0, later, 1));
}

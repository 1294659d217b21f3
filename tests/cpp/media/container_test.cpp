#include "media/container.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace hlsmesh;

namespace {

ByteView view(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

bool begins(const std::string& bytes) {
  const std::string head = bytes.substr(0, kHeadBytes);
  return begins_like_media(view(head), bytes.size());
}

bool whole(const std::string& bytes) { return is_whole_media(view(bytes)); }

std::string packets(size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += "G" + std::string(187, static_cast<char>(i));
  return out;
}

std::string box(const std::string& type, size_t size) {
  std::string out(size, '\x55');
  for (size_t i = 0; i < 4; ++i) {
    out[i] = static_cast<char>(size >> (8 * (3 - i)) & 255);
    out[i + 4] = type[i];
  }
  return out;
}

}  // namespace

TEST_CASE("A5: a page, XML, JSON and plain text are not media, whatever surrounds them") {
  const std::string page =
      GENERATE(as<std::string>(), "<!doctype html><title>Please wait</title>", "<html lang=en>",
               " \r\n\t<HTML>", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
               "{\"error\":\"not found\"}", "[1,2,3]", "Not Found", "GET OUT",
               "upstream connect error", "#EXTM3U\n#EXT-X-VERSION:3\n",
               "\xef\xbb\xbf<!doctype html>", "\xff\xfe<\0h\0t\0m\0l\0", "\x1f\x8b\x08", "", " ");
  const size_t padding = GENERATE(size_t{0}, size_t{100}, size_t{5'000});
  const std::string bytes = page.empty() ? page : page + std::string(padding, ' ');
  CAPTURE(page, padding);
  CHECK_FALSE(begins(bytes));
  CHECK_FALSE(whole(bytes));
}

TEST_CASE("containers: what hls.js plays is media") {
  CHECK(whole(packets(3)));
  CHECK(whole(packets(500)));
  CHECK(whole(packets(1)));
  CHECK(whole("some bytes before the first packet" + packets(20)));
  CHECK(whole(box("styp", 24) + box("sidx", 44) + box("moof", 500) + box("mdat", 60'000)));
  CHECK(whole(box("ftyp", 24) + box("moov", 800)));
  CHECK(whole("\xff\xf1" + std::string(500, 'x')));
  CHECK(whole("\xff\xfb" + std::string(500, 'x')));
  CHECK(whole("\x0b\x77" + std::string(500, 'x')));
  CHECK(whole("ID3" + std::string(500, 'x')));
  CHECK(whole("WEBVTT\n\n00:01.000 --> 00:02.000\nHello"));
  CHECK(whole("\xef\xbb\xbfWEBVTT"));
}

TEST_CASE("containers: sizes of boxes in 64 bits, and up to the end") {
  std::string large = box("mdat", 3'000);
  large.replace(0, 4, std::string("\0\0\0\1", 4));
  large.replace(8, 8, std::string("\0\0\0\0\0\0\x0b\xb8", 8));
  CHECK(whole(box("moof", 100) + large));
  std::string endless = box("mdat", 3'000);
  endless.replace(0, 4, std::string(4, '\0'));
  CHECK(whole(box("moof", 100) + endless));
}

TEST_CASE("A6: a cut segment is not whole, where the container tells") {
  const std::string ts = packets(40);
  for (const size_t size : {ts.size() - 1, ts.size() / 2 - 5, size_t{700}, size_t{189}}) {
    CHECK_FALSE(whole(ts.substr(0, size)));
  }
  const std::string boxes = box("styp", 24) + box("moof", 500) + box("mdat", 6'000);
  for (size_t size = 1; size < boxes.size(); ++size) {
    if (size == 24 || size == 524) continue;
    CAPTURE(size);
    CHECK_FALSE(whole(boxes.substr(0, size)));
  }
  CHECK(begins(boxes));
}

TEST_CASE("A6: flipped sync bytes and bytes of no meaning are found") {
  std::string ts = packets(40);
  ts[188 * 39] = 'x';
  CHECK_FALSE(whole(ts));
  uint32_t state = 1;
  int passed = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string noise(3'000, '\0');
    for (char& c : noise) {
      state = state * 1'664'525u + 1'013'904'223u;
      c = static_cast<char>(state >> 24);
    }
    passed += begins(noise) ? 1 : 0;
  }
  // ADTS and MPEG audio have a sync word of eleven bits.
  CHECK(passed < 10);
}

TEST_CASE("containers: the first bytes of a longer segment are enough") {
  const std::string ts = packets(100);
  CHECK(begins_like_media(view(ts).first(kHeadBytes), ts.size()));
  const std::string boxes = box("moof", 5'000) + box("mdat", 100'000);
  CHECK(begins_like_media(view(boxes).first(kHeadBytes), boxes.size()));
  CHECK_FALSE(begins_like_media(view(boxes).first(kHeadBytes), 4'000));
}

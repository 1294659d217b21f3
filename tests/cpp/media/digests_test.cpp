// SHA-256, the digests of a segment's pieces, and the publisher's file of digests.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "media/digest_file.hpp"
#include "media/piece_digests.hpp"
#include "media/sha256.hpp"

using namespace hlsmesh;

namespace {

ByteView view(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string hex(const Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string sha256(std::string_view text) {
  Sha256 sum;
  sum.add(view(text));
  return hex(sum.finish());
}

std::string body(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

constexpr const char* kDigest = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

}  // namespace

TEST_CASE("sha256: the examples of FIPS 180-4, and a million letters") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: in parts of any length it is the same") {
  const std::string bytes = body(500);
  const std::string whole = sha256(bytes);
  for (size_t part = 1; part <= 130; ++part) {
    Sha256 sum;
    for (size_t at = 0; at < bytes.size(); at += part) {
      sum.add(view(std::string_view(bytes).substr(at, part)));
    }
    CHECK(hex(sum.finish()) == whole);
  }
}

TEST_CASE("digests: of a segment are those of its pieces, and fit each of them") {
  const std::string bytes = body(3 * 16'384 + 100);
  const Shared<PieceDigests> digests = PieceDigests::of(view(bytes));
  REQUIRE(digests->count() == 4);
  std::string expected;
  for (size_t at = 0; at < 4; ++at) {
    const std::string piece = bytes.substr(at * 16'384, 16'384);
    Sha256 sum;
    sum.add(view(std::string(1, '\0') + piece));
    const Digest digest = sum.finish();
    expected.append(digest.begin(), digest.end());
    CHECK(digests->fit(at, view(piece)));
    std::string other = piece;
    other[piece.size() / 2] ^= 1;
    CHECK_FALSE(digests->fit(at, view(other)));
  }
  CHECK(std::string(digests->bytes().begin(), digests->bytes().end()) == expected);
  CHECK(digests->fit(1, view(bytes).subspan(16'384)));
  CHECK(sha256(std::string("\1\0\0\0\0\0\0\xc0\x64", 9) + expected) == hex(digests->digest()));
}

TEST_CASE("digests: the size is part of a segment's digest") {
  PieceDigests shorter(16'383);
  PieceDigests longer(16'384);
  CHECK(hex(shorter.digest()) != hex(longer.digest()));
  CHECK(shorter.count() == 1);
  CHECK(PieceDigests(16'385).count() == 2);
}

TEST_CASE("digests: there is room for whole ones of pieces that exist") {
  PieceDigests digests(40'000);
  CHECK(digests.room(0, 96).size() == 96);
  CHECK(digests.room(2, 32).size() == 32);
  CHECK(digests.room(2, 64).empty());
  CHECK(digests.room(4, 32).empty());
  CHECK(digests.room(0, 31).empty());
  CHECK(digests.room(SIZE_MAX, 32).empty());
}

TEST_CASE("digest file: names segments by their URL, with their size and digest") {
  DigestFile file;
  REQUIRE(file.read(std::string("#HLSMESH-DIGESTS:1\n") + kDigest + " 100 a.ts\n" + kDigest +
                    " 200 film.mp4#0-200\r\n" + kDigest + " 300 b c.ts?v=1"));
  REQUIRE(file.find("a.ts") != nullptr);
  CHECK(file.find("a.ts")->size == 100);
  CHECK(hex(file.find("a.ts")->digest) ==
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  CHECK(file.find("film.mp4#0-200")->size == 200);
  CHECK(file.find("b c.ts?v=1")->size == 300);
  CHECK(file.find("film.mp4") == nullptr);
  CHECK(file.find("b c.ts") == nullptr);
}

TEST_CASE("digest file: a viewer's query is no part of a name without one") {
  DigestFile file;
  REQUIRE(file.read(std::string("#HLSMESH-DIGESTS:1\n") + kDigest + " 100 a.ts\n" + kDigest +
                    " 200 f.mp4#5-9\n" + kDigest + " 300 v.ts?v=1\n"));
  CHECK(file.find("a.ts?token=x")->size == 100);
  CHECK(file.find("f.mp4?token=x#5-9")->size == 200);
  CHECK(file.find("f.mp4?token=x#5-8") == nullptr);
  CHECK(file.find("v.ts?v=2") == nullptr);
}

TEST_CASE("digest file: what is none holds nothing, and what a line cannot be is passed over") {
  DigestFile file;
  const std::string head = "#HLSMESH-DIGESTS:1\n";
  REQUIRE(file.read(head + kDigest + " 100 a.ts\n"));
  for (const char* text : {"", "#HLSMESH-DIGESTS:2\n", "<html>", "{}", "#HLSMESH-DIGESTS:1x\n"}) {
    CHECK_FALSE(file.read(text));
    CHECK(file.find("a.ts") == nullptr);
  }
  const std::string digest = kDigest;
  REQUIRE(file.read(head + "# word\n\n" + digest.substr(1) + " 1 a\n" + digest + "A 1 b\n" +
                    digest + " 0 c\n" + digest + " 99999999999999999999 d\n" + digest + " -1 e\n" +
                    digest + " 1\n" + digest + " 1 \n" + digest + "\n+" + digest.substr(1) +
                    " 1 f\n" + digest + " 67108865 g\n" + digest + " 67108864 h\n"));
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", ""})
    CHECK(file.find(name) == nullptr);
  CHECK(file.find("h") != nullptr);
}

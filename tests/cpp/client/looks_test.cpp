#include "client/download/looks.hpp"

#include <catch2/catch.hpp>

#include "media/container.hpp"
#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

const std::string kPage = "<!doctype html><html><body>" + std::string(4'000, ' ');

Transfer arriving(std::string_view bytes, size_t received, bool opaque = false) {
  Transfer transfer;
  transfer.ask.segment = part_segment(5);
  transfer.ask.segment.opaque = opaque;
  transfer.size = bytes.size();
  transfer.buffer = SegmentBuffer::allocate(transfer.ask.segment, bytes.size());
  std::memcpy(transfer.buffer->room(0, received).data(), bytes.data(), received);
  transfer.received = received;
  return transfer;
}

}  // namespace

TEST_CASE("looks: media may be shared, a page may not, and what is encrypted shows nothing") {
  const Segment segment = part_segment(5);
  Segment opaque = segment;
  opaque.opaque = true;
  const std::string media = part_body(4'000);
  CHECK(is_good(segment, part_view(media)));
  CHECK_FALSE(is_good(segment, part_view(kPage)));
  CHECK(is_good(opaque, part_view(kPage)));
  CHECK(looks_like_media(segment, part_view(media).first(kHeadBytes), media.size()));
  CHECK_FALSE(looks_like_media(segment, part_view(kPage).first(kHeadBytes), kPage.size()));
  CHECK(looks_like_media(opaque, part_view(kPage).first(kHeadBytes), kPage.size()));
}

TEST_CASE("looks: a transfer is looked at once its first 2 KB are there, and at its end") {
  Transfer early = arriving(kPage, kHeadBytes - 1);
  CHECK(looks_right(early));
  CHECK_FALSE(early.looked_at);
  Transfer page = arriving(kPage, kHeadBytes);
  CHECK_FALSE(looks_right(page));
  CHECK(page.looked_at);
  Transfer whole = arriving(kPage, kPage.size());
  whole.looked_at = true;
  CHECK_FALSE(looks_right(whole));
  Transfer media = arriving(part_body(4'000), 4'000);
  CHECK(looks_right(media));
  Transfer opaque = arriving(kPage, kPage.size(), true);
  CHECK(looks_right(opaque));
  // Nothing is kept of it.
  Transfer dropped = arriving(kPage, kPage.size());
  dropped.drop();
  CHECK(looks_right(dropped));
}

#include "sim/cdn.hpp"

#include <catch2/catch.hpp>

#include "scenario.hpp"

namespace hlsmesh::sim {
namespace {

ContentConfig film() {
  ContentConfig config;
  config.segment_duration = std::chrono::seconds(2);
  config.bitrates = {1'000'000};
  return config;
}

CdnConfig with_ranges(Ranges ranges) {
  CdnConfig config;
  config.ranges = ranges;
  return config;
}

// A page that fetches one thing and notes what comes.
struct Page : CdnUser {
  explicit Page(Ranges ranges) : cdn(queue, network, content, with_ranges(ranges)) {
    access.down = network.add_line(20e6);
  }
  void on_cdn_bytes(FetchId id, size_t offset, size_t size) override {
    if (parts++ == 0) begin = offset;
    CHECK(offset == begin + bytes);
    bytes += size;
    if (parts == stop_after) cdn.cancel(id);
  }
  void on_cdn_done(FetchId) override { done = true; }
  void on_cdn_failed(FetchId) override { failed = true; }
  void fetch(FetchRange range) {
    cdn.fetch(*this, access, RenditionId(), MediaSequence(3), range);
    queue.run_until(at_second(10));
  }
  size_t whole() const { return content.segment_bytes(RenditionId(), MediaSequence(3)); }
  double copies() const { return cdn.copies().begin()->second.sent; }

  EventQueue queue;
  Network network{queue, 1};
  Content content{film()};
  Cdn cdn;
  Access access;
  size_t begin = 0;
  size_t bytes = 0;
  int parts = 0;
  int stop_after = 0;
  bool done = false;
  bool failed = false;
};

}  // namespace

TEST_CASE("the CDN sends a segment in parts, and counts one copy") {
  Page page(Ranges::kServed);
  page.fetch({});
  CHECK(page.done);
  CHECK(page.parts > 3);
  CHECK(page.begin == 0);
  CHECK(page.bytes == page.whole());
  CHECK(page.copies() == 1);
  CHECK(page.cdn.sent_bytes() == page.whole());
}

TEST_CASE("the CDN sends a range, and counts its part of a copy") {
  Page page(Ranges::kServed);
  SECTION("in the middle") {
    page.fetch({50'000, 175'000});
    CHECK(page.begin == 50'000);
  }
  SECTION("to the end") {
    page.fetch({page.whole() - 125'000, 0});
    CHECK(page.begin == page.whole() - 125'000);
  }
  SECTION("past the end") {
    page.fetch({page.whole() - 125'000, 900'000});
    CHECK(page.begin == page.whole() - 125'000);
  }
  CHECK(page.done);
  CHECK(page.bytes == 125'000);
  CHECK(page.copies() == Approx(125'000.0 / static_cast<double>(page.whole())));
  CHECK(page.cdn.sent_bytes() == 125'000);
}

TEST_CASE("the CDN counts of a range that is cancelled what has come") {
  Page page(Ranges::kServed);
  page.stop_after = 1;
  page.fetch({0, 200'000});
  CHECK_FALSE(page.done);
  CHECK(page.bytes == 64 * 1024);
  CHECK(page.cdn.sent_bytes() == 64 * 1024);
}

TEST_CASE("the CDN may ignore ranges or refuse them, and serves whole segments all the same") {
  const Ranges ranges = GENERATE(Ranges::kIgnored, Ranges::kRefused);
  Page page(ranges);
  page.fetch({50'000, 175'000});
  CHECK(page.failed == (ranges == Ranges::kRefused));
  CHECK(page.done == (ranges == Ranges::kIgnored));
  CHECK(page.begin == 0);
  CHECK(page.cdn.sent_bytes() == (ranges == Ranges::kIgnored ? page.whole() : 0));
  Page other(ranges);
  other.fetch({});
  CHECK(other.done);
  CHECK(other.copies() == 1);
}

TEST_CASE("the CDN refuses a range that begins past the end") {
  Page page(Ranges::kServed);
  page.fetch({page.whole(), 0});
  CHECK(page.failed);
}

}  // namespace hlsmesh::sim

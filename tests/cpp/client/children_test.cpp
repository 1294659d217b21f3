// Serving the peers that ask us, without connections being made.

#include "client/peers/children.hpp"

#include <catch2/catch.hpp>

#include "connected.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

struct Family {
  CommandQueue commands;
  ChannelRenditions renditions;
  EngineStats stats;
  Downloads downloads{commands, renditions, stats, 64 * 1024 * 1024};
  PeerTable table;
  PeerLedger ledger;
  Children children{table, ledger, downloads, stats};

  Family() { children.allow(true); }

  PeerSession& add(const std::string& id) {
    PeerSession& child = table.add(commands, PeerId{id}, PeerId{"me"}, size_t{1024 * 1024});
    child.uploader.emplace();
    child.number = ledger.number_of(child.remote);
    child.link.on_open(kStart, 0);
    child.link.extension = 1;
    return child;
  }
  void put(int64_t sn, size_t bytes) {
    fill_with(downloads.shelf.cache.begin(part_segment(sn), bytes), part_body(bytes));
  }
  // Its REQUEST is looked at.
  std::vector<Told> ask(PeerSession& child, int64_t sn, int64_t ms = 0) {
    REQUIRE(child.uploader->on_request(after(ms), request_for(part_segment(sn))));
    return pump(ms);
  }
  std::vector<Told> pump(int64_t ms = 0) {
    children.pump(after(ms));
    return take_commands(commands);
  }
  std::vector<Told> want(PeerSession& neighbor, uint32_t transfer, int64_t sn) {
    peer::Fields want = request_for(part_segment(sn));
    want.event = peer::Event::kWant;
    want.transfer = transfer;
    want.within = 2'500;
    CHECK(children.on_want(kStart, neighbor, std::move(want)) != PieceOrders::Reaction::kOffence);
    return pump();
  }
  std::vector<Told> want(PeerSession& neighbor, uint32_t transfer, const std::string& set) {
    peer::Fields want;
    want.event = peer::Event::kWant;
    want.transfer = transfer;
    want.pieces = set;
    CHECK(children.on_want(kStart, neighbor, std::move(want)) == PieceOrders::Reaction::kNews);
    return pump();
  }
};

size_t media_bytes(const std::vector<Told>& told) {
  size_t sum = 0;
  for (const Told& each : told) sum += each.bytes;
  return sum;
}

}  // namespace

TEST_CASE("children: one that asks for what is here gets it, and both counts know") {
  Family f;
  f.put(5, 150'000);
  PeerSession& child = f.add("a");
  const std::vector<Told> told = f.ask(child, 5);
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].message().event == peer::Event::kBinary);
  CHECK(media_bytes(told) == 150'000);
  CHECK(child.sent_bytes == 150'000);
  CHECK(f.stats.upload_bytes == 150'000);
  CHECK(child.served());
}

TEST_CASE("children: what is on its way is held, but not where nobody is served") {
  Family f;
  Download& download = f.downloads.of(part_wish(5));
  download.loads = 1;
  PeerSession& child = f.add("a");
  CHECK(f.ask(child, 5).empty());
  CHECK(child.uploader->holds());
  f.put(5, 1'000);
  CHECK(media_bytes(f.pump(100)) == 1'000);

  Family closed;
  closed.downloads.of(part_wish(5)).loads = 1;
  closed.children.allow(false);
  CHECK_FALSE(closed.children.serves());
  const std::vector<Told> told = closed.ask(closed.add("a"), 5);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
}

TEST_CASE(
    "children: the third waits for its turn while two are being served, unless they are stuck") {
  Family f;
  for (const int64_t sn : {5, 6, 7}) f.put(sn, 2'000'000);
  f.ask(f.add("a"), 5);
  f.ask(f.add("b"), 6);
  PeerSession& third = f.add("c");
  CHECK(f.ask(third, 7, 100).empty());
  CHECK(third.uploader->holds());
  // Nothing has left for 2 s.
  CHECK_FALSE(f.ask(f.add("d"), 7, 2'100).empty());
}

TEST_CASE("children: a channel that was full measures the line, and one that ends no longer does") {
  Family f;
  f.put(5, 2'000'000);
  PeerSession& child = f.add("a");
  const size_t sent = media_bytes(f.ask(child, 5));
  CHECK(child.full);
  CHECK(f.children.turns().uplink.full() == 1);
  child.link.channel.on_handed_over(sent);
  const size_t gone = child.link.channel.on_writable(after(1'000), sent - 300'000);
  f.children.on_writable(after(1'000), child, gone);
  CHECK(f.children.turns().uplink.bytes_per_ms() == 300);
  CHECK(child.full);
  f.children.on_ended(child);
  CHECK(f.children.turns().uplink.full() == 0);
  CHECK_FALSE(child.full);
}

TEST_CASE(
    "children: a neighbor that wants pieces hears which are here, and gets those it asks for") {
  Family f;
  f.put(5, 100'000);
  PeerSession& neighbor = f.add("a");
  std::vector<Told> told = f.want(neighbor, 1, 5);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kHave);
  CHECK(told[0].message().pieces == "0-6");
  told = f.want(neighbor, 1, "0-1");
  CHECK(media_bytes(told) == 2 * SegmentBuffer::kPieceBytes);
  CHECK(f.stats.upload_bytes == 2 * SegmentBuffer::kPieceBytes);
}

TEST_CASE("children: nobody gets pieces where nobody is served") {
  Family f;
  f.put(5, 100'000);
  f.children.allow(false);
  const std::vector<Told> told = f.want(f.add("a"), 1, 5);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().event == peer::Event::kLack);
}

TEST_CASE("children: pieces that come are passed on, once they look like media") {
  Family f;
  Download& download = f.downloads.of(part_wish(5));
  download.loads = 1;
  const std::string bytes = part_body(100'000);
  download.body = f.downloads.shelf.cache.begin(download.segment, bytes.size());
  PeerSession& neighbor = f.add("a");
  CHECK(f.want(neighbor, 1, 5).empty());
  std::memcpy(download.body->room(0, 20'000).data(), bytes.data(), 20'000);
  REQUIRE(download.body->commit(0, 20'000));
  f.children.pass_on(kStart, download.body);
  CHECK(take_commands(f.commands).empty());
  download.looked = true;
  f.children.pass_on(kStart, download.body);
  const std::vector<Told> told = take_commands(f.commands);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message().pieces == "0");
  f.children.allow(false);
  f.children.pass_on(kStart, download.body);
  for (const Told& each : take_commands(f.commands)) CHECK(each.message().pieces.empty());
}

TEST_CASE("children: a weak line tells of pieces in their order, as far as it has sent them") {
  Family f;
  f.put(5, 40 * peer::kWirePieceBytes);
  PeerSession& child = f.add("a");
  child.link.extension = peer::kPieceExtension;
  const auto told = [](const std::vector<Told>& all) {
    std::string pieces;
    for (const Told& each : all) {
      if (each.kind != CommandKind::kChannelSendText) continue;
      if (each.message().event == peer::Event::kHave) pieces += each.message().pieces + ";";
    }
    return pieces;
  };
  // All that waits in the channel leaves.
  const auto leaves = [&] {
    child.link.channel.on_handed_over(child.link.channel.queued());
    child.link.channel.on_writable(kStart, 0);
  };
  SECTION("in order") {
    f.children.set_in_order(true);
    CHECK(told(f.want(child, 1, 5)) == "0-11;");
    // Three sent ones are not yet a step.
    CHECK(told(f.want(child, 1, "0-2")) == "");
    leaves();
    CHECK(told(f.want(child, 1, "3-5")) == "");
    CHECK(told(f.pump(50)) == "12-15;");
    SECTION("until the segment is older than it is long") {
      CHECK(told(f.pump(4'000)) == "");
      CHECK(told(f.pump(4'001)) == "16-39;");
    }
    SECTION("until the line is strong enough") {
      f.children.set_in_order(false);
      CHECK(told(f.pump(100)) == "16-39;");
    }
  }
  SECTION("a neighbor that has the first ones from others hears of those behind them") {
    f.children.set_in_order(true);
    Download& theirs = f.downloads.of(part_wish(5));
    child.neighbor.asks.open(kStart, Part(theirs, child.neighbor), DurationMs(1'000));
    child.neighbor.asks.all().front().has.add(0, 16);
    CHECK(told(f.want(child, 1, 5)) == "17-27;");
  }
  SECTION("a strong one tells of all") { CHECK(told(f.want(child, 1, 5)) == "0-39;"); }
}

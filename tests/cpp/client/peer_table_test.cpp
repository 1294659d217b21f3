#include "client/peers/peer_table.hpp"

#include <catch2/catch.hpp>

using namespace hlsmesh;

TEST_CASE("peer table: an ended session is found no more, but stays until the sweep") {
  CommandQueue commands;
  PeerTable table;
  PeerSession& first = table.add(commands, PeerId{"a"}, PeerId{"me"}, size_t{65'536});
  first.parent.emplace(first.handle, first.remote, first.link);
  first.link.on_open(TimeMs{}, 0);
  PeerSession& second = table.add(commands, PeerId{"b"}, PeerId{"me"}, size_t{65'536});
  second.uploader.emplace();
  CHECK(table.find(first.handle) == &first);
  CHECK(table.find(PeerId{"b"}) == &second);
  CHECK(table.count(true, true) == 1);
  CHECK(table.count(false, false) == 1);
  CHECK(table.count(false, true) == 0);

  const PeerHandle gone = first.handle;
  first.ended = true;
  CHECK(table.find(gone) == nullptr);
  CHECK(table.find(PeerId{"a"}) == nullptr);
  CHECK(table.count(true, false) == 0);
  CHECK(first.remote.text == "a");
  table.sweep();
  CHECK(table.find(second.handle) == &second);
  // A handle is never given twice.
  CHECK(table.add(commands, PeerId{"c"}, PeerId{"me"}, size_t{65'536}).handle.value() == 3);
  CHECK(table.total() == 3);
}

TEST_CASE("peer table: both sides of a connection name it alike") {
  CommandQueue commands;
  PeerTable table;
  PeerSession& dialled = table.add(commands, PeerId{"them"}, PeerId{"me"}, size_t{65'536});
  dialled.parent.emplace(dialled.handle, dialled.remote, dialled.link);
  CHECK(dialled.dc_id() == "me-them");
  PeerSession& answered = table.add(commands, PeerId{"me"}, PeerId{"them"}, size_t{65'536});
  answered.uploader.emplace();
  CHECK(answered.dc_id() == "me-them");
}

// Rooms divide and unite as a channel grows and shrinks.
#include "tracker/rooms.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <set>
#include <string>

#include "tracker/networks.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker;

namespace {

struct Guests {
  Peer& add(Rooms& rooms, const std::string& isp, const std::string& province) {
    Peer& peer = peers.emplace_back();
    peer.join = peers.size();
    peer.rank = static_cast<Rank>(peers.size());
    peer.child_limit = 3;
    peer.info.isp = isp;
    peer.info.province = province;
    networks.add(peer);
    rooms.add(peer);
    return peer;
  }
  // The rooms that peers of an ISP, of a province if one is given, are in.
  std::set<int32_t> rooms_of(const std::string& isp, const std::string& province = {}) const {
    std::set<int32_t> numbers;
    for (const Peer& peer : peers) {
      const bool there =
          peer.info.isp == isp && (province.empty() || peer.info.province == province);
      if (there && peer.room != nullptr) numbers.insert(peer.room->number);
    }
    return numbers;
  }
  std::deque<Peer> peers;
  Networks networks{10};
};

size_t largest(const Rooms& rooms) {
  size_t most = 0;
  for (const auto& [number, room] : rooms.all()) most = std::max(most, room->nodes.size());
  return most;
}

}  // namespace

TEST_CASE("a full room is divided by ISP where that is fair") {
  int32_t last_number = -1;
  Rooms rooms(100, last_number);
  Guests guests;
  for (int i = 0; i < 101; ++i) guests.add(rooms, i % 3 == 0 ? "A" : i % 3 == 1 ? "B" : "C", "1");
  CHECK(rooms.all().size() == 2);
  for (const char* isp : {"A", "B", "C"}) CHECK(guests.rooms_of(isp).size() == 1);
}

TEST_CASE("a room of one ISP is divided by province, and of one province by lot") {
  int32_t last_number = -1;
  Rooms rooms(100, last_number);
  Guests guests;
  for (int i = 0; i < 101; ++i) guests.add(rooms, "A", i % 2 == 0 ? "1" : "2");
  CHECK(rooms.all().size() == 2);
  CHECK(guests.rooms_of("A").size() == 2);
  for (const char* province : {"1", "2"}) CHECK(guests.rooms_of("A", province).size() == 1);
  for (int i = 0; i < 300; ++i) guests.add(rooms, "A", "1");
  CHECK(guests.rooms_of("A", "1").size() >= 4);
  CHECK(guests.rooms_of("A", "2").size() == 1);
  CHECK(largest(rooms) <= 100);
}

TEST_CASE("no room is ever above its limit, whoever comes") {
  const int32_t most = GENERATE(1, 2, 7, 64);
  int32_t last_number = -1;
  Rooms rooms(most, last_number);
  Guests guests;
  for (int i = 0; i < 500; ++i) {
    guests.add(rooms, std::to_string(i % 5 * (i % 3)), std::to_string(i % 7));
    REQUIRE(largest(rooms) <= static_cast<size_t>(most));
  }
}

TEST_CASE("rooms that would fit into half of one become one again") {
  int32_t last_number = -1;
  Rooms rooms(100, last_number);
  Guests guests;
  for (int i = 0; i < 400; ++i) guests.add(rooms, std::to_string(i % 8), "1");
  CHECK(rooms.all().size() >= 4);
  size_t left = guests.peers.size();
  for (Peer& peer : guests.peers) {
    if (left == 40) break;
    rooms.remove(peer);
    --left;
  }
  CHECK(rooms.all().size() == 1);
  CHECK(rooms.all().begin()->second->nodes.size() == 40);
}

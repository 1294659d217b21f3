// Whom a peer can be connected with, as its introductions show, and who is introduced to whom for
// it.

#include <algorithm>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

namespace {

// A room in which some pairs are never connected: all others open at once.
class Nats {
 public:
  int32_t join(std::optional<int32_t> wants = 1, std::optional<int32_t> slots = {}) {
    wire::Enter enter;
    enter.channel = "c";
    enter.wants = wants;
    enter.slots = slots;
    const int32_t peer = h.open("203.0." + std::to_string(one_address ? 0 : ++joined) + ".1");
    h.say(peer, enter);
    return peer;
  }
  // From now on such a peer is connected with those of `open` only.
  void restrict(int32_t peer, const std::vector<int32_t>& open) { reaches[h.id(peer)] = open; }
  // `parent` answers, and the child reports how it went.
  void dial(int32_t child, const std::string& parent) {
    const int32_t other = conn_of(parent);
    const std::string dc_id = h.id(child) + "-" + parent;
    if (may(child, other)) return h.say(child, wire::DcOpened{dc_id});
    if (answers) h.say(other, wire::SignalTo{PeerId{h.id(child)}, wire::SignalData("{}")});
    h.say(child, wire::DcFailed{dc_id, reason});
  }
  // Everybody dials whom they are told of.
  void run(seconds for_as_long) {
    for (int i = 0; i < 2 * for_as_long.count(); ++i) {
      for (const auto& [conn, mailbox] : h.box) {
        const std::vector<std::string> told = mailbox.connects();
        for (size_t& at = dialled[conn]; at < told.size();) dial(conn, told[at++]);
      }
      h.advance(DurationMs{500});
      REQUIRE(h.tracker.audit().empty());
    }
  }
  bool met(int32_t child, int32_t parent) {
    const std::vector<std::string> told = h.box[child].connects();
    return std::count(told.begin(), told.end(), h.id(parent)) > 0;
  }

  Harness h;
  bool answers = true;
  bool one_address = false;
  int joined = 0;
  wire::EndReason reason = wire::EndReason::kNat;
  std::map<std::string, std::vector<int32_t>> reaches;
  std::map<int32_t, size_t> dialled;

 private:
  int32_t conn_of(const std::string& id) {
    for (const auto& [conn, mailbox] : h.box) {
      if (h.id(conn) == id) return conn;
    }
    return 0;
  }
  bool may(int32_t a, int32_t b) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      const auto known = reaches.find(h.id(from));
      if (known == reaches.end()) continue;
      if (std::count(known->second.begin(), known->second.end(), to) == 0) return false;
    }
    return true;
  }
};

// One that nobody feeds, `ordinary` that it feeds, and one more whom anybody reaches.
struct Cast {
  explicit Cast(Nats& room, int ordinary, std::optional<int32_t> open_slots = {}) {
    first = room.join();
    room.run(seconds(1));
    for (int i = 0; i < ordinary; ++i) {
      others.push_back(room.join());
      room.run(seconds(1));
    }
    open = room.join(1, open_slots);
    room.run(seconds(1));
  }
  // Joins behind a NAT that lets only the open one reach it.
  int32_t hard(Nats& room, std::optional<int32_t> wants = 1) const {
    const int32_t peer = room.join(wants, 0);
    room.restrict(peer, {open});
    return peer;
  }

  int32_t first = 0;
  std::vector<int32_t> others;
  int32_t open = 0;
};

}  // namespace

TEST_CASE("who is hard to reach is introduced to whom another such peer is connected with") {
  Nats room;
  SECTION("of another address") {}
  SECTION("but not by what those of one address say of each other") { room.one_address = true; }
  const Cast cast(room, 4);
  const int32_t before = cast.hard(room);
  room.run(seconds(60));
  REQUIRE(room.met(before, cast.open));
  REQUIRE(room.h.box[before].connects().size() > 4);

  const int32_t next = cast.hard(room);
  room.run(seconds(20));
  if (room.one_address) {
    CHECK(room.h.box[next].connects().size() > 3);
    return;
  }
  // Two failures show that it is hard to reach.
  CHECK(room.h.box[next].connects().size() == 3);
  CHECK(room.h.box[next].connects().back() == room.h.id(cast.open));
}

TEST_CASE("who is hard to reach is no parent of ordinary peers while there are others") {
  Nats room;
  bool shown = true;
  SECTION("failures show it") {}
  SECTION("but not if the parents did not answer") {
    room.answers = false;
    shown = false;
  }
  SECTION("nor for another reason") {
    room.reason = wire::EndReason::kPolicy;
    shown = false;
  }
  room.join(1, 1);
  room.run(seconds(1));
  const int32_t second = room.join();
  room.run(seconds(1));
  const int32_t hard = room.join();
  room.restrict(hard, {});
  room.run(seconds(10));
  REQUIRE(room.h.box[hard].connects().size() > 1);

  // It is in the class nearest to the CDN, which has no other free slot.
  const int32_t peer = room.join();
  CHECK(room.h.box[peer].connects() == std::vector{room.h.id(shown ? second : hard)});
}

TEST_CASE(
    "open peers keep slots for those who are hard to reach, and nobody is displaced for them") {
  Nats room;
  const Cast cast(room, 2, 2);
  const int32_t before = cast.hard(room);
  room.run(seconds(60));
  REQUIRE(room.met(before, cast.open));
  room.h.hang_up(before);
  room.h.box.erase(before);
  room.run(seconds(1));

  std::vector<int32_t> ordinary;
  for (int i = 0; i < 4; ++i) {
    ordinary.push_back(room.join(4));
    room.run(seconds(20));
  }
  std::vector<int32_t> of_open;
  for (const int32_t peer : ordinary) {
    if (room.met(peer, cast.open)) of_open.push_back(peer);
  }
  // One of the two slots.
  REQUIRE(of_open.size() == 1);

  const int32_t hard = cast.hard(room);
  room.run(seconds(20));
  CHECK(room.met(hard, cast.open));
  const int32_t later = cast.hard(room);
  room.run(seconds(20));
  CHECK_FALSE(room.met(later, cast.open));
  CHECK(room.h.box[of_open[0]].all<wire::Disconnect>().empty());
}

TEST_CASE("nobody makes another one hard to reach by what it says of it") {
  Nats room;
  room.join(1, 1);
  room.run(seconds(1));
  const int32_t second = room.join();
  room.run(seconds(1));
  SECTION("as its child") {
    for (int i = 0; i < 6; ++i) {
      const int32_t liar = room.join(1, 0);
      room.restrict(liar, {});
      room.run(seconds(3));
      room.h.hang_up(liar);
      room.h.box.erase(liar);
      room.run(seconds(1));
    }
  }
  SECTION("as its parent") {
    const int32_t parent = room.join();
    for (int i = 0; i < 6; ++i) {
      const std::string dc_id = room.h.id(second) + "-" + room.h.id(parent);
      room.h.say(parent, wire::SignalTo{PeerId{room.h.id(second)}, wire::SignalData("{}")});
      room.h.say(parent, wire::DcFailed{dc_id, wire::EndReason::kUdp});
    }
    room.h.hang_up(parent);
    room.h.box.erase(parent);
    room.run(seconds(1));
  }
  const int32_t peer = room.join();
  CHECK(room.h.box[peer].connects() == std::vector{room.h.id(second)});
}

TEST_CASE("who is hard to reach and has no children gets parents that came later") {
  Nats room;
  const Cast cast(room, 2);
  const int32_t early = cast.hard(room, 2);
  room.run(seconds(60));
  REQUIRE(room.met(early, cast.open));

  const int32_t late = room.join();
  room.reaches[room.h.id(early)].push_back(late);
  room.run(seconds(1));
  const int32_t other = room.join(1, 0);
  room.restrict(other, {late});
  room.run(seconds(120));
  REQUIRE(room.met(other, late));
  room.run(seconds(70));
  CHECK(room.met(early, late));
}

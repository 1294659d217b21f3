// Loads in need under whatever may happen to them, in any order.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <list>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "common/random.hpp"
#include "in_need.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A segment's number, and its size: many pieces, three, less than one, and four without a rest.
constexpr std::pair<int64_t, size_t> kStormSegments[] = {
    {5, kMeshBytes}, {6, 40'000}, {7, 9'000}, {8, 4 * kWire}};

const std::string& body_of(int64_t sn) {
  static const std::map<int64_t, std::string> bodies = [] {
    std::map<int64_t, std::string> made;
    for (const auto& [number, size] : kStormSegments) made[number] = Harness::body(number, size);
    return made;
  }();
  return bodies.at(sn);
}

// A driver, a CDN and peers who do what a random sequence says.
class JointStorm : MeshRoom {
 public:
  explicit JointStorm(uint64_t seed) : MeshRoom(config(seed)), random_(seed) {
    lies_ = random_.below(4) == 0;
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    move_playhead();
    for (const auto& [sn, size] : kStormSegments) h.engine.list_segment(h.now, wish(sn));
    while (peers_.size() < 2) add_peer();
    look();
  }

  void run() {
    for (int step = 0; step < 80; ++step) act(random_.below(28));
    // All that is left is answered.
    for (int turn = 0; turn < 40 && !loads_.empty(); ++turn) {
      std::set<int32_t> open;
      for (const auto& [code, fetch] : fetches_) open.insert(code);
      for (const int32_t code : open) {
        while (fetches_.count(code) > 0) {
          bring(code, kWire);
          if (turn == 0) send();
        }
      }
      h.advance(1'000);
      look();
    }
    CHECK(loads_.empty());
    const EngineStats stats = h.engine.stats();
    CHECK(stats.cdn_bytes <= from_cdn_);
    CHECK(stats.p2p_bytes + stats.p2p_wasted_bytes <= from_peers_);
  }

 private:
  struct Load {
    int64_t sn;
    bool streams;
  };
  struct Fetch {
    int32_t load;
    int64_t sn;
    size_t from = 0;
    size_t to = 0;
    size_t at = 0;
    size_t came = 0;
    bool whole = true;  // all of it was asked for
    bool told = true;   // its head says how long it is
  };
  struct Transfer {
    int64_t sn = 0;
    PieceSet asked;
  };
  struct Peer {
    int32_t handle;
    std::map<uint32_t, Transfer> transfers;
  };

  template <class Container>
  auto any(Container& among) {
    const uint32_t at = random_.below(static_cast<uint32_t>(among.size()));
    return std::next(among.begin(), static_cast<int32_t>(at));
  }

  static EngineConfig config(uint64_t seed) {
    EngineConfig config = Harness::default_config();
    config.seed = seed;
    config.checks = seed % 2 == 0 ? 1 : 0;
    if (seed % 5 == 0) config.cache_bytes = 250'000;
    return config;
  }
  SegmentLoad wish(int64_t sn) const {
    SegmentLoad what;
    what.sn = MediaSequence(sn);
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = MediaSpan{101 + static_cast<double>(sn - 5) * 4, 4};
    what.streams = true;
    return what;
  }
  int64_t any_segment() {
    return random_.below(2) == 0 ? 5 : kStormSegments[random_.below(4)].first;
  }
  void add_peer() {
    Peer peer{add_parent("p" + std::to_string(++last_peer_)), {}};
    peers_.push_back(std::move(peer));
  }
  void move_playhead() {
    const double at = random_.below(4) == 0 ? 80 : 99;
    h.playhead(at, at + 0.5 + static_cast<double>(random_.below(10)));
  }

  void act(uint32_t what) {
    CAPTURE(what);
    if (what < 2 && loads_.size() < 3) {
      begin_load();
    } else if (what < 3 && !loads_.empty()) {
      const int32_t id = any(loads_)->first;
      forget_load(id);
      h.load_aborted(id);
    } else if (what < 9 && !fetches_.empty()) {
      bring(any(fetches_)->first, 1 + random_.below(3 * kWire / 2));
    } else if (what < 14) {
      hold();
    } else if (what < 22) {
      for (uint32_t i = 0; i <= random_.below(6); ++i) send();
    } else if (what < 23) {
      h.advance(random_.below(1'000));
    } else if (what < 26) {
      h.advance(random_.below(60));
    } else if (what < 27) {
      move_playhead();
    } else if (random_.below(3) == 0) {
      act_rarely(random_.below(8));
    }
    look();
  }

  void act_rarely(uint32_t what) {
    if (what < 2 && !fetches_.empty()) {
      fail(any(fetches_)->first);
    } else if (what == 2 && !fetches_.empty()) {
      // The body begins anew, or the origin ignores the range.
      auto& [code, fetch] = *any(fetches_);
      if (code > 0 && (fetch.whole || fetch.came == 0)) {
        fetch.at = fetch.came = 0;
        if (!fetch.whole) fetch.to = body_of(fetch.sn).size();
      }
    } else if (what == 3 && !peers_.empty()) {
      const auto peer = any(peers_);
      const int32_t handle = peer->handle;
      peers_.erase(peer);
      h.peer_closed(handle);
    } else if (what == 4 && p2p_ && peers_.size() < 3) {
      add_peer();
    } else if (what == 5) {
      p2p_ = !p2p_;
      if (!p2p_) peers_.clear();
      h.engine.set_p2p(h.now, p2p_);
      h.drain();
      if (p2p_) h.enter();
    } else if (what == 6 && done_ > 0) {
      h.engine.on_verdict(h.now, LoadId(done_), -1);
      h.drain();
    } else if (what == 7) {
      h.engine.on_presentation(h.now);
      h.drain();
    }
  }

  void begin_load() {
    const int64_t sn = any_segment();
    const int32_t id = ++last_load_;
    SegmentLoad what = wish(sn);
    what.streams = random_.below(5) > 0;
    what.from_cdn = random_.below(6) == 0;
    loads_[id] = Load{sn, what.streams};
    h.load(id, what);
    if (what.from_cdn) add_fetch(h.fetch(id).value(), id, 0, 0);
  }
  void forget_load(int32_t id) {
    loads_.erase(id);
    for (auto fetch = fetches_.begin(); fetch != fetches_.end();) {
      // The load's end does not end a check.
      const bool its = fetch->first > 0 && fetch->second.load == id;
      fetch = its ? fetches_.erase(fetch) : std::next(fetch);
    }
  }
  void add_fetch(int32_t code, int32_t load, size_t from, size_t to) {
    const int64_t sn = load_segments_[load] =
        loads_.count(load) > 0 ? loads_.at(load).sn : load_segments_[load];
    Fetch fetch;
    fetch.load = load;
    fetch.sn = sn;
    fetch.whole = from == 0 && to == 0;
    fetch.from = fetch.at = from;
    fetch.to = to == 0 ? body_of(sn).size() : to;
    fetch.told = random_.below(4) > 0;
    fetches_[code] = fetch;
  }

  // --- the CDN
  void bring(int32_t code, size_t most) {
    Fetch& fetch = fetches_.at(code);
    const std::string& body = body_of(fetch.sn);
    const bool streams = code < 0 || loads_.at(fetch.load).streams;
    if (!streams) most = body.size();
    const size_t size = std::min(most, fetch.to - fetch.at);
    const FetchId id(code);
    const MutableBytes room =
        h.engine.reserve_fetch(id, fetch.at, size, fetch.told ? body.size() : 0);
    from_cdn_ += size;
    if (!room.empty()) {
      REQUIRE(room.size() == size);
      std::memcpy(room.data(), body.data() + fetch.at, size);
      fetch.at += size;
      fetch.came += size;
      h.engine.on_fetch_bytes(h.now, id, size);
    } else if (!fetch.whole) {
      return fail(code);
    } else {
      fetch.at += size;
      fetch.came += size;
    }
    h.drain();
    look();
    const auto still = fetches_.find(code);
    if (still == fetches_.end() || still->second.at < still->second.to) return;
    const Fetch ended = still->second;
    fetches_.erase(still);
    if (ended.whole) loads_.erase(ended.load);
    h.engine.on_fetch_done(h.now, id, ended.came);
    h.drain();
    look();
  }
  void fail(int32_t code) {
    const Fetch fetch = fetches_.at(code);
    fetches_.erase(code);
    if (fetch.whole) loads_.erase(fetch.load);
    h.engine.on_fetch_failed(h.now, FetchId(code));
    h.drain();
    look();
  }

  // --- peers
  void hold() {
    if (peers_.empty()) return;
    Peer& peer = *any(peers_);
    if (peer.transfers.empty()) return;
    auto& [number, transfer] = *any(peer.transfers);
    const uint32_t what = random_.below(12);
    if (what == 0 && random_.below(4) == 0) {
      const uint32_t ended = number;
      peer::Lack lack;
      lack.transfer = ended;
      peer.transfers.erase(ended);
      h.peer_says(peer.handle, lack);
      return;
    }
    size_t size = body_of(transfer.sn).size();
    if (what == 1) size += random_.below(2) == 0 ? 5'000 : kWire;
    const auto count = peer::pieces_in(size);
    const uint32_t first = random_.below(4) > 0 ? 0 : random_.below(count);
    const uint32_t last = random_.below(4) > 0 ? count - 1 : first + random_.below(count - first);
    const int32_t handle = peer.handle;
    holds(handle, number, std::to_string(first) + "-" + std::to_string(last), size);
  }
  void send() {
    if (peers_.empty()) return;
    Peer& peer = *any(peers_);
    for (auto& [number, transfer] : peer.transfers) {
      if (transfer.asked.empty()) continue;
      const uint32_t piece = random_.below(2) == 0 ? transfer.asked.last() : transfer.asked.first();
      const std::string& body = body_of(transfer.sn);
      transfer.asked.remove(piece);
      if (piece >= peer::pieces_in(body.size())) return;  // it has said another size
      std::string message = data_of(number, piece, 1, body);
      if (lies_ && &peer == &peers_.back()) message.back() = 'x';
      from_peers_ += message.size() - peer::kDataHeaderBytes;
      h.peer_sends(peer.handle, message);
      return look();
    }
  }

  // --- what the engine has said
  void look() {
    std::vector<Seen> log;
    log.swap(h.log);
    for (const Seen& seen : log) {
      if (seen.kind == CommandKind::kLoadDone) {
        REQUIRE(loads_.count(seen.load) == 1);
        if (!lies_) CHECK(seen.data == body_of(loads_.at(seen.load).sn));
        forget_load(seen.load);
        done_ = seen.load;
      } else if (seen.kind == CommandKind::kFetch) {
        if (seen.code > 0) REQUIRE(loads_.count(seen.load) == 1);
        for (auto fetch = fetches_.begin(); fetch != fetches_.end();) {
          const bool its = seen.code > 0 && fetch->first > 0 && fetch->second.load == seen.load;
          // The driver is told so once the fetch before is over.
          if (its) CHECK_FALSE(fetch->second.whole);
          fetch = its ? fetches_.erase(fetch) : std::next(fetch);
        }
        add_fetch(seen.code, seen.load, static_cast<size_t>(seen.t0), static_cast<size_t>(seen.t1));
      } else if (seen.kind == CommandKind::kChannelSendText) {
        hear(seen);
      } else if (seen.kind == CommandKind::kPeerClose) {
        peers_.remove_if([&](const Peer& peer) { return peer.handle == seen.peer; });
      }
    }
  }
  void hear(const Seen& seen) {
    const auto peer = std::find_if(peers_.begin(), peers_.end(),
                                   [&](const Peer& each) { return each.handle == seen.peer; });
    if (peer == peers_.end()) return;
    peer::ParseResult parsed = peer::parse(seen.text);
    if (const auto* message = std::get_if<peer::Message>(&parsed)) {
      if (const auto* want = std::get_if<peer::Want>(message)) {
        Transfer& transfer = peer->transfers[want->transfer];
        if (want->rendition) transfer.sn = want->sn.value();
        if (want->pieces) transfer.asked.add(pieces(*want->pieces));
      } else if (const auto* cancel = std::get_if<peer::Cancel>(message)) {
        const auto found = peer->transfers.find(cancel->transfer);
        if (found == peer->transfers.end()) return;
        if (cancel->pieces) {
          found->second.asked.remove(pieces(*cancel->pieces));
        } else {
          peer->transfers.erase(found);
        }
      }
    }
  }

  Random random_;
  bool lies_ = false;
  bool p2p_ = true;
  int last_peer_ = 0;
  int32_t last_load_ = 0;
  int32_t done_ = 0;  // the load that the engine answered last
  uint64_t from_cdn_ = 0;
  uint64_t from_peers_ = 0;
  std::list<Peer> peers_;
  std::map<int32_t, Load> loads_;
  std::map<int32_t, int64_t> load_segments_;
  std::map<int32_t, Fetch> fetches_;
};

}  // namespace

TEST_CASE("joint: each load is answered once, and with its segment, whatever happens") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    JointStorm(seed).run();
  }
}

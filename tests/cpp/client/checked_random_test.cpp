// Loads, in need or not, of what peers give, of whom some always lie, whatever may happen in any
// order.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "../tracker/effort.hpp"
#include "storm_peers.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A driver, a CDN, and peers of both versions, who do what a random sequence says.
class CheckedStorm : StormPeers {
 public:
  explicit CheckedStorm(uint64_t seed)
      : StormPeers(config(seed), seed),
        faithful_(seed % 3 != 0),
        all_stream_(faithful_ || seed % 2 != 0) {
    const uint32_t liars = random_.below(4);
    share_of_liars_ = liars * 33;
    if (seed % kUnchecked == 0) unseen_until_ = kNever;
    move_playhead();
    list();
    while (peers_.size() < 2) add_peer();
    look();
  }

  void run() {
    for (int step = 0; step < 100; ++step) act(random_.below(34));
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
      pass(1'000);
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
    bool whole = true;     // all of it was asked for
    bool ignored = false;  // and comes, although a part was
    bool told = true;      // its head says how long it is
    bool held = false;     // a check that nobody answers for now
  };
  // Of so many seeds one compares nothing with the CDN.
  static constexpr uint64_t kUnchecked = 7;

  static EngineConfig config(uint64_t seed) {
    EngineConfig config = Harness::default_config();
    config.seed = seed;
    config.checks = seed % kUnchecked == 0 ? 0 : seed % 4 == 0 ? 0.1 : 1;
    if (seed % 5 == 0) config.cache_bytes = 250'000;
    if (seed % 5 == 1) config.cache_bytes = 340'000;
    if (seed % 10 == 2) config.cache_bytes = 60'000;
    return config;
  }
  SegmentLoad wish(int64_t sn) const {
    SegmentLoad what;
    what.sn = MediaSequence(sn);
    what.rendition_index = storm_body(sn).rendition;
    what.url = "seg" + std::to_string(sn) + ".ts";
    what.span = MediaSpan{101 + static_cast<double>(sn - 5) * 4, 4};
    what.streams = true;
    return what;
  }
  void list() {
    h.engine.on_playlist(h.now, TrackKind::kMain, 0);
    for (const StormSegment& each : kCheckedSegments) {
      if (each.rendition == 0) h.engine.list_segment(h.now, wish(each.sn));
    }
    h.drain();
  }
  int64_t any_segment() {
    return random_.below(2) == 0 ? 5 : kCheckedSegments[random_.below(5)].sn;
  }
  void move_playhead() {
    const double at = random_.below(4) == 0 ? 60 : 99;
    h.playhead(at, at + 0.5 + static_cast<double>(random_.below(at < 99 ? 40 : 10)));
  }
  void pass(int64_t ms) {
    h.advance(ms);
    look();
  }

  void act(uint32_t what) {
    CAPTURE(what);
    if (what < 3 && loads_.size() < 3) {
      begin_load();
    } else if (what < 4 && !loads_.empty()) {
      const int32_t id = any(loads_)->first;
      forget_load(id);
      h.load_aborted(id);
    } else if (what < 11 && !fetches_.empty()) {
      const int32_t code = any(fetches_)->first;
      if (!fetches_.at(code).held) bring(code, 1 + random_.below(3 * kWire / 2));
    } else if (what < 15) {
      hold();
    } else if (what < 26) {
      for (uint32_t i = 0; i <= random_.below(6); ++i) send();
    } else if (what < 27) {
      h.advance(random_.below(1'500));
    } else if (what < 30) {
      h.advance(random_.below(60));
    } else if (what < 31) {
      move_playhead();
    } else if (what < 32 && !peers_.empty()) {
      serve_all(*any(peers_));
    } else if (random_.below(2) == 0) {
      act_rarely(random_.below(13));
    }
    look();
  }

  void act_rarely(uint32_t what) {
    if (what < 2 && !fetches_.empty()) {
      const int32_t code = any(fetches_)->first;
      if (fetches_.at(code).whole || !faithful_) fail(code);
    } else if (what == 2 && !fetches_.empty()) {
      // The body begins anew, or the origin ignores the range.
      auto& [code, fetch] = *any(fetches_);
      if (code > 0 && (fetch.whole || (fetch.came == 0 && !faithful_))) {
        fetch.at = fetch.came = 0;
        if (!fetch.whole) fetch.to = storm_body(fetch.sn).right.size();
        fetch.ignored = !fetch.whole;
      }
    } else if (what == 3 && !peers_.empty()) {
      const auto peer = any(peers_);
      const int32_t handle = peer->handle;
      peers_.erase(peer);
      h.peer_closed(handle);
    } else if ((what == 4 || what == 5) && p2p_ && peers_.size() < 4) {
      add_peer();
    } else if (what == 6) {
      p2p_ = !p2p_;
      if (!p2p_) peers_.clear();
      h.engine.set_p2p(h.now, p2p_);
      h.drain();
      if (p2p_) h.enter();
    } else if (what == 7 && done_ > 0) {
      h.engine.on_verdict(h.now, LoadId(done_), -1);
      h.drain();
    } else if (what == 8) {
      h.engine.on_presentation(h.now);
      h.drain();
      list();
    } else if (what == 9) {
      // A live playlist of one rendition or the other moves on, after a pause or not.
      PlaylistFacts facts;
      facts.newest = static_cast<double>(++newest_);
      facts.target_duration = 1;
      facts.live = true;
      const auto rendition = static_cast<int32_t>(random_.below(2));
      h.engine.on_playlist_loaded(h.now, TrackKind::kMain, rendition, facts);
      h.drain();
      list();
    } else if (what == 10 && done_ > 0) {
      h.load_aborted(done_);  // the player has not had the answer
    } else if (what == 11 && !fetches_.empty()) {
      auto& [code, fetch] = *any(fetches_);
      fetch.held = code < 0;
    } else if (what == 12 && !faithful_ && !fetches_.empty()) {
      const int32_t code = any(fetches_)->first;
      if (code < 0) answer_otherwise(code);
    }
  }

  void begin_load() {
    const int64_t sn = any_segment();
    const int32_t id = ++last_load_;
    SegmentLoad what = wish(sn);
    what.streams = all_stream_ || random_.below(5) > 0;
    if (!what.streams) unseen_until_ = kNever;
    what.from_cdn = random_.below(8) == 0;
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
    fetch.to = to == 0 ? storm_body(sn).right.size() : to;
    fetch.told = random_.below(4) > 0;
    fetches_[code] = fetch;
  }

  // --- the CDN
  void bring(int32_t code, size_t most) {
    Fetch& fetch = fetches_.at(code);
    const std::string& body = storm_body(fetch.sn).right;
    const bool streams = code < 0 || loads_.at(fetch.load).streams;
    if (!streams) most = body.size();
    const size_t size = std::min(most, fetch.to - fetch.at);
    const FetchId id(code);
    if (fetch.ignored) refuses_range();
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
    if (code < 0) rest_ = SpotChecks::kRest;
    h.engine.on_fetch_done(h.now, id, ended.came);
    h.drain();
    look();
  }
  void fail(int32_t code) {
    const Fetch fetch = fetches_.at(code);
    fetches_.erase(code);
    if (fetch.whole) loads_.erase(fetch.load);
    // The driver cannot tell why nobody wanted its bytes, and the origin has done nothing wrong.
    if (!fetch.whole && !faithful_) code < 0 ? refuses_check() : refuses_range();
    h.engine.on_fetch_failed(h.now, FetchId(code));
    h.drain();
    look();
  }
  // Of another size.
  void answer_otherwise(int32_t code) {
    const Fetch fetch = fetches_.at(code);
    fetches_.erase(code);
    const auto before = h.engine.stats().checks;
    h.engine.reserve_fetch(FetchId(code), fetch.from, 1, 1'000'000);
    rest_ = SpotChecks::kRest;
    h.engine.on_fetch_done(h.now, FetchId(code), 1);
    // It was about a segment of the CDN's own, so no answer is believed.
    if (h.engine.stats().checks == before) unseen_until_ = kNever;
    h.drain();
    look();
  }
  void refuses_check() {
    unseen_until_ = std::max(unseen_until_, h.now + rest_);
    rest_ *= 2;
  }
  void refuses_range() {
    range_rest_ = range_rest_ > DurationMs::zero() ? range_rest_ * 2 : Cdn::kRangeRest;
    unseen_until_ = std::max(unseen_until_, h.now + range_rest_);
  }

  // --- what the engine has said
  void look() override {
    CHECK(h.engine.audit() == std::string_view());
    std::vector<Seen> log;
    log.swap(h.log);
    for (const Seen& seen : log) {
      if (seen.kind == CommandKind::kLoadDone) {
        REQUIRE(loads_.count(seen.load) == 1);
        const bool right = seen.data == storm_body(loads_.at(seen.load).sn).right;
        if (h.now >= unseen_until_ || share_of_liars_ == 0) REQUIRE(right);
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
  const bool faithful_;    // the origin serves ranges, sooner or later
  const bool all_stream_;  // the driver can ask for parts of each load
  bool p2p_ = true;
  int32_t last_load_ = 0;
  int32_t done_ = 0;  // the load that the engine answered last
  int newest_ = 9;
  uint64_t from_cdn_ = 0;
  // Nothing can be looked at before.
  TimeMs unseen_until_{};
  DurationMs rest_ = SpotChecks::kLongRest;
  DurationMs range_rest_{};
  std::map<int32_t, Load> loads_;
  std::map<int32_t, int64_t> load_segments_;
  std::map<int32_t, Fetch> fetches_;
};

}  // namespace

TEST_CASE(
    "checked: nothing of a liar is played, and each load is answered once, whatever happens") {
  for (uint64_t seed = 1; seed <= (kThorough ? 6'000 : 2'000); ++seed) {
    CAPTURE(seed);
    CheckedStorm(seed).run();
  }
}

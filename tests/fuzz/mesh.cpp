// Sequences of what may happen to a viewer among peers. Each byte of the input chooses an event or
// what is in it, so that a mutation changes one step. Where asserts are compiled in, the engine
// looks at itself after each; here everything that it says to its peers is held against the
// protocol. Where the publisher gives digests, peers lie, and neither the player nor any other peer
// is ever given a wrong byte.
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "client/engine.hpp"
#include "neighbor.hpp"
#include "protocol/tracker_messages.hpp"
#include "reader.hpp"

namespace {

using namespace hlsmesh;
using fuzz::kSegments;
using fuzz::Neighbor;
using fuzz::Reader;
using fuzz::require;
namespace wire = tracker_wire;

constexpr size_t kCacheBytes = 2'000'000;

// What has to do with the engine: its tracker, its player, its CDN and its peers.
class World {
 public:
  explicit World(Reader& in)
      : in_(in), config_(config(in)), digested_((config_.seed & 16) != 0), engine_(config_) {
    engine_.clear_renditions("https://cdn.example/live/master.m3u8");
    for (int32_t index = 0; index < 2; ++index) {
      RenditionFacts facts;
      facts.index = index;
      facts.bitrate = 1'000'000 * (index + 1);
      facts.playlist_url = "https://cdn.example/live/v" + std::to_string(index) + ".m3u8";
      engine_.add_rendition(std::move(facts));
    }
    const bool live = (in_.next() & 1) != 0;
    engine_.set_live(live);
    playlist(live);
    engine_.on_playlist(now_, TrackKind::kMain, 0);
    engine_.start(now_);
    engine_.on_socket_open(now_, {});
    accept(live);
    playhead();
    drain();
  }

  void run() {
    for (int steps = 0; steps < 400 && !in_.done(); ++steps) {
      step();
      drain();
      // Budget, and one segment.
      require(engine_.cache().bytes() <= 2 * kCacheBytes);
    }
    advance(20'000);
    require(engine_.audit().empty());
    engine_.stop(now_);
    drain();
    require(engine_.peers().empty());
  }

 private:
  static EngineConfig config(Reader& in) {
    EngineConfig config;
    const uint8_t flags = in.next();
    config.seed = flags;
    config.channel = "https://cdn.example/live/master.m3u8";
    config.cache_bytes = kCacheBytes;
    if ((flags & 3) == 3) config.limits.upload_bytes_per_second = 200'000;
    if ((flags & 12) == 12) config.channel_queue_bytes = 128 * 1024;
    if ((flags & 32) != 0) config.checks = 0.5;
    return config;
  }

  void from_tracker(const wire::TrackerMessage& message) {
    engine_.on_socket_text(now_, wire::serialize(message));
  }

  void accept(bool live) {
    wire::Accept accept;
    accept.live = live;
    accept.peer_id = PeerId{"me"};
    from_tracker(accept);
  }

  void playlist(bool live) {
    PlaylistFacts facts;
    facts.newest = static_cast<double>(newest_);
    facts.target_duration = 4;
    facts.live = live;
    facts.digests = digested_;
    engine_.on_playlist_loaded(now_, TrackKind::kMain, 0, facts);
  }

  void playhead() {
    const double at = in_.below(32);
    engine_.on_playhead(now_, PlayheadReport{at, at + in_.below(32), in_.below(2) * 1.0});
  }

  SegmentLoad segment(int64_t sn) {
    SegmentLoad what;
    what.rendition_index = 0;
    what.sn = MediaSequence(sn);
    what.url = fuzz::url_of(sn);
    what.span = MediaSpan{static_cast<double>(sn) * 4, 4};
    return what;
  }

  void connect() {
    if (neighbors_.size() >= 6) return;
    const std::string id = "p" + std::to_string(++names_);
    if ((in_.next() & 1) != 0) {
      from_tracker(wire::Connect{PeerId{id}});
    } else {
      from_tracker(
          wire::SignalFrom{PeerId{id}, wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
    }
    drain();
    for (Neighbor& neighbor : neighbors_) {
      if (neighbor.open) continue;
      neighbor.open = true;
      neighbor.has_digests = digested_;
      neighbor.max_message = in_.next() % 4 == 0 ? 65'536 : 262'144;
      engine_.on_channel_open(now_, PeerHandle(neighbor.handle), neighbor.max_message);
      drain();
      // Most show extension 2 at once.
      const uint8_t shown = in_.next();
      if (find(neighbor.handle) != nullptr && shown % 8 != 0) {
        engine_.on_channel_text(
            now_, PeerHandle(neighbor.handle),
            R"({"event":"KEEPALIVE","hlsmesh":)" + std::to_string(shown % 8 == 1 ? 1 : 2) + "}");
      }
      return;
    }
  }

  Neighbor* find(int32_t handle) {
    for (Neighbor& each : neighbors_) {
      if (each.handle == handle) return &each;
    }
    return nullptr;
  }
  Neighbor* any() {
    if (neighbors_.empty()) return nullptr;
    auto each = neighbors_.begin();
    std::advance(each, in_.next() % neighbors_.size());
    return each->open ? &*each : nullptr;
  }

  void binary(Neighbor& from, std::string_view bytes) {
    const auto* const front = reinterpret_cast<const uint8_t*>(bytes.data());
    const PeerHandle peer(from.handle);
    const MutableBytes room = engine_.reserve_channel_binary(
        peer, bytes.size(), ByteView(front, std::min(bytes.size(), peer::kDataHeaderBytes)));
    require(room.size() <= bytes.size());
    if (!room.empty()) {
      std::memcpy(room.data(), front + (bytes.size() - room.size()), room.size());
    }
    engine_.on_channel_binary(now_, peer, bytes.size());
  }

  void step() {
    switch (in_.below(20)) {
      case 0:
        connect();
        break;
      case 1: {
        const uint8_t how = in_.next();
        SegmentLoad what = segment(how % kSegments);
        what.streams = (how & 8) != 0;
        what.from_cdn = (how & 48) == 48;
        const int32_t load = 1 + (how >> 6);
        const FetchId begun = engine_.on_load(now_, LoadId(load), what);
        forget_fetches(load);
        loads_[load] = how % kSegments;
        if (what.from_cdn) fetches_[begun.value()] = Fetch{load, how % kSegments, 0, 0, 0};
        break;
      }
      case 2: {
        const int32_t load = 1 + in_.below(4);
        engine_.on_load_aborted(now_, LoadId(load));
        forget_fetches(load);
        loads_.erase(load);
        break;
      }
      case 3:
        playhead();
        break;
      case 4:
      case 5:
        advance(in_.next() * 4);
        break;
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        if (Neighbor* const from = any()) {
          engine_.on_channel_text(now_, PeerHandle(from->handle), from->say(in_));
        }
        break;
      case 11:
      case 12:
      case 13:
        if (Neighbor* const from = any()) {
          std::string message = from->data(in_);
          if (message.empty()) break;
          // One bit of what it sends is another.
          if (digested_ && in_.below(8) == 0)
            message.back() = static_cast<char>(message.back() ^ 4);
          binary(*from, message);
        }
        break;
      case 14:
      case 15:
        fetch();
        break;
      case 16:
        if (Neighbor* const from = any()) {
          engine_.on_channel_writable(now_, PeerHandle(from->handle), in_.next() * 256u);
        }
        break;
      case 17:
        if (Neighbor* const from = any()) {
          const int32_t handle = from->handle;
          neighbors_.remove_if([&](const Neighbor& each) { return each.handle == handle; });
          engine_.on_peer_closed(now_, PeerHandle(handle));
        }
        break;
      case 18:
        rare();
        break;
      case 19:
        if (Neighbor* const from = any()) {
          const std::string_view text = in_.text();
          if ((in_.next() & 1) != 0) {
            engine_.on_channel_text(now_, PeerHandle(from->handle), text);
          } else {
            poisoned_ = !digested_;
            binary(*from, text);
          }
        }
        break;
    }
  }

  void rare() {
    switch (in_.below(digested_ ? 12 : 8)) {
      case 0:
        engine_.on_presentation(now_);
        playlist(true);
        break;
      case 1:
        newest_ = in_.below(10);
        playlist((in_.next() & 1) != 0);
        break;
      case 2:
        engine_.set_upload(now_, (in_.next() & 1) != 0);
        break;
      case 3:
        engine_.set_p2p(now_, (in_.next() & 1) != 0);
        break;
      case 4:
        engine_.on_socket_closed(now_);
        break;
      case 5: {
        EngineLimits limits;
        limits.max_children = in_.below(9);
        limits.upload_bytes = in_.next() * 20'000.0;
        engine_.set_limits(now_, limits);
        break;
      }
      case 6:
        engine_.on_verdict(now_, LoadId(1 + in_.below(4)), in_.below(3) * 2.0 - 1);
        break;
      case 7:
        engine_.on_socket_open(now_, {});
        accept(false);
        break;
      case 8:
        engine_.on_no_digests(now_, TrackKind::kMain, 0);
        break;
      default:
        engine_.on_digests(now_, TrackKind::kMain, 0, fuzz::digest_file(in_.below(12)));
    }
  }

  // The CDN answers one of the fetches, in part or to its end.
  void fetch() {
    if (fetches_.empty()) return;
    auto entry = fetches_.begin();
    std::advance(entry, in_.next() % fetches_.size());
    const FetchId id(entry->first);
    Fetch& what = entry->second;
    const int64_t sn = what.sn;
    const size_t whole = fuzz::size_of(sn);
    const uint8_t how = in_.next();
    if (how % 8 == 0) {
      if (what.to == 0 && what.from == 0) loads_.erase(what.load);
      fetches_.erase(entry);
      return engine_.on_fetch_failed(now_, id);
    }
    const size_t end = what.to == 0 ? whole : std::min(what.to, whole);
    const size_t from = what.from + what.arrived;
    const size_t size = from >= end ? 0 : std::min<size_t>(end - from, (how >> 3) * 9'000u + 1);
    if (size > 0) {
      const MutableBytes room = engine_.reserve_fetch(id, from, size, how % 8 == 1 ? 0 : whole);
      require(room.empty() || room.size() == size);
      for (size_t i = 0; i < room.size(); ++i) room[i] = fuzz::byte_of(sn, from + i);
      // Of a check the origin's word may differ from what it has sent whole.
      if (id.value() < 0 && how % 8 == 2 && !room.empty()) room.back() ^= 1;
      what.arrived += size;
      engine_.on_fetch_bytes(now_, id, size);
      drain();
    }
    const auto still = fetches_.find(id.value());
    if (still == fetches_.end() || from + size < end) return;
    const Fetch over = still->second;
    fetches_.erase(still);
    if (over.from == 0 && over.to == 0) {
      last_done_ = {over.load, over.sn};
      loads_.erase(over.load);
    }
    engine_.on_fetch_done(now_, id, over.arrived);
  }

  void forget_fetches(int32_t load) {
    for (auto each = fetches_.begin(); each != fetches_.end();) {
      const bool of = each->second.load == load && each->first > 0;
      each = of ? fetches_.erase(each) : std::next(each);
    }
  }

  void advance(int64_t ms) {
    const TimeMs end = now_ + DurationMs(ms);
    while (const std::optional<TimeMs> due = engine_.next_timeout()) {
      if (*due > end) break;
      const bool moves = *due > now_;
      now_ = std::max(now_, *due);
      engine_.on_timeout(now_);
      drain();
      const std::optional<TimeMs> next = engine_.next_timeout();
      require(moves || !next || *next > now_);
    }
    now_ = end;
  }

  void drain() {
    bool list = false;
    double from = 0;
    double to = 0;
    while (const Command* command = engine_.poll()) {
      const int32_t peer = command->peer.value();
      switch (command->kind) {
        case CommandKind::kPeerDial:
        case CommandKind::kPeerAnswer:
          require(find(peer) == nullptr);
          neighbors_.emplace_back().handle = peer;
          break;
        case CommandKind::kPeerClose:
          require(find(peer) != nullptr);
          neighbors_.remove_if([&](const Neighbor& each) { return each.handle == peer; });
          break;
        case CommandKind::kChannelSendText: {
          Neighbor* const to_whom = find(peer);
          require(to_whom != nullptr && to_whom->open);
          to_whom->on_text(command->text);
          break;
        }
        case CommandKind::kChannelSendBinary: {
          Neighbor* const to_whom = find(peer);
          require(to_whom != nullptr && to_whom->open);
          to_whom->on_binary(command->text, command->data, poisoned_);
          break;
        }
        case CommandKind::kFetch: {
          const int32_t load = command->load.value();
          const auto known = loads_.find(load);
          // A check, whose name is negative, may be about what the CDN has just given.
          require(known != loads_.end() || (command->code < 0 && last_done_.first == load));
          const int64_t sn = known != loads_.end() ? known->second : last_done_.second;
          if (command->code > 0) forget_fetches(load);
          fetches_[command->code] = Fetch{load, sn, static_cast<size_t>(command->t0),
                                          static_cast<size_t>(command->t1), 0};
          break;
        }
        case CommandKind::kLoadDone: {
          const int32_t load = command->load.value();
          require(loads_.count(load) != 0);
          const size_t size = command->data.size();
          require(!digested_ || size == 0 || size == fuzz::size_of(loads_[load]));
          for (size_t i = 0; i < size && !poisoned_; ++i) {
            require(command->data[i] == fuzz::byte_of(loads_[load], i));
          }
          forget_fetches(load);
          loads_.erase(load);
          break;
        }
        case CommandKind::kListSegments:
          list = true;
          from = command->t0;
          to = command->t1;
          break;
        default:
          break;
      }
    }
    if (!list) return;
    for (int64_t sn = 0; sn < kSegments; ++sn) {
      const double start = static_cast<double>(sn) * 4;
      if (start < to && start + 4 > from) engine_.list_segment(now_, segment(sn));
    }
    drain();
  }

  struct Fetch {
    int32_t load = 0;
    int64_t sn = 0;
    size_t from = 0;
    size_t to = 0;
    size_t arrived = 0;
  };

  Reader& in_;
  TimeMs now_{DurationMs(1'000'000)};
  int64_t newest_ = 5;
  const EngineConfig config_;
  const bool digested_;  // the publisher gives digests
  Engine engine_;
  int names_ = 0;
  std::list<Neighbor> neighbors_;
  std::map<int32_t, int64_t> loads_;  // the number of the segment
  std::map<int32_t, Fetch> fetches_;
  std::pair<int32_t, int64_t> last_done_;  // the load and segment that the CDN gave last
  bool poisoned_ = false;                  // bytes came that are not the segment's
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hlsmesh::fuzz::Reader in(data, size);
  World(in).run();
  return 0;
}

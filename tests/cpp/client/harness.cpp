#include "harness.hpp"

#include <algorithm>
#include <cstring>

#include "media/segment_key.hpp"

namespace hlsmesh::test {

std::string Seen::to_string() const {
  return std::to_string(static_cast<int>(kind)) + " p" + std::to_string(peer) + " l" +
         std::to_string(load) + " c" + std::to_string(code) + " a" + std::to_string(aux) + " " +
         std::to_string(t0) + " " + std::to_string(t1) + " [" + text + "] #" +
         std::to_string(data.size()) + ":" + data.substr(0, 16);
}

EngineConfig Harness::default_config() {
  EngineConfig config;
  config.seed = 42;
  config.channel = "https://cdn.example/live/master.m3u8";
  config.browser = "Chromium";
  config.os = "Linux";
  return config;
}

std::string Harness::body(int64_t sn, size_t size) {
  std::string bytes(size, '\0');
  // It repeats itself every 256 bytes, and copies take a tenth of the time that single bytes do.
  size_t done = std::min(size, size_t{256});
  for (size_t i = 0; i < done; ++i) {
    bytes[i] = static_cast<char>((i * 31 + static_cast<size_t>(sn) * 7) & 0xff);
  }
  while (done < size) {
    const size_t more = std::min(done, size - done);
    std::memcpy(&bytes[done], bytes.data(), more);
    done += more;
  }
  bytes.replace(0, 2, "\xff\xf1");  // ADTS's sync word
  return bytes;
}

Harness::Harness(EngineConfig config) : engine(std::move(config)) {}

void Harness::drain() {
  while (const Command* command = engine.poll()) {
    Seen seen;
    seen.kind = command->kind;
    seen.peer = command->peer.value();
    seen.load = command->load.value();
    seen.code = command->code;
    seen.aux = command->aux;
    seen.t0 = command->t0;
    seen.t1 = command->t1;
    seen.at = now;
    if (seen.kind == CommandKind::kFetch) fetches_[seen.load] = FetchId(seen.code);
    seen.text = std::string(command->text);
    seen.data =
        std::string(reinterpret_cast<const char*>(command->data.data()), command->data.size());
    log.push_back(std::move(seen));
  }
}

void Harness::advance(int64_t ms) {
  const TimeMs end = now + DurationMs(ms);
  while (const std::optional<TimeMs> due = engine.next_timeout()) {
    if (*due > end) break;
    // A timer that leaves itself due would spin a real driver.
    const bool moves = *due > now;
    now = std::max(now, *due);
    engine.on_timeout(now);
    drain();
    const std::optional<TimeMs> next = engine.next_timeout();
    REQUIRE((moves || !next || *next > now));
  }
  now = end;
}

void Harness::start() {
  engine.start(now);
  drain();
}
void Harness::socket_open(std::string_view token) {
  engine.on_socket_open(now, token);
  drain();
}
void Harness::socket_closed() {
  engine.on_socket_closed(now);
  drain();
}
void Harness::tracker_says_text(std::string_view text) {
  engine.on_socket_text(now, text);
  drain();
}
void Harness::tracker_says(const tracker_wire::TrackerMessage& message) {
  tracker_says_text(tracker_wire::serialize(message));
}

void Harness::join() {
  start();
  enter();
}
void Harness::enter() {
  socket_open();
  tracker_wire::Accept accept;
  accept.live = false;
  accept.peer_id = PeerId{"me"};
  tracker_says(accept);
}

int32_t Harness::last_handle(CommandKind kind) const {
  const std::vector<Seen> found = all(kind);
  REQUIRE(!found.empty());
  return found.back().peer;
}

int32_t Harness::open_parent(const std::string& id, bool extended) {
  tracker_says(tracker_wire::Connect{PeerId{id}});
  const int32_t peer = last_handle(CommandKind::kPeerDial);
  engine.on_channel_open(now, PeerHandle(peer), 262'144);
  drain();
  if (extended) peer_says(peer, peer::KeepAlive{std::nullopt, 1});
  return peer;
}

int32_t Harness::open_child(const std::string& id) {
  tracker_says(tracker_wire::SignalFrom{
      PeerId{id}, tracker_wire::SignalData(R"({"type":"offer","sdp":"v=0"})")});
  const int32_t peer = last_handle(CommandKind::kPeerAnswer);
  engine.on_channel_open(now, PeerHandle(peer), 262'144);
  drain();
  return peer;
}

void Harness::peer_says_text(int32_t peer, std::string_view text) {
  engine.on_channel_text(now, PeerHandle(peer), text);
  drain();
}
void Harness::peer_says(int32_t peer, const peer::Message& message) {
  peer_says_text(peer, peer::serialize(message));
}

void Harness::peer_sends(int32_t peer, std::string_view bytes) {
  // As much as the driver shows.
  constexpr size_t kHead = 16;
  const auto* const front = reinterpret_cast<const uint8_t*>(bytes.data());
  const MutableBytes room = engine.reserve_channel_binary(
      PeerHandle(peer), bytes.size(), ByteView(front, std::min(bytes.size(), kHead)));
  REQUIRE(room.size() <= bytes.size());
  if (!room.empty()) {
    std::memcpy(room.data(), front + (bytes.size() - room.size()), room.size());
  }
  engine.on_channel_binary(now, PeerHandle(peer), bytes.size());
  drain();
}

void Harness::peer_serves(int32_t peer, const peer::Request& request, const std::string& bytes) {
  constexpr size_t kPacket = 61'440;
  peer::Binary header;
  header.attachments = static_cast<int64_t>((bytes.size() + kPacket - 1) / kPacket);
  header.url = request.url;
  header.sn = request.sn;
  header.size = static_cast<int64_t>(bytes.size());
  header.rendition = request.rendition;
  peer_says(peer, header);
  for (size_t at = 0; at < bytes.size(); at += kPacket) {
    peer_sends(peer, std::string_view(bytes).substr(at, kPacket));
  }
}

void Harness::writable(int32_t peer, size_t buffered) {
  engine.on_channel_writable(now, PeerHandle(peer), buffered);
  drain();
}
void Harness::peer_closed(int32_t peer) {
  engine.on_peer_closed(now, PeerHandle(peer));
  drain();
}

namespace {

RenditionFacts main_rendition(int32_t index, bool one_directory) {
  RenditionFacts facts;
  facts.index = index;
  facts.bitrate = 1'000'000 * (index + 1);
  facts.playlist_url =
      "https://cdn.example/live/v" + std::to_string(index) + (one_directory ? ".m3u8" : "/i.m3u8");
  return facts;
}

}  // namespace

void Harness::add_renditions(bool one_directory) {
  engine.clear_renditions("https://cdn.example/live/master.m3u8");
  for (int32_t index = 0; index < 2; ++index) {
    engine.add_rendition(main_rendition(index, one_directory));
  }
}

std::string Harness::asking(int32_t rendition, int64_t sn) {
  ChannelRenditions renditions;
  renditions.clear("https://cdn.example/live/master.m3u8");
  for (int32_t index = 0; index < 2; ++index) renditions.add(main_rendition(index, true));
  const std::string name = "seg" + std::to_string(sn) + ".ts";
  SegmentFacts facts;
  facts.sn = MediaSequence(sn);
  facts.url = name;
  facts.playlist_url = renditions.playlist_url(TrackKind::kMain, rendition);
  Segment segment;
  segment.key = make_key(renditions.signature(TrackKind::kMain, rendition), facts);
  segment.place = renditions.place(TrackKind::kMain, rendition);
  return asking_name(segment);
}

void Harness::playhead(double current_time, double buffered_end, double rate) {
  engine.on_playhead(now, PlayheadReport{current_time, buffered_end, rate});
  drain();
}

void Harness::load(int32_t id, int64_t sn, bool from_cdn) {
  SegmentLoad what;
  what.sn = MediaSequence(sn);
  what.url = "seg" + std::to_string(sn) + ".ts";
  what.span = MediaSpan{static_cast<double>(sn) * 4, 4};
  what.from_cdn = from_cdn;
  load(id, what);
}
void Harness::load(int32_t id, const SegmentLoad& what) {
  const FetchId begun = engine.on_load(now, LoadId(id), what);
  if (what.from_cdn) fetches_[id] = begun;
  drain();
}
void Harness::load_aborted(int32_t id) {
  engine.on_load_aborted(now, LoadId(id));
  drain();
}
void Harness::fetch_done(int32_t id, const std::string& bytes) {
  const MutableBytes room = engine.reserve_fetch(fetch(id), 0, bytes.size(), bytes.size());
  REQUIRE((room.empty() || room.size() == bytes.size()));
  if (!room.empty()) {
    std::memcpy(room.data(), bytes.data(), bytes.size());
    engine.on_fetch_bytes(now, fetch(id), bytes.size());
  }
  engine.on_fetch_done(now, fetch(id), bytes.size());
  drain();
}
void Harness::fetch_part(int32_t id, const std::string& bytes, size_t from, size_t to) {
  const MutableBytes room = engine.reserve_fetch(fetch(id), from, to - from, bytes.size());
  REQUIRE(room.size() == to - from);
  std::memcpy(room.data(), bytes.data() + from, to - from);
  engine.on_fetch_bytes(now, fetch(id), to - from);
  drain();
}
void Harness::fetch_failed(int32_t id) {
  engine.on_fetch_failed(now, fetch(id));
  drain();
}
void Harness::cache_segment(int64_t sn, size_t size) {
  const int32_t id = next_scratch_load_++;
  load(id, sn, true);
  fetch_done(id, body(sn, size));
}

std::vector<Seen> Harness::all(CommandKind kind) const {
  std::vector<Seen> found;
  std::copy_if(log.begin(), log.end(), std::back_inserter(found),
               [&](const Seen& seen) { return seen.kind == kind; });
  return found;
}
std::vector<Seen> Harness::events(EventCode code) const {
  std::vector<Seen> found;
  std::copy_if(log.begin(), log.end(), std::back_inserter(found),
               [&](const Seen& seen) { return seen.is_event(code); });
  return found;
}
bool Harness::went_to_cdn(int32_t load) const {
  return std::any_of(log.begin(), log.end(), [&](const Seen& seen) {
    return seen.kind == CommandKind::kFetch && seen.load == load;
  });
}

std::vector<tracker_wire::PeerMessage> Harness::sent_to_tracker() const {
  std::vector<tracker_wire::PeerMessage> found;
  for (const Seen& seen : all(CommandKind::kSocketSend)) {
    const tracker_wire::PeerParseResult parsed = tracker_wire::parse_from_peer(seen.text);
    REQUIRE(std::holds_alternative<tracker_wire::PeerMessage>(parsed));
    found.push_back(std::get<tracker_wire::PeerMessage>(parsed));
  }
  return found;
}
std::vector<peer::Message> Harness::sent_to(int32_t peer) const {
  std::vector<peer::Message> found;
  for (const Seen& seen : log) {
    if (seen.kind != CommandKind::kChannelSendText || seen.peer != peer) continue;
    peer::ParseResult parsed = peer::parse(seen.text);
    REQUIRE(std::holds_alternative<peer::Message>(parsed));
    found.push_back(std::move(std::get<peer::Message>(parsed)));
  }
  return found;
}

}  // namespace hlsmesh::test

#include "sim/viewer.hpp"

#include <algorithm>
#include <utility>

#include "client/clock.hpp"

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

// HTMLMediaElement fires timeupdate about four times a second.
constexpr milliseconds kPlayheadInterval{250};
constexpr milliseconds kTimerResolution{1};

// What a site would give; the simulated tracker's host admits everybody.
constexpr std::string_view kToken = "a token";

std::string address_of(ViewerId id) {
  const int32_t n = id.value();
  return "10." + std::to_string(n >> 16 & 255) + '.' + std::to_string(n >> 8 & 255) + '.' +
         std::to_string(n & 255);
}

}  // namespace

Viewer::Viewer(World world, ViewerId id, const ViewerConfig& config, uint64_t seed)
    : world_(world),
      id_(id),
      config_(config),
      seed_(seed),
      player_(config.player, world.content, world.queue, *this),
      fault_(config.fault) {
  world_.queue.at(config_.join_at, [this] { join(); });
}

void Viewer::join() {
  if (gone_) return;
  access_ = {world_.network.add_line(config_.up_bits_per_second),
             world_.network.add_line(config_.down_bits_per_second), config_.latency};
  world_.rtc.attach(id_, *this, access_);
  if (config_.p2p_refused) world_.rtc.block(id_);
  player_.start();
  world_.queue.after(config_.core_ready, [this] { core_ready(); });
}

void Viewer::core_ready() {
  if (gone_) return;
  EngineConfig config;
  config.seed = seed_;
  config.channel = world_.content.channel();
  config.browser = "Chromium";
  config.os = "Linux";
  config.mobile = config_.mobile;
  config.cache_bytes = config_.cache_bytes;
  config.p2p = config_.p2p;
  config.upload = config_.upload;
  config.limits = config_.limits;
  CommandSink& sink = *this;
  port_ = std::make_unique<EnginePort>(config, sink, config_.observer);
  port_->start(now());
  port_->set_live(world_.content.config().live);
  port_->clear_renditions(world_.content.channel());
  for (const RenditionFacts& facts : world_.content.renditions()) port_->add_rendition(facts);
  PlayerConditions conditions;
  conditions.max_buffer = seconds(config_.player.buffer_goal);
  port_->conditions(now(), conditions);
  adopt_earlier_loads();
  on_playlists();
  wake();
  playhead_tick();
}

// Bytes that came before the engine can still be shared.
void Viewer::adopt_earlier_loads() {
  for (const Load& before : before_core_) {
    const LoadId load(next_load_++);
    SegmentLoad what = describe(before.request);
    what.from_cdn = true;
    port_->load(now(), load, what);
    body_from_cdn(load, before);
  }
  before_core_.clear();
  for (const auto& [load, pending] : loads_) {
    SegmentLoad what = describe(pending.request);
    what.from_cdn = true;
    port_->load(now(), load, what);
  }
}

SegmentLoad Viewer::describe(const SegmentRequest& request) const {
  SegmentLoad what;
  what.kind = request.rendition.kind;
  what.rendition_index = request.rendition.index;
  what.sn = request.sn;
  what.url = world_.content.url(request.sn);
  what.span = {seconds(request.start), seconds(world_.content.config().segment_duration)};
  return what;
}

void Viewer::body_from_cdn(LoadId id, const Load& load) {
  const SegmentRequest& request = load.request;
  std::vector<uint8_t> body(world_.content.segment_bytes(request.rendition, request.sn));
  fill_body(Content::tag(request.rendition, request.sn), 0, body);
  // As far as a page can tell: two round trips at least until the first byte, at whole
  // milliseconds.
  const auto whole = std::chrono::duration_cast<DurationMs>(load.took);
  const auto first = std::min(whole, std::chrono::duration_cast<DurationMs>(config_.latency * 4));
  port_->fetch_done(now(), id, body, to_ms(first), to_ms(whole - first));
}

void Viewer::leave() {
  if (gone_) return;
  if (port_) port_->stop(now());
  end();
}

void Viewer::vanish() {
  if (gone_) return;
  if (socket_.value() != 0) world_.tracker.vanish(socket_);
  world_.rtc.vanish(id_);
  end();
}

// Keeps the figures and gives back the memory.
void Viewer::end() {
  player_.stop();
  figures_ = figures();
  for (const auto& [fetch, load] : fetches_) world_.cdn.cancel(fetch);
  fetches_.clear();
  gone_ = true;
  port_.reset();
}

void Viewer::refuse_connections() {
  if (port_) port_->connection_refused(now());
}

void Viewer::fail_to_decode() {
  if (port_) port_->verdict(now(), LoadId(0), seconds(player_.position()));
}

void Viewer::pause() {
  player_.pause();
  report_playhead();
}

void Viewer::resume() {
  player_.resume();
  report_playhead();
}

void Viewer::set_upload(bool enabled) {
  if (!port_) return;
  port_->set_upload(now(), enabled);
  wake();
}

void Viewer::show_stats() {
  if (port_) port_->show_stats();
}

ViewerFigures Viewer::figures() const {
  ViewerFigures out = figures_;
  out.player = player_.figures();
  if (port_) {
    out.engine = port_->engine().stats();
    out.command_count = port_->command_count();
    out.command_digest = port_->command_digest();
  }
  return out;
}

void Viewer::report_playhead() {
  if (!port_) return;
  PlayheadReport report;
  report.current_time = seconds(player_.position());
  report.buffered_end = seconds(std::max(player_.position(), player_.buffered_end()));
  // A stalled element keeps its rate; it is 0 only while paused.
  report.playback_rate = player_.paused() ? 0 : 1;
  port_->playhead(now(), report);
  wake();
}

void Viewer::playhead_tick() {
  if (gone_) return;
  report_playhead();
  world_.queue.after(kPlayheadInterval, [this] { playhead_tick(); });
}

void Viewer::wake() {
  if (!port_) return;
  const std::optional<TimeMs> next = port_->next_timeout();
  if (next) arm(std::max(Time(*next), world_.queue.now()));
}

// Keeps only the earliest wake-up; a later one is found again from there.
void Viewer::arm(Time due) {
  if (armed_ && *armed_ <= due) return;
  armed_ = due;
  world_.queue.at(due, [this] {
    if (armed_ != world_.queue.now()) return;
    armed_.reset();
    if (port_) timer_fired();
  });
}

void Viewer::timer_fired() {
  const std::optional<TimeMs> due = port_->next_timeout();
  if (!due || *due > now()) return wake();
  port_->timeout(now());
  const std::optional<TimeMs> next = port_->next_timeout();
  if (next && *next <= now()) {
    // A wake-up that achieved nothing would spin in a page, at its timers' resolution.
    ++figures_.idle_wakeups;
    arm(world_.queue.now() + kTimerResolution);
  } else {
    wake();
  }
}

void Viewer::on_command(const Command& command) {
  const PeerHandle peer = command.peer;
  switch (command.kind) {
    case CommandKind::kNone:
    case CommandKind::kLoadProgress:
    case CommandKind::kEvent:
      break;
    case CommandKind::kSocketOpen:
      if (socket_.value() != 0) ++figures_.stray_commands;
      socket_ = world_.tracker.open(*this, config_.latency, address_of(id_));
      break;
    case CommandKind::kSocketSend:
      if (socket_.value() == 0) ++figures_.stray_commands;
      world_.tracker.send(socket_, std::string(command.text));
      break;
    case CommandKind::kSocketClose:
      world_.tracker.close(socket_);
      socket_ = ConnId{};
      break;
    case CommandKind::kPeerDial:
      world_.rtc.dial(id_, peer);
      break;
    case CommandKind::kPeerAnswer:
      world_.rtc.answer(id_, peer);
      break;
    case CommandKind::kPeerSignal:
      world_.rtc.signal(id_, peer, command.text);
      break;
    case CommandKind::kPeerClose:
      world_.rtc.close(id_, peer);
      break;
    case CommandKind::kChannelSendText:
    case CommandKind::kChannelSendBinary:
      send(command);
      break;
    case CommandKind::kLoadFromCdn: {
      const auto it = loads_.find(command.load);
      if (it == loads_.end() || it->second.fetch.value() != 0) {
        ++figures_.stray_commands;
        break;
      }
      const SegmentRequest& request = it->second.request;
      it->second.fetch = world_.cdn.fetch(*this, access_, request.rendition, request.sn);
      it->second.fetch_began = world_.queue.now();
      fetches_[it->second.fetch] = command.load;
      break;
    }
    case CommandKind::kLoadDone:
      take_segment(command);
      break;
    case CommandKind::kRenewToken:
      world_.queue.after(config_.latency, [this] { on_socket_open(); });
      break;
    case CommandKind::kListSegments:
      world_.queue.after(Duration{},
                         [this, kind = static_cast<TrackKind>(command.code),
                          from = from_seconds(command.t0), until = from_seconds(command.t1)] {
                           if (port_) list_segments(kind, from, until);
                         });
      break;
  }
}

void Viewer::list_segments(TrackKind kind, Duration from, Duration until) {
  for (const SegmentRequest& request : player_.segments_between(kind, from, until)) {
    port_->list_segment(now(), describe(request));
  }
  wake();
}

void Viewer::send(const Command& command) {
  Message message;
  message.text = command.kind == CommandKind::kChannelSendText;
  if (message.text) {
    message.bytes.assign(command.text.begin(), command.text.end());
  } else {
    message.bytes.assign(command.data.begin(), command.data.end());
  }
  message.size = message.bytes.size();
  std::optional<Message> out = fault_.pass(command.peer, std::move(message));
  if (std::optional<Repeated> repeated = fault_.take_repeated()) {
    repeat(command.peer, std::move(*repeated));
  }
  if (!out) {
    // The engine believes it sent: its queue drains all the same.
    if (command.kind == CommandKind::kChannelSendBinary) world_.rtc.touch(id_, command.peer);
    return;
  }
  if (!world_.rtc.send(id_, command.peer, std::move(*out))) ++figures_.stray_commands;
}

void Viewer::repeat(PeerHandle peer, Repeated what) {
  if (what.times == 0) return;
  --what.times;
  const Duration every = what.every;
  world_.queue.after(every, [this, peer, repeated = std::move(what)] {
    if (!gone_ && world_.rtc.send(id_, peer, repeated.message)) repeat(peer, repeated);
  });
}

void Viewer::take_segment(const Command& command) {
  const auto it = loads_.find(command.load);
  if (it == loads_.end() || it->second.fetch.value() != 0) {
    ++figures_.stray_commands;
    return;
  }
  const SegmentRequest request = it->second.request;
  loads_.erase(it);
  const size_t size = world_.content.segment_bytes(request.rendition, request.sn);
  if (command.data.size() != size ||
      !is_body(Content::tag(request.rendition, request.sn), 0, command.data)) {
    ++figures_.wrong_bodies;
  }
  figures_.p2p_bytes += command.data.size();
  ++figures_.segments;
  world_.queue.after(Duration{}, [this, rendition = request.rendition, sn = request.sn] {
    player_.on_segment(rendition, sn);
  });
}

void Viewer::on_local_signal(PeerHandle peer, const std::string& json) {
  if (!port_) return;
  port_->peer_signal(now(), peer, json);
  wake();
}

void Viewer::on_channel_open(PeerHandle peer, size_t max_message_bytes) {
  if (!port_) return;
  port_->channel_open(now(), peer, max_message_bytes);
  wake();
}

void Viewer::on_channel_message(PeerHandle peer, const Message& message) {
  if (!port_) return;
  if (message.text) {
    port_->channel_text(
        now(), peer, {reinterpret_cast<const char*>(message.bytes.data()), message.bytes.size()});
  } else {
    port_->channel_binary(now(), peer, message.bytes);
  }
  wake();
}

void Viewer::on_channel_writable(PeerHandle peer, size_t buffered) {
  if (!port_) return;
  port_->channel_writable(now(), peer, buffered);
  wake();
}

void Viewer::on_connection_closed(PeerHandle peer) {
  if (!port_) return;
  port_->peer_closed(now(), peer);
  wake();
}

void Viewer::on_socket_open() {
  if (!port_) return;
  port_->socket_open(now(), kToken);
  wake();
}

void Viewer::on_socket_text(const std::string& text) {
  if (!port_) return;
  port_->socket_text(now(), text);
  wake();
}

void Viewer::on_socket_closed() {
  socket_ = ConnId{};
  if (!port_) return;
  port_->socket_closed(now());
  wake();
}

void Viewer::on_cdn_done(FetchId fetch) {
  const auto it = fetches_.find(fetch);
  if (gone_ || it == fetches_.end()) return;
  const LoadId load = it->second;
  fetches_.erase(it);
  Load done = loads_[load];
  done.took = world_.queue.now() - done.fetch_began;
  const SegmentRequest& request = done.request;
  loads_.erase(load);
  figures_.cdn_bytes += world_.content.segment_bytes(request.rendition, request.sn);
  ++figures_.segments;
  if (port_) {
    body_from_cdn(load, done);
    wake();
  } else {
    before_core_.push_back(done);
  }
  player_.on_segment(request.rendition, request.sn);
}

void Viewer::on_cdn_failed(FetchId fetch) {
  const auto it = fetches_.find(fetch);
  if (gone_ || it == fetches_.end()) return;
  const LoadId load = it->second;
  fetches_.erase(it);
  const SegmentRequest request = loads_[load].request;
  loads_.erase(load);
  if (port_) {
    port_->fetch_failed(now(), load);
    wake();
  }
  player_.on_error(request.rendition, request.sn);
}

void Viewer::load_segment(const SegmentRequest& request) {
  const LoadId load(next_load_++);
  loads_[load] = Load{request, FetchId{}};
  if (port_) {
    report_playhead();
    port_->load(now(), load, describe(request));
    wake();
    return;
  }
  const FetchId fetch = world_.cdn.fetch(*this, access_, request.rendition, request.sn);
  loads_[load].fetch = fetch;
  loads_[load].fetch_began = world_.queue.now();
  fetches_[fetch] = load;
}

void Viewer::abort_segment(RenditionId rendition, MediaSequence sn) {
  for (auto it = loads_.begin(); it != loads_.end(); ++it) {
    const SegmentRequest& request = it->second.request;
    if (!(request.rendition == rendition) || request.sn != sn) continue;
    const LoadId load = it->first;
    if (it->second.fetch.value() != 0) {
      world_.cdn.cancel(it->second.fetch);
      fetches_.erase(it->second.fetch);
    }
    loads_.erase(it);
    if (port_) {
      port_->load_aborted(now(), load);
      wake();
    }
    return;
  }
}

void Viewer::on_playlists() {
  if (!port_) return;
  const Playlist* playlist = player_.playlist();
  for (const TrackKind kind : {TrackKind::kMain, TrackKind::kAudio}) {
    if (kind == TrackKind::kAudio && !world_.content.has_audio()) continue;
    const RenditionId rendition = player_.rendition(kind);
    if (playlist != nullptr && playlist->first <= playlist->last) {
      PlaylistFacts facts;
      facts.first = static_cast<double>(playlist->first.value());
      facts.newest = static_cast<double>(playlist->last.value());
      facts.target_duration = seconds(world_.content.config().segment_duration);
      facts.live = !playlist->ended;
      port_->playlist_loaded(now(), rendition, facts);
    }
    port_->playlist(now(), rendition);
  }
  wake();
}

void Viewer::load_again() {
  if (port_) port_->presentation(now());
  on_playlists();
  player_.seek(Duration{});
}

Time Viewer::playlist_at() { return world_.cdn.playlist_at(access_); }

}  // namespace hlsmesh::sim

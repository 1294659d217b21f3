#include "sim/viewer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/random.hpp"

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

// HTMLMediaElement fires timeupdate about four times a second.
constexpr milliseconds kPlayheadInterval{250};
constexpr milliseconds kTimerResolution{1};

// What a site would give; the simulated tracker's host admits everybody.
constexpr std::string_view kToken = "a token";

// Each in a /24 of its own, as viewers are who are not neighbors.
std::string address_of(ViewerId id) {
  const int32_t n = id.value();
  return std::to_string(32 + (n >> 16 & 63)) + '.' + std::to_string(n >> 8 & 255) + '.' +
         std::to_string(n & 255) + ".1";
}

// A false report in place of a true one.
std::string accusing(std::string text) {
  constexpr std::string_view kReason = ",\"reason\":";
  if (text.find("\"dc_closed\"") == std::string::npos) return text;
  text.resize(std::min(text.find(kReason), text.size() - 1));
  return text + std::string(kReason) + "\"polluted\"}";
}

}  // namespace

Viewer::Viewer(World world, ViewerId id, const ViewerConfig& config, uint64_t seed)
    : world_(world),
      id_(id),
      config_(config),
      seed_(seed),
      player_(config.player, world.content, world.queue, *this),
      loader_(world.queue, world.content, world.cdn, player_, *this),
      fault_(config.fault),
      alarm_(world.queue, [this] {
        if (port_) timer_fired();
      }) {
  world_.queue.at(config_.join_at, [this] { join(); });
}

void Viewer::join() {
  if (gone_) return;
  const auto [up, down] = lines();
  access_ = {up,           down,         config_.latency, config_.nat,
             config_.loss, config_.kind, config_.isp,     config_.office};
  if (config_.browser.send_queue_bytes > 0) {
    access_.send_queue_bytes = config_.browser.send_queue_bytes;
  }
  loader_.attach(access_, config_.streams);
  loader_.set_late(config_.late);
  world_.rtc.attach(id_, *this, access_);
  if (config_.p2p_refused) world_.rtc.block(id_);
  player_.start();
  world_.queue.after(config_.core_ready, [this] { core_ready(); });
}

std::pair<LineId, LineId> Viewer::lines() {
  const auto known = world_.offices.find(config_.office);
  if (known != world_.offices.end()) return known->second;
  const LineId up = world_.network.add_line(config_.up_bits_per_second);
  const LineId down = world_.network.add_line(config_.down_bits_per_second);
  if (config_.office > 0) world_.offices[config_.office] = {up, down};
  return {up, down};
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
  config.checks = config_.checks;
  CommandSink& sink = *this;
  port_ = std::make_unique<EnginePort>(config, sink, config_.observer);
  port_->start(now());
  port_->set_live(world_.content.config().live);
  port_->clear_renditions(world_.content.channel());
  for (const RenditionFacts& facts : world_.content.renditions()) port_->add_rendition(facts);
  PlayerConditions conditions;
  conditions.max_buffer = seconds(config_.player.buffer_goal);
  port_->conditions(now(), conditions);
  loader_.adopt_earlier_loads();
  on_playlists();
  wake();
  playhead_tick();
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
  loader_.stop();
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
  static_cast<LoaderFigures&>(out) = loader_.figures();
  out.stray_commands += stray_commands_;
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
  if (next) alarm_.set(Time(*next) + lateness(*next));
}

// The same for each time that it is asked for.
Duration Viewer::lateness(TimeMs due) const {
  if (config_.browser.late_timers <= Duration{}) return {};
  Random random(seed_ ^ static_cast<uint64_t>(due.time_since_epoch().count()));
  random.next();
  return Duration(random.below(static_cast<uint32_t>(config_.browser.late_timers.count())));
}

void Viewer::be_well() { config_.browser = BrowserFaults{}; }

void Viewer::timer_fired() {
  const std::optional<TimeMs> due = port_->next_timeout();
  if (!due || *due > now()) return wake();
  port_->timeout(now());
  const std::optional<TimeMs> next = port_->next_timeout();
  if (next && *next <= now()) {
    // A wake-up that achieved nothing would spin in a page, at its timers' resolution.
    ++figures_.idle_wakeups;
    alarm_.set(world_.queue.now() + kTimerResolution);
  } else {
    wake();
  }
}

void Viewer::on_command(const HmCommand& command) {
  const PeerHandle peer(command.peer);
  switch (static_cast<CommandKind>(command.kind)) {
    case CommandKind::kNone:
    case CommandKind::kLoadProgress:
      break;
    case CommandKind::kEvent:
      if (static_cast<EventCode>(command.code) != EventCode::kPeerMisbehaved) break;
      if (const auto who = world_.rtc.other(id_, peer)) dropped_.push_back(*who);
      break;
    case CommandKind::kSocketOpen:
      if (socket_.value() != 0) ++stray_commands_;
      socket_ = world_.tracker.open(
          *this, config_.latency,
          {config_.office > 0 ? "192.0.2." + std::to_string(config_.office) : address_of(id_),
           config_.isp > 0 ? "isp " + std::to_string(config_.isp) : ""});
      break;
    case CommandKind::kSocketSend:
      if (socket_.value() == 0) ++stray_commands_;
      world_.tracker.send(socket_, config_.accuses ? accusing(std::string(text_of(command)))
                                                   : std::string(text_of(command)));
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
      world_.rtc.signal(id_, peer, text_of(command));
      break;
    case CommandKind::kPeerClose:
      world_.rtc.close(id_, peer);
      break;
    case CommandKind::kChannelSendText:
    case CommandKind::kChannelSendBinary:
      send(peer, command);
      break;
    case CommandKind::kFetch:
      loader_.fetch(command);
      break;
    case CommandKind::kLoadDone:
      loader_.take(command);
      break;
    case CommandKind::kRenewToken:
      world_.queue.after(config_.latency, [this] { on_socket_open(); });
      break;
    case CommandKind::kFetchDigests:
      world_.queue.after(config_.latency * 2, [this, kind = static_cast<TrackKind>(command.code),
                                               index = static_cast<int32_t>(command.aux)] {
        if (!port_) return;
        const RenditionId rendition{kind, index};
        const std::string file = world_.content.digests(rendition, world_.queue.now());
        port_->digests(now(), rendition, world_.content.config().digests ? &file : nullptr);
        wake();
      });
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
    port_->list_segment(now(), loader_.describe(request));
  }
  wake();
}

void Viewer::send(PeerHandle peer, const HmCommand& command) {
  const bool text = command.kind == static_cast<int32_t>(CommandKind::kChannelSendText);
  Message message;
  message.text = text;
  message.size = command.text_size + command.data_size;
  if (text) {
    message.own.assign(command.text, command.text + command.text_size);
  } else {
    message.head = text_of(command);
    message.piece = world_.content.piece(data_of(command));
    if (message.piece.body == nullptr)
      message.own.assign(data_of(command).begin(), data_of(command).end());
    if (message.head.size() > peer::kDataHeaderBytes) {
      // Digests stand in the engine's text.
      message.own.assign(message.head.begin() + peer::kDataHeaderBytes, message.head.end());
      message.head.resize(peer::kDataHeaderBytes);
    }
  }
  show_at_most(config_.extension, message);
  std::optional<Message> out = fault_.pass(world_.queue.now(), peer, std::move(message));
  // The engine believes it sent: its queue drains all the same.
  if (!out && !text) world_.rtc.touch(id_, peer);
  if (std::find(lost_.begin(), lost_.end(), peer) != lost_.end()) return;
  if (out) {
    const Rtc::Sent sent = world_.rtc.send(id_, peer, std::move(*out));
    if (sent == Rtc::Sent::kNotOpen) ++stray_commands_;
    if (sent == Rtc::Sent::kQueueFull) return lose(peer);
  }
  send_repeated(peer);
  if (fault_.take_close()) lose(peer);
}

void Viewer::send_repeated(PeerHandle peer) {
  for (Repeated& each : fault_.take_repeated()) repeat(peer, std::move(each));
}

void Viewer::lose(PeerHandle peer) {
  lost_.push_back(peer);
  world_.rtc.close(id_, peer);
  world_.queue.after(Duration{}, [this, peer] {
    std::erase(lost_, peer);
    on_connection_closed(peer);
  });
}

void Viewer::repeat(PeerHandle peer, Repeated what) {
  if (what.times == 0) return;
  --what.times;
  const Duration every = what.every;
  const auto once = [this, peer, repeated = std::move(what)] {
    if (gone_) return;
    if (world_.rtc.send(id_, peer, repeated.message) == Rtc::Sent::kYes) repeat(peer, repeated);
  };
  if (every <= Duration{}) return once();
  world_.queue.after(every, once);
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
  const bool heard = fault_.hears(peer, message);
  send_repeated(peer);
  if (!heard) return;
  if (message.text && config_.extension < peer::kExtension) {
    Message shown = message;
    show_at_most(config_.extension, shown);
    port_->channel_text(now(), peer, shown.as_text());
  } else if (message.text) {
    port_->channel_text(now(), peer, message.as_text());
  } else {
    port_->channel_binary(now(), peer, message.head,
                          {message.piece.body, message.piece.offset, message.bytes()});
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

void Viewer::load_segment(const SegmentRequest& request) {
  report_playhead();
  loader_.load(request);
}

void Viewer::abort_segment(RenditionId rendition, MediaSequence sn) {
  loader_.abort(rendition, sn);
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
      facts.digests = world_.content.config().digests;
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

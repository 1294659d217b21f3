#include "client/engine.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "client/engine_impl.hpp"

namespace hlsmesh {
namespace {

// New connections, dialled and answered each: a tracker that introduces us without end, or dials
// that all fail, must not run a page into Chromium's limit of 500 connections, against which closed
// ones count until they are collected, within 30 s. The two budgets are apart, so that strangers
// who offer do not keep us from dialling.
constexpr int64_t kConnectionBurst = 32;
constexpr DurationMs kConnectionInterval{1'000};

}  // namespace

Engine::Impl::Impl(EngineConfig config)
    : config_(std::move(config)),
      random_(config_.seed),
      cache_(config_.cache_bytes),
      tracker_(commands_, random_),
      dials_(kConnectionBurst, kConnectionInterval),
      answers_(kConnectionBurst, kConnectionInterval),
      p2p_(config_.p2p),
      upload_(config_.upload),
      parts_(config_.parts.value_or(false)),
      idle_(config_.parts.value_or(true)) {
  tracker_.set_count(config_.tracker_count);
  plan_.set_limit(config_.prefetch_seconds);
  set_limits(config_.limits);
}

void Engine::Impl::start(TimeMs now) {
  if (started_ || stopped_) return;
  started_ = true;
  active_at_ = now;
  follow_activity(now, false);
  if (parts_) commands_.event(EventCode::kPartsOnly);
}

void Engine::Impl::follow_activity(TimeMs now, bool was_active) {
  if (active() == was_active) return;
  if (was_active) {
    suspend(now);
  } else {
    begin_session(now);
  }
}

void Engine::Impl::set_idle(TimeMs now, bool idle) {
  if (idle_ == idle) return;
  const bool was_active = active();
  idle_ = idle;
  follow_activity(now, was_active);
}

void Engine::Impl::begin_session(TimeMs now) {
  // Opening the socket, entering and being introduced: longer than that is not a start-up any more.
  constexpr DurationMs kStartUp{3'000};
  parent_hope_until_ = now + kStartUp;
  tracker_.start(now);
}

void Engine::Impl::stop(TimeMs now) {
  if (stopped_) return;
  stopped_ = true;
  suspend(now);
}

// Ends all that has to do with the tracker and with peers.
void Engine::Impl::suspend(TimeMs now) {
  parent_hope_until_ = now;
  for (auto& [id, load] : loads_) {
    if (load.state == Load::State::kAsking) {
      if (PeerSession* peer = find_peer(load.parent)) peer->requester->detach(id);
    }
    if (load.state != Load::State::kAtCdn) go_to_cdn(now, load);
  }
  // The tracker hears of our leaving first: what it would do about lost connections is idle.
  tracker_.leave();
  statistics_due_ = kNever;
  for (auto& [handle, peer] : peers_) {
    end_peer(now, peer, PeerEnd::kClosedByUs, FallbackReason::kPeerLost);
  }
}

void Engine::Impl::set_p2p(TimeMs now, bool enabled) {
  const bool was_active = active();
  p2p_ = enabled;
  follow_activity(now, was_active);
}

void Engine::Impl::set_upload(TimeMs now, bool enabled) {
  if (upload_ == enabled) return;
  upload_ = enabled;
  if (!enabled) end_children(now);
}

void Engine::Impl::set_limits(const EngineLimits& limits) {
  config_.limits = limits;
  upload_budget_.set(limits.upload_bytes_per_second, limits.upload_bytes);
}

void Engine::Impl::end_children(TimeMs now) {
  for (auto& [handle, peer] : peers_) {
    if (peer.uploader && (!may_upload() || peer.uploader->idle())) {
      end_peer(now, peer, PeerEnd::kClosedByUs, FallbackReason::kPeerLost);
    }
  }
}

void Engine::Impl::clear_renditions(std::string source) {
  renditions_.clear(std::move(source));
  sizes_.clear();
  plan_.clear();
}

void Engine::Impl::add_rendition(RenditionFacts facts) { renditions_.add(std::move(facts)); }

void Engine::Impl::settle(TimeMs now) {
  give_back_parent(now);
  for (auto entry = loads_.begin(); entry != loads_.end();) {
    const LoadId id = entry->first;
    if (entry->second.state == Load::State::kWaiting) decide_load(now, entry->second);
    // Deciding may have ended the load, and no other.
    entry = loads_.lower_bound(id);
    if (entry != loads_.end() && entry->first == id) ++entry;
  }
  if (retell_ && newest(now).value() >= 0) {
    retell_ = false;
    tell_current(now);
  }
  pump_children(now);
  // Children of a parent that refuses everything are better off with another.
  if (!serves()) end_children(now);
  tell_facts(now);
  tell_idle(now);
  prefetch(now);
}

void Engine::Impl::leave(TimeMs now, bool settles) {
  if (settles) settle(now);
  if (ended_) {
    ended_ = false;
    for (auto peer = peers_.begin(); peer != peers_.end();) {
      peer = peer->second.ended ? peers_.erase(peer) : ++peer;
    }
  }
  assert(audit().empty());
}

void Engine::Impl::on_timeout(TimeMs now) {
  if (tracker_.on_timeout(now)) {
    parent_hope_until_ = now;
    statistics_due_ = kNever;
  }
  if (now >= statistics_due_) report_statistics(now);
  if (now >= alone_due_) {
    alone_due_ = kNever;
    alone_told_ = tracker_.joined();
    if (alone_told_) commands_.event(EventCode::kAlone, last_handle_);
  }
  if (now >= line_free_at_) line_free_at_ = kNever;
  // Loads first: a request that nobody waits for any more is not repeated.
  for (auto& [id, load] : loads_) {
    if (load.state == Load::State::kAsking && now >= load.due) {
      review(now, load);
    }
  }
  for (auto& [handle, peer] : peers_) on_peer_timeout(now, peer);
}

const Command* Engine::Impl::poll() {
  const Command* command = commands_.pop();
  if (command != nullptr && command->kind == CommandKind::kChannelSendBinary) {
    if (PeerSession* peer = find_peer(command->peer)) {
      peer->channel.on_handed_over(command->data.size());
    }
  }
  return command;
}

std::optional<TimeMs> Engine::Impl::next_timeout() const {
  TimeMs due =
      std::min({tracker_.next_due(), statistics_due_, facts_due(), line_free_at_, alone_due_});
  if (!idle_told_ && tracker_.joined() && tracker_.level() >= 1) due = std::min(due, idle_at());
  for (const auto& [handle, peer] : peers_) due = std::min(due, next_due(peer));
  for (const auto& [id, load] : loads_) {
    if (load.state != Load::State::kAtCdn) due = std::min(due, load.due);
  }
  if (due == kNever) return std::nullopt;
  return due;
}

EngineStats Engine::Impl::stats() const {
  EngineStats stats = stats_;
  const CacheCounts counts = cache_.counts();
  stats.cache_hits = counts.hits;
  stats.cache_misses = counts.misses;
  stats.cache_evictions = counts.evictions;
  stats.cache_bytes = cache_.bytes();
  stats.parents = open_parents();
  stats.children = open_children();
  return stats;
}

std::list<PeerInfo> Engine::Impl::peers() const {
  std::list<PeerInfo> infos;
  for (const auto& [handle, peer] : peers_) {
    PeerInfo& info = infos.emplace_back();
    info.handle = handle;
    info.id = peer.remote.text;
    info.is_parent = peer.is_parent();
    info.open = peer.open;
    info.version1 = peer.level < 1;
    info.received_bytes = peer.received_bytes;
    info.sent_bytes = peer.sent_bytes;
    const std::optional<DurationMs> round_trip = peer.liveness.round_trip();
    if (round_trip) info.rtt_ms = to_ms(*round_trip);
  }
  return infos;
}

Engine::Engine(EngineConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
Engine::~Engine() = default;

void Engine::start(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->start(now);
}
void Engine::stop(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->stop(now);
}
void Engine::set_p2p(TimeMs now, bool enabled) {
  const Impl::Gate gate(*impl_, now);
  impl_->set_p2p(now, enabled);
}
void Engine::set_upload(TimeMs now, bool enabled) {
  const Impl::Gate gate(*impl_, now);
  impl_->set_upload(now, enabled);
}
void Engine::set_limits(TimeMs now, const EngineLimits& limits) {
  const Impl::Gate gate(*impl_, now);
  impl_->set_limits(limits);
}
void Engine::set_prefetch(TimeMs now, double seconds) {
  const Impl::Gate gate(*impl_, now);
  impl_->set_prefetch(seconds);
}
void Engine::on_socket_open(TimeMs now, std::string_view token) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_socket_open(now, token);
}
void Engine::on_socket_text(TimeMs now, std::string_view text) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_socket_text(now, text);
}
void Engine::on_socket_closed(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_socket_closed(now);
}
void Engine::on_peer_signal(TimeMs now, PeerHandle peer, std::string_view json) {
  Impl::Gate gate(*impl_, now);
  gate.quiet();
  impl_->on_peer_signal(peer, json);
}
void Engine::on_channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_channel_open(now, peer, max_message_bytes);
}
void Engine::on_channel_text(TimeMs now, PeerHandle peer, std::string_view text) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_channel_text(now, peer, text);
}
MutableBytes Engine::reserve_channel_binary(PeerHandle peer, size_t size) {
  return impl_->reserve_channel_binary(peer, size);
}
void Engine::on_channel_binary(TimeMs now, PeerHandle peer, size_t size) {
  Impl::Gate gate(*impl_, now);
  if (!impl_->on_channel_binary(now, peer, size)) gate.quiet();
}
void Engine::on_channel_writable(TimeMs now, PeerHandle peer, size_t buffered_amount) {
  Impl::Gate gate(*impl_, now);
  gate.quiet();  // what it concerns, children and the line, it settles itself
  impl_->on_channel_writable(now, peer, buffered_amount);
}
void Engine::on_peer_closed(TimeMs now, PeerHandle peer) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_peer_closed(now, peer);
}
void Engine::on_connection_refused(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_connection_refused(now);
}
void Engine::clear_renditions(std::string source) { impl_->clear_renditions(std::move(source)); }
void Engine::add_rendition(RenditionFacts facts) { impl_->add_rendition(std::move(facts)); }
void Engine::set_live(bool live) { impl_->set_live(live); }
void Engine::on_playhead(TimeMs now, const PlayheadReport& report) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_playhead(now, report);
}
void Engine::on_conditions(TimeMs now, const PlayerConditions& conditions) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_conditions(now, conditions);
}
void Engine::on_playlist(TimeMs now, TrackKind kind, int32_t rendition_index) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_playlist(kind, rendition_index);
}
void Engine::list_segment(TimeMs now, SegmentLoad what) {
  const Impl::Gate gate(*impl_, now);
  impl_->list_segment(std::move(what));
}
void Engine::on_presentation(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_presentation(now);
}
void Engine::on_playlist_loaded(TimeMs now, TrackKind kind, int32_t rendition_index,
                                const PlaylistFacts& facts) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_playlist_loaded(now, kind, rendition_index, facts);
}
void Engine::on_load(TimeMs now, LoadId load, SegmentLoad what) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_load(now, load, std::move(what));
}
void Engine::on_load_aborted(TimeMs now, LoadId load) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_load_aborted(load);
}
bool Engine::on_verdict(TimeMs now, LoadId load, double seconds) {
  const Impl::Gate gate(*impl_, now);
  return impl_->on_verdict(now, load, seconds);
}
MutableBytes Engine::reserve_fetch(LoadId load, size_t size) {
  return impl_->reserve_fetch(load, size);
}
void Engine::on_fetch_done(TimeMs now, LoadId load, size_t size, double first_byte_ms,
                           double body_ms) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_fetch_done(now, load, size, first_byte_ms, body_ms);
}
void Engine::on_fetch_failed(TimeMs now, LoadId load) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_fetch_failed(now, load);
}
void Engine::on_timeout(TimeMs now) {
  const Impl::Gate gate(*impl_, now);
  impl_->on_timeout(now);
}
const Command* Engine::poll() { return impl_->poll(); }
std::optional<TimeMs> Engine::next_timeout() const { return impl_->next_timeout(); }
EngineStats Engine::stats() const { return impl_->stats(); }
std::list<PeerInfo> Engine::peers() const { return impl_->peers(); }
const SegmentCache& Engine::cache() const { return impl_->cache(); }
std::string_view Engine::audit() const { return impl_->audit(); }

}  // namespace hlsmesh

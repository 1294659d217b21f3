#include "client/engine.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

namespace hlsmesh {
namespace {

// Opening the socket, entering and being introduced: longer than that is not a start-up any more.
constexpr DurationMs kStartUp{3'000};

}  // namespace

Engine::Engine(const EngineConfig& config)
    : config_(config),
      random_(config_.seed),
      tracker_(commands_, random_),
      reports_(tracker_, stats_, is_shadow()),
      downloads_(commands_, renditions_, stats_, config_.cache_bytes),
      mesh_(commands_, downloads_, stats_, random_),
      player_(renditions_, downloads_.shelf),
      loads_(commands_, player_, downloads_, mesh_, stats_),
      prefetcher_(commands_, player_, loads_, downloads_, mesh_),
      verdicts_(downloads_.shelf),
      peers_(commands_, tracker_, downloads_, mesh_, stats_, config_),
      dialling_(commands_, tracker_, peers_, config_.limits),
      p2p_(config_.p2p),
      upload_(config_.upload),
      parts_(config_.parts.value_or(false)),
      idle_(config_.parts.value_or(true)),
      shown_(config_.shown) {
  tracker_.set_count(config_.tracker_count);
  downloads_.shelf.trust.set_policy(config_.digests);
  // Another sequence than that of random_.
  downloads_.shelf.checks.begin(~config_.seed, config_.checks);
  player_.plan().set_limit(config_.prefetch_seconds);
  take_limits(config_.limits);
}

// --- the gate

void Engine::enter(TimeMs now) {
  assert(now >= now_);
  now_ = now;
}

void Engine::leave() {
  if (!std::exchange(quiet_, false)) settle();
  peers_.sweep();
  downloads_.sweep();
  assert(audit().empty());
}

// In this order: what has become free is asked for before children get their share of the line, and
// what the player has asked for before what it is going to.
void Engine::settle() {
  mesh_.set_passes_on(peers_.serves());
  mesh_.set_live(player_.is_live());
  loads_.take_outcomes(now_);
  peers_.give_back_parent(now_);
  mesh_.choose_leader(now_, peers_.turns().uplink.bytes_per_ms());
  loads_.settle(now_, peers_.hope());
  if (downloads_.shelf.has_again(now_)) peers_.tell_current(now_);
  peers_.serve(now_);
  reports_.tell_changes(now_, facts(), is_idle());
  if (!active()) return;
  downloads_.shelf.trust.run(now_);
  prefetcher_.run(now_);
  if (!player_.is_live()) return;
  downloads_.for_each([&](Download& download) {
    // What somebody only speaks of may not exist.
    if (download.announced || download.idle() || !(download.listed || download.looked)) return;
    download.announced = true;
    peers_.announce(now_, download.segment);
  });
}

// --- the session

void Engine::start(TimeMs now) {
  const Gate gate(*this, now);
  if (started_ || stopped_) return;
  started_ = true;
  player_.on_active(now);
  follow_presence(false);
}

void Engine::stop(TimeMs now) {
  const Gate gate(*this, now);
  const bool was_present = present();
  stopped_ = true;
  follow_presence(was_present);
}

void Engine::follow_presence(bool was_present) {
  if (present() == was_present) return;
  if (was_present) {
    suspend();
    return;
  }
  loads_.set_active(now_, active());
  if (!peers_.hurried()) peers_.expect_parent(now_ + kStartUp);
  tracker_.start(now_);
}

void Engine::set_idle(bool idle) {
  if (idle_ == idle) return;
  const bool was_present = present();
  idle_ = idle;
  follow_presence(was_present);
}

// Ends all that has to do with the tracker and with peers. The tracker hears of our leaving first:
// what it would do about lost connections is idle.
void Engine::suspend() {
  loads_.set_active(now_, false);
  reports_.on_leaving(now_, is_idle());
  tracker_.leave();
  lose_tracker();
  peers_.end_all(now_);
}

void Engine::lose_tracker() {
  peers_.expect_parent(now_);
  reports_.on_ended();
}

void Engine::set_p2p(TimeMs now, bool enabled) {
  const Gate gate(*this, now);
  const bool was_present = present();
  p2p_ = enabled;
  follow_presence(was_present);
}

// A hidden page serves children: whoever listens to it, or will come back, has a line that costs
// nothing more.
void Engine::follow_upload() {
  peers_.allow_upload(now_,
                      upload_ && (config_.limits.upload_on_metered || !player_.plan().is_costly()));
}

void Engine::set_upload(TimeMs now, bool enabled) {
  const Gate gate(*this, now);
  upload_ = enabled;
  follow_upload();
}

void Engine::set_limits(TimeMs now, const EngineLimits& limits) {
  const Gate gate(*this, now);
  take_limits(limits);
}

void Engine::take_limits(const EngineLimits& limits) {
  // A tracker that knows nothing of comparisons may introduce us all the same.
  config_.limits = is_control() ? EngineLimits{0, 0, 0, 0} : limits;
  peers_.set_upload_limits(config_.limits);
  follow_upload();
}

void Engine::set_prefetch(TimeMs now, double seconds) {
  const Gate gate(*this, now);
  player_.plan().set_limit(seconds);
}

// --- the tracker

Facts Engine::facts() const {
  Facts facts;
  const EngineLimits& limits = config_.limits;
  const double kbps = limits.upload_bytes_per_second * 8 / 1'000;
  if (!peers_.serves()) {
    facts.up_kbps = 0;
  } else if (kbps < INT32_MAX) {
    facts.up_kbps = std::max(static_cast<int32_t>(kbps), 1);
  }
  facts.slots = std::max(limits.max_children, 0);
  if (!is_control()) facts.wants = limits.max_parents;
  facts.quorum = limits.min_viewers;
  return facts;
}

void Engine::on_socket_open(TimeMs now, std::string_view token) {
  const Gate gate(*this, now);
  tracker_wire::Enter enter;
  enter.channel = config_.channel;
  enter.browser = config_.browser;
  enter.device = config_.mobile ? tracker_wire::Device::kMobile : tracker_wire::Device::kPc;
  enter.os = config_.os;
  enter.hlsmesh = tracker_wire::kExtension;
  enter.live = player_.live();
  if (config_.group > Group::kNone) enter.control = is_control();
  const int32_t parents = peers_.table().count(true, true);
  const int32_t children = peers_.table().count(false, true);
  if (parents > 0) enter.parents = parents;
  if (children > 0) enter.children = children;
  reports_.fill(enter, facts(), is_idle());
  enter.token = token;
  tracker_.on_open(now, enter);
}

void Engine::on_socket_closed(TimeMs now) {
  const Gate gate(*this, now);
  tracker_.on_closed(now);
  lose_tracker();
}

void Engine::on_socket_text(TimeMs now, std::string_view text) {
  const Gate gate(*this, now);
  tracker_wire::TrackerFields message;
  if (tracker_wire::read_from_tracker(text, message)) {
    ++stats_.malformed;
    return;
  }
  if (message.action == tracker_wire::TrackerAction::kAccept) {
    if (tracker_.on_accept(now, message)) {
      player_.set_live_by_tracker(tracker_.live());
      reports_.on_accepted(now);
      if (active()) peers_.on_accepted(now);
    }
  } else if (message.action == tracker_wire::TrackerAction::kReject) {
    tracker_.on_reject(now, message.reason);
    lose_tracker();
  }
  tracker_.on_viewers(message.viewers.value_or(0));
  // What follows concerns our connections, which have no name before the `accept`.
  if (tracker_.joined()) dialling_.on_message(now, message);
  tracker_.on_heard(now);
}

// --- peers

void Engine::on_peer_signal(TimeMs now, PeerHandle peer, std::string_view json) {
  const Gate gate(*this, now);
  stay_quiet();
  peers_.on_signal(peer, json);
}

void Engine::on_channel_open(TimeMs now, PeerHandle peer, size_t max_message_bytes) {
  const Gate gate(*this, now);
  peers_.on_open(now, peer, max_message_bytes);
}

void Engine::on_channel_text(TimeMs now, PeerHandle peer, std::string_view text) {
  const Gate gate(*this, now);
  if (peers_.on_text(now, peer, text)) stay_quiet();
}

// The packets of version 1 have no head.
MutableBytes Engine::reserve_channel_binary(PeerHandle peer, size_t size, ByteView head) {
  return peers_.room(peer, size, head);
}

void Engine::on_channel_binary(TimeMs now, PeerHandle peer, size_t size) {
  const Gate gate(*this, now);
  if (peers_.on_binary(now, peer, size)) stay_quiet();
}

void Engine::on_channel_writable(TimeMs now, PeerHandle peer, size_t buffered_amount) {
  const Gate gate(*this, now);
  stay_quiet();  // what it concerns are children, who are served
  peers_.on_writable(now, peer, buffered_amount);
}

void Engine::on_peer_closed(TimeMs now, PeerHandle peer) {
  const Gate gate(*this, now);
  peers_.on_closed(now, peer);
}

void Engine::on_connection_refused(TimeMs now) {
  const Gate gate(*this, now);
  dialling_.on_connection_refused(now);
}

// --- drain

void Engine::on_timeout(TimeMs now) {
  const Gate gate(*this, now);
  if (tracker_.on_timeout(now)) lose_tracker();
  reports_.on_timeout(now, is_idle());
  // Loads first: a request that nobody waits for any more is not repeated.
  loads_.on_timeout(now);
  mesh_.on_timeout(now);
  peers_.on_timeout(now);
}

const Command* Engine::poll() {
  const Command* const command = commands_.pop();
  if (command != nullptr && command->kind == CommandKind::kChannelSendBinary) {
    peers_.on_handed_over(command->peer, command->text.size() + command->data.size());
  }
  return command;
}

Timer Engine::next_timer() const {
  Timer timer;
  timer.also(tracker_.next_due(), Wake::kTracker);
  timer.also(reports_.next_due(facts(), idle_at()), Wake::kReport);
  loads_.add_timers(timer);
  mesh_.add_timers(timer);
  if (active()) downloads_.shelf.trust.add_timers(timer);
  peers_.add_timers(timer);
  return timer;
}

std::optional<TimeMs> Engine::next_timeout() const {
  const TimeMs due = next_timer().due;
  return due == kNever ? std::nullopt : std::optional(due);
}

// --- views

EngineStats Engine::stats() const {
  EngineStats stats = stats_;
  const CacheCounts counts = downloads_.shelf.cache.counts();
  stats.cache_hits = counts.hits;
  stats.cache_misses = counts.misses;
  stats.cache_evictions = counts.evictions;
  stats.cache_bytes = downloads_.shelf.cache.bytes();
  stats.parents = peers_.table().count(true, true);
  stats.children = peers_.table().count(false, true);
  return stats;
}

std::list<PeerInfo> Engine::peers() const {
  std::list<PeerInfo> infos;
  for (const auto& [handle, session] : peers_.table()) {
    PeerInfo& info = infos.emplace_back();
    info.handle = handle;
    info.id = session.remote.text;
    info.is_parent = session.is_parent();
    info.open = session.open();
    info.version1 = session.link.extension < 1;
    info.received_bytes =
        session.neighbor.received_bytes + (session.parent ? session.parent->received_bytes : 0);
    info.sent_bytes = session.sent_bytes;
    const std::optional<DurationMs> round_trip = session.link.liveness.round_trip();
    if (round_trip) info.rtt_ms = to_ms(*round_trip);
  }
  return infos;
}

const SegmentCache& Engine::cache() const { return downloads_.shelf.cache; }

}  // namespace hlsmesh

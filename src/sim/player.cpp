#include "sim/player.hpp"

#include <algorithm>

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

// hls.js fragLoadPolicy.default.errorRetry.
constexpr int32_t kMaxRetries = 6;
constexpr milliseconds kRetryDelay{1'000};
constexpr milliseconds kMaxRetryDelay{8'000};

// hls.js abrEwmaFastLive, abrEwmaSlowLive, in seconds of loading; abrBandWidthFactor and
// abrBandWidthUpFactor.
constexpr double kFast = 3;
constexpr double kSlow = 9;
constexpr double kStay = 0.95;
constexpr double kUp = 0.7;

}  // namespace

Player::Player(PlayerConfig config, const Content& content, EventQueue& queue, PlayerHost& host)
    : config_(config),
      content_(content),
      queue_(queue),
      host_(host),
      paused_(config.paused),
      alarm_(queue, [this] { step(); }) {
  tracks_.push_back(Track{});
  if (content_.has_audio()) {
    tracks_.push_back(Track{});
    tracks_.back().kind = TrackKind::kAudio;
  }
}

void Player::start() {
  if (!paused_) waiting_since_ = queue_.now();
  load_playlist();
}

void Player::stop() {
  move_playhead();
  end_wait();
  stopped_ = true;
  playing_ = false;
}

void Player::load_playlist() {
  playlist_asked_ = queue_.now();
  queue_.at(host_.playlist_at(), [this] {
    if (!stopped_) on_playlist();
  });
}

void Player::on_playlist() {
  const Playlist before = playlist_;
  playlist_ = content_.playlist(queue_.now());
  if (!have_playlist_) {
    have_playlist_ = true;
    origin_ = playlist_.first;
    moved_ = queue_.now();
    MediaSequence first = playlist_.first;
    if (!playlist_.ended) {
      first =
          std::max(first, MediaSequence(playlist_.last.value() + 1 - config_.live_sync_segments));
    }
    position_ = start_of(first);
    for (Track& each : tracks_) each.next = first;
  }
  if (have_playlist_ && playlist_.last < before.last) go_on_anew();
  if (!playlist_.ended) {
    // RFC 8216 section 6.3.4: half a target duration when nothing was new. Counted from request to
    // request, as hls.js does, or the answer's time would add up.
    const bool changed = before.last != playlist_.last;
    const Duration wait = content_.config().segment_duration / (changed ? 1 : 2);
    queue_.at(playlist_asked_ + wait, [this] {
      if (!stopped_) load_playlist();
    });
  }
  host_.on_playlists();
  step();
}

void Player::go_on_anew() {
  const Duration end = buffered_end();
  for (Track& each : tracks_) {
    if (each.loading) host_.abort_segment(each.rendition, each.next);
    each.loading = false;
    each.attempts = 0;
    each.not_before = Time{};
    each.next = playlist_.first;
  }
  origin_ = MediaSequence(playlist_.first.value() - end / content_.config().segment_duration);
}

void Player::choose_rendition() {
  if (!config_.adaptive || slow_bps_ <= 0) return;
  const double bps = std::min(fast_bps_, slow_bps_);
  const std::vector<int32_t>& rungs = content_.config().bitrates;
  int32_t best = 0;
  for (int32_t i = 1; i < static_cast<int32_t>(rungs.size()); ++i) {
    const double part = i > config_.rendition ? kUp : kStay;
    if (rungs[static_cast<size_t>(i)] <= part * bps) best = i;
  }
  if (best != config_.rendition) switch_rendition(best);
}

void Player::switch_rendition(int32_t index) {
  config_.rendition = index;
  if (have_playlist_) host_.on_playlists();
}

RenditionId Player::rendition(TrackKind kind) const {
  return {kind, kind == TrackKind::kMain ? config_.rendition : 0};
}

std::vector<SegmentRequest> Player::segments_between(TrackKind kind, Duration from,
                                                     Duration until) const {
  std::vector<SegmentRequest> out;
  if (!have_playlist_ || (kind == TrackKind::kAudio && !content_.has_audio())) return out;
  const Duration length = content_.config().segment_duration;
  for (MediaSequence sn = playlist_.first; sn <= playlist_.last;
       sn = MediaSequence(sn.value() + 1)) {
    const Duration start = start_of(sn);
    if (start + length > from && start < until) out.push_back({rendition(kind), sn, start});
  }
  return out;
}

Duration Player::start_of(MediaSequence sn) const {
  return content_.config().segment_duration * (sn.value() - origin_.value());
}

Player::Track& Player::track(TrackKind kind) {
  return tracks_[kind == TrackKind::kAudio ? tracks_.size() - 1 : 0];
}

Duration Player::buffered_end() const {
  if (!have_playlist_) return {};
  Duration out = start_of(tracks_[0].next);
  for (const Track& each : tracks_) out = std::min(out, start_of(each.next));
  return out;
}

Duration Player::position() const {
  if (!playing_) return position_;
  return std::min(position_ + (queue_.now() - moved_), buffered_end());
}

Duration Player::latency() const {
  if (!content_.config().live || !have_playlist_) return {};
  // The timeline's zero left the encoder when the segment before `origin_` was complete.
  const Time zero = content_.available_at(MediaSequence(origin_.value() - 1));
  return queue_.now() - (zero + position());
}

PlayerFigures Player::figures() const {
  Player now = *this;
  if (!stopped_) now.count_buffer(position(), queue_.now() - moved_);
  now.end_wait();
  PlayerFigures out = now.figures_;
  if (now.counted_ > 0) out.mean_buffer = now.buffer_area_ / now.counted_;
  return out;
}

// Between two moves the buffer changes evenly.
void Player::count_buffer(Duration position, Duration passed) {
  const double ahead = seconds(buffered_end() - position);
  if (figures_.first_frame && !figures_.finished) {
    buffer_area_ += (ahead_ + ahead) / 2 * seconds(passed);
    counted_ += seconds(passed);
  }
  ahead_ = ahead;
}

void Player::move_playhead() {
  position_ = position();
  count_buffer(position_, queue_.now() - moved_);
  moved_ = queue_.now();
  if (!playing_ || position_ < buffered_end()) return;
  playing_ = false;
  if (playlist_.ended && tracks_[0].next > playlist_.last) {
    figures_.finished = true;
    return;
  }
  ++figures_.stalls;
  starting_ = false;
  waiting_since_ = queue_.now();
}

// A live player that fell out of the window continues at its live position.
void Player::catch_up() {
  for (const Track& each : tracks_) {
    if (each.loading || each.next >= playlist_.first) continue;
    ++figures_.skips;
    const MediaSequence first = std::max(
        playlist_.first, MediaSequence(playlist_.last.value() + 1 - config_.live_sync_segments));
    position_ = start_of(first);
    for (Track& other : tracks_) {
      other.next = first;
      other.attempts = 0;
    }
    return;
  }
}

void Player::step() {
  if (stopped_) return;
  move_playhead();
  if (!have_playlist_ || figures_.finished) return;
  if (figures_.gave_up) {
    if (playing_) alarm_.set(queue_.now() + (buffered_end() - position_));
    return;
  }
  if (!paused_) catch_up();
  if (!playing_ && !paused_ && buffered_end() > position_) {
    playing_ = true;
    if (!figures_.first_frame) figures_.first_frame = queue_.now();
    end_wait();
  }
  if (playing_) alarm_.set(queue_.now() + (buffered_end() - position_));
  for (Track& each : tracks_) load(each);
}

// Nobody waits while paused, or once gone.
void Player::end_wait() {
  if (!waiting_since_) return;
  (starting_ ? figures_.starting : figures_.stalled) += queue_.now() - *waiting_since_;
  waiting_since_.reset();
}

void Player::load(Track& each) {
  if (each.loading || each.next > playlist_.last) return;
  const Duration ahead = start_of(each.next) - position_;
  if (ahead >= config_.buffer_goal) {
    if (playing_) alarm_.set(queue_.now() + (ahead - config_.buffer_goal) + Duration(1));
    return;
  }
  if (queue_.now() < each.not_before) {
    alarm_.set(each.not_before);
    return;
  }
  each.loading = true;
  each.rendition = rendition(each.kind);
  host_.load_segment({each.rendition, each.next, start_of(each.next)});
}

void Player::pause() {
  move_playhead();
  paused_ = true;
  playing_ = false;
  end_wait();
}

void Player::resume() {
  if (!paused_ || stopped_) return;
  paused_ = false;
  moved_ = queue_.now();
  // It waits for what it waited for when it was paused.
  if (!figures_.finished && buffered_end() <= position_) waiting_since_ = queue_.now();
  step();
}

void Player::seek(Duration position) {
  if (!have_playlist_ || stopped_) return;
  move_playhead();
  const MediaSequence sn =
      std::clamp(MediaSequence(origin_.value() + position / content_.config().segment_duration),
                 playlist_.first, playlist_.last);
  for (Track& each : tracks_) {
    if (each.loading) host_.abort_segment(each.rendition, each.next);
    each.loading = false;
    each.attempts = 0;
    each.not_before = Time{};
    each.next = sn;
  }
  position_ = start_of(sn);
  playing_ = false;
  figures_.finished = false;
  end_wait();
  starting_ = true;
  if (!paused_) waiting_since_ = queue_.now();
  step();
}

void Player::on_segment(RenditionId rendition, MediaSequence sn, Duration took) {
  Track& of = track(rendition.kind);
  if (stopped_ || !of.loading || of.next != sn || !(of.rendition == rendition)) return;
  move_playhead();
  of.loading = false;
  of.attempts = 0;
  of.next = MediaSequence(sn.value() + 1);
  if (rendition.kind == TrackKind::kMain) {
    arrivals_.push_back({sn, queue_.now()});
    const double time = std::max(seconds(took), 0.05);  // hls.js: no shorter
    const double bps = 8 * static_cast<double>(content_.segment_bytes(rendition, sn)) / time;
    fast_bps_ = fast_bps_ <= 0 ? bps : fast_bps_ + (bps - fast_bps_) * time / (time + kFast);
    slow_bps_ = slow_bps_ <= 0 ? bps : slow_bps_ + (bps - slow_bps_) * time / (time + kSlow);
    choose_rendition();
  }
  step();
}

void Player::on_error(RenditionId rendition, MediaSequence sn) {
  Track& of = track(rendition.kind);
  if (stopped_ || !of.loading || of.next != sn || !(of.rendition == rendition)) return;
  ++figures_.errors;
  of.loading = false;
  if (of.attempts == kMaxRetries) {
    figures_.gave_up = true;
    return step();
  }
  const milliseconds delay = std::min(kMaxRetryDelay, kRetryDelay * (1 << of.attempts));
  ++of.attempts;
  of.not_before = queue_.now() + delay;
  step();
}

}  // namespace hlsmesh::sim

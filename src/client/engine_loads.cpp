// The player's loads: where each is taken from, and what comes of it.

#include <algorithm>
#include <utility>

#include "client/engine_impl.hpp"
#include "media/segment_key.hpp"

namespace hlsmesh {
namespace {

// How long a dial is worth waiting for. One that takes longer is going through a relay or nowhere;
// when it opens, it serves the loads that come then.
constexpr DurationMs kDialProspect{4'000};

// A parent of hlsmesh has shown its level within a round trip of opening; one that has not by then
// is of version 1.
constexpr DurationMs kLevelShown{1'000};

// How long a segment that was loaded whole lets us expect further ones, where the player otherwise
// loads parts. Longer than any segment, so that the session does not come and go with each.
constexpr DurationMs kAfterWhole{60'000};

// A load that waits for a parent is looked at again after this time.
constexpr DurationMs kLook{500};
// What a load has lost by peers that brought nothing: less is a round trip.
constexpr DurationMs kLostTime{100};
// A load that waited in vain is forgotten after this time, and no more than four count.
constexpr DurationMs kVainMemory{10'000};

// The element of an array by TrackKind.
template <class Array>
auto& of_kind(Array& array, TrackKind kind) {
  const auto index = static_cast<size_t>(kind);
  return array[index < array.size() ? index : 0];
}

}  // namespace

Load* Engine::Impl::find_load(LoadId id) {
  const auto entry = loads_.find(id);
  return entry == loads_.end() ? nullptr : &entry->second;
}

void Engine::Impl::on_playhead(TimeMs now, const PlayheadReport& report) {
  playhead_.report(now, report);
  if (playhead_.playing()) active_at_ = now;
  cache_.set_playhead(report.current_time);
  // After a seek a transfer may have less time left than it had.
  for (auto& [id, load] : loads_) {
    if (load.state == Load::State::kAsking) review(now, load);
  }
}

Load Engine::Impl::make_load(LoadId id, SegmentLoad what) {
  Load load;
  load.id = id;
  SegmentFacts facts;
  facts.sn = what.sn;
  facts.url = what.clean_url.empty() ? what.url : what.clean_url;
  facts.playlist_url = renditions_.playlist_url(what.kind, what.rendition_index);
  facts.range = what.range;
  facts.named = what.named;
  facts.date_time = what.date_time;
  const RenditionSignature& rendition = renditions_.signature(what.kind, what.rendition_index);
  const KnownPlaylist* const playlist = playlist_of(rendition);
  facts.live = playlist != nullptr && playlist->was_live();
  load.segment.key = make_key(rendition, facts);
  // More than the order of parameters is different.
  load.secret = facts.url.size() != what.url.size();
  load.segment.url = std::move(what.url);
  if (!what.range.whole() && !what.named) {
    load.segment.url += '#';
    load.segment.url += what.range.to_string();
  }
  load.segment.range = what.range;
  load.segment.place = renditions_.place(what.kind, what.rendition_index);
  load.segment.span = what.span;
  load.segment.opaque = what.opaque;
  load.kind = what.kind;
  load.rendition_index = what.rendition_index;
  // A segment that has no identity is the CDN's.
  load.shareable = what.shareable && !load.segment.key.rendition.empty() && what.sn.value() >= 0;
  return load;
}

void Engine::Impl::on_load(TimeMs now, LoadId id, SegmentLoad what) {
  // A name used twice: the driver has forgotten the first.
  if (find_load(id) != nullptr) on_load_aborted(id);
  const bool from_cdn = what.from_cdn;
  // Far behind the live edge hls.js loads whole segments of a playlist with parts.
  if (what.shareable && what.kind != TrackKind::kSubtitle) {
    whole_until_ = now + kAfterWhole;
    set_idle(now, false);
  }
  Load& entry = loads_.try_emplace(id, make_load(id, std::move(what))).first->second;
  entry.began_at = active_at_ = now;
  pace_ = to_duration(entry.segment.span.duration * 1'500);
  entry.from_cdn = from_cdn;
  if (from_cdn) {
    entry.state = Load::State::kAtCdn;
    entry.fetch_began_at = now;
    return;
  }
  tell_idle(now);
  if (active() && entry.shareable && !receipts_.given(entry.segment.key)) {
    cache_.find(entry.segment.key);  // for its counts and its clock
  }
}

void Engine::Impl::on_load_aborted(LoadId id) {
  Load* load = find_load(id);
  if (load == nullptr) {
    receipts_.for_each([id](const SegmentKey&, Receipt& receipt) {
      if (receipt.load == id) receipt.load = LoadId();
    });
    return;
  }
  if (load->state == Load::State::kAsking) {
    // What is under way may still end in the cache.
    if (PeerSession* peer = find_peer(load->parent)) peer->requester->detach(id);
  }
  cache_.abandon(load->fetched);
  if (load->refused) note_given(*load, TransferTimes());
  loads_.erase(id);
}

void Engine::Impl::decide_load(TimeMs now, Load& load) {
  if (!active() || !load.shareable) return go_to_cdn(now, load);
  Receipt* receipt = receipts_.find(load.segment.key);
  // What the player asks for again, it may have found bad.
  if (receipt != nullptr && receipt->given()) return go_to_cdn(now, load);
  if (const SegmentPtr segment = cache_.peek(load.segment.key); segment && receipt) {
    const LoadId id = load.id;
    receipt->load = id;
    receipt->kind = load.kind;
    done(load, segment, receipt->times);
    loads_.erase(id);
    return;
  }
  if (join_transfer(now, load)) return;

  const Decision decision = decide(need(now, load), candidates(now, load), prospect(now, load));
  switch (decision.kind) {
    case Decision::Kind::kAsk:
      if (PeerSession* peer = find_peer(decision.peer))
        return ask(now, load, *peer, decision.within);
      break;
    case Decision::Kind::kWait:
      load.due = now + decision.within;
      return;
    case Decision::Kind::kCdn:
      break;
  }
  go_to_cdn(now, load);
}

Need Engine::Impl::need(TimeMs now, const Load& load) const {
  Need need;
  need.slack = playhead_.slack(now, load.segment.span);
  need.goal = to_duration(plan_.max_buffer() * 1'000);
  if (load.segment.span.duration > 0)
    need.duration = to_duration(load.segment.span.duration * 1'000);
  need.expected_bytes = sizes_.expected(load.segment);
  need.cdn_time = of_kind(cdn_time_, load.kind).expected(now, need.expected_bytes);
  need.waited = now - load.began_at;
  // A paused player's buffer does not shrink, but a load waits no longer than if it did: nobody
  // else gets from this viewer what it waits for.
  if (!playhead_.playing()) need.slack -= need.waited;
  need.newest = is_live() && !plan_.goes_on(load.kind, load.segment.span.end());
  if (now < vain_until_) need.vain = 1 + static_cast<int>((vain_until_ - now) / kVainMemory);
  return need;
}

void Engine::Impl::review(TimeMs now, Load& load) {
  const Need needed = need(now, load);
  const PeerSession* peer = find_peer(load.parent);
  DurationMs left = patience(needed, peer != nullptr && peer->requester->proven());
  if (peer != nullptr && peer->requester->transfer() != nullptr) {
    if (const std::optional<DurationMs> end = peer->requester->remaining(now)) {
      const DurationMs allowed = std::max(left, patience_for_transfer(needed));
      left = *end <= allowed ? allowed : DurationMs::zero();
    }
  }
  load.due = now + std::min(left, kLook);
  if (left <= DurationMs::zero()) give_up_parent(now, load, FallbackReason::kTimeout);
}

// A request for the same segment that nobody waits for, one made ahead of the player or one whose
// load was aborted, is as good as a new one, and begun already.
bool Engine::Impl::join_transfer(TimeMs now, Load& load) {
  const Need needed = need(now, load);
  const auto is_it = [&load](const Segment& segment) { return segment.key == load.segment.key; };
  for (auto& [handle, peer] : peers_) {
    if (!peer.requester || load.has_tried(handle) || !peer.requester->brings(is_it)) continue;
    const DurationMs left = patience(needed, peer.requester->proven());
    const std::optional<DurationMs> end = peer.requester->remaining(now);
    if (end ? *end > std::max(left, patience_for_transfer(needed)) : left < kLeastAsk) continue;
    if (!peer.requester->join(load.segment.key, load.id)) continue;
    load.state = Load::State::kAsking;
    load.parent = handle;
    load.due = now;
    review(now, load);
    if (load.state != Load::State::kAsking) continue;
    if (const Transfer* transfer = peer.requester->transfer()) report_progress(load.id, *transfer);
    return true;
  }
  return false;
}

TimeMs Engine::Impl::asked_from(const PeerSession& peer, const Load& load) const {
  if (peer.level >= 1) return TimeMs();
  const std::string& url = load.segment.url;
  // Protocol section 2: the key of version 1 may be `url` alone.
  if (load.secret || url.size() > peer::kMaxUrlBytes || !renditions_.url_is_unique(url)) {
    return kNever;
  }
  // A parent of hlsmesh that shows its level late must not hear more than the file name.
  return url.find_first_of("/?") == std::string::npos ? TimeMs() : peer.opened_at + kLevelShown;
}

std::list<Candidate> Engine::Impl::candidates(TimeMs now, const Load& load) {
  const double believable = newest_believable(now);
  std::list<Candidate> found;
  for (const auto& [handle, peer] : peers_) {
    if (!peer.open || !peer.requester || load.has_tried(handle)) continue;
    if (now < asked_from(peer, load)) continue;
    if (!peer.may_have(now, load.segment.key.sn)) continue;
    if (peer.current && static_cast<double>(peer.current->value()) > believable) continue;
    if (peer.requester->resting(now)) continue;  // nor is it worth waiting for
    Candidate candidate;
    candidate.peer = handle;
    candidate.busy = !peer.requester->idle();
    candidate.ready_in = std::max(DurationMs::zero(), peer.requester->ready_at() - now);
    candidate.free_in = peer.requester->remaining(now).value_or(DurationMs::zero());
    candidate.bytes_per_ms = peer.requester->bytes_per_ms(now);
    candidate.proven = peer.requester->proven();
    candidate.round_trip = peer.liveness.round_trip().value_or(DurationMs::zero());
    found.push_back(candidate);
  }
  return found;
}

DurationMs Engine::Impl::prospect(TimeMs now, const Load& load) const {
  TimeMs until = parent_hope_until_;
  for (const auto& [handle, peer] : peers_) {
    if (peer.ended || !peer.requester || load.has_tried(handle)) continue;
    if (!peer.open) {
      until = std::max(until, peer.started_at + kDialProspect);
    } else if (now < asked_from(peer, load)) {
      until = std::max(until, peer.opened_at + kLevelShown);
    }
  }
  return std::max(DurationMs::zero(), until - now);
}

void Engine::Impl::ask(TimeMs now, Load& load, PeerSession& peer, DurationMs within) {
  load.state = Load::State::kAsking;
  load.parent = peer.handle;
  load.due = now + std::min(within, kLook);
  peer.channel.send(now, peer.requester->ask(now, load.segment, load.id, peer.level >= 1));
}

void Engine::Impl::go_to_cdn(TimeMs now, Load& load) {
  if (active() && load.shareable) {
    // Those that were asked in vain have been counted.
    for (auto& [handle, peer] : peers_) {
      if (!peer.open || !peer.requester || load.has_tried(handle)) continue;
      if (now < asked_from(peer, load) || !peer.may_have(now, load.segment.key.sn))
        peer.usefulness.missed(now);
    }
  }
  load.state = Load::State::kAtCdn;
  load.due = kNever;
  load.fetch_began_at = now;
  if (now - load.began_at >= kLostTime) {
    vain_until_ = std::min(std::max(vain_until_, now) + kVainMemory, now + kVainMemory * 4);
  }
  if (load.failure) {
    ++stats_.fallbacks;
    Command& fallback = commands_.event(EventCode::kFallback, static_cast<double>(*load.failure));
    fallback.peer = load.parent;
    fallback.load = load.id;
  }
  commands_.push(CommandKind::kLoadFromCdn).load = load.id;
}

// A parent holds a request, as long as it may, for what it is getting itself: from a slow CDN, or
// with a live playlist that is refreshed later than ours. Asking again is as good as waiting.
bool Engine::Impl::not_yet(TimeMs now, LoadId id, const PeerSession& peer, const peer::Fields& lack,
                           bool held) {
  const Load* load = find_load(id);
  if (load == nullptr || !held) return false;
  if (is_live() && lack.current && *lack.current >= load->segment.key.sn) return false;
  return patience(need(now, *load), peer.requester->proven()) >= kLeastAsk;
}

void Engine::Impl::parent_failed(TimeMs now, LoadId id, PeerHandle peer, FallbackReason reason) {
  Load* load = find_load(id);
  if (load == nullptr || load->state != Load::State::kAsking) return;
  load->state = Load::State::kWaiting;
  load->due = now;  // settle() decides anew
  load->tried.push_back(peer);
  load->failure = reason;
  PeerSession* session = find_peer(peer);
  if (session != nullptr && reason != FallbackReason::kNoMemory) session->usefulness.missed(now);
}

void Engine::Impl::give_up_parent(TimeMs now, Load& load, FallbackReason reason) {
  if (PeerSession* peer = find_peer(load.parent)) peer->requester->detach(load.id);
  parent_failed(now, load.id, load.parent, reason);
}

void Engine::Impl::done(const Load& load, const SegmentPtr& segment, TransferTimes times) {
  count_level(load);
  vain_until_ = TimeMs();
  Command& command = commands_.push(CommandKind::kLoadDone, segment, 0, segment->size());
  command.load = load.id;
  command.code = static_cast<int32_t>(LoadSource::kPeer);
  DurationMs lasted = times.end - times.first_byte;
  const double line = of_kind(cdn_time_, load.kind).line_bytes_per_ms();
  if (line > 0) lasted = std::min(lasted, to_duration(static_cast<double>(segment->size()) / line));
  command.t0 = to_ms(times.end - lasted);
  command.t1 = to_ms(times.end);
}

void Engine::Impl::count_level(const Load& load) {
  if (load.kind != TrackKind::kMain || load.rendition_index < 0) return;
  level_sum_ += load.rendition_index;
  level_count_ += 1;
}

bool Engine::Impl::wanted(const SegmentKey& key) const {
  return cache_.peek(key) == nullptr && !at_cdn(key);
}

bool Engine::Impl::at_cdn(const SegmentKey& key) const {
  return std::any_of(loads_.begin(), loads_.end(), [&](const auto& entry) {
    return entry.second.state == Load::State::kAtCdn && entry.second.segment.key == key;
  });
}

MutableBytes Engine::Impl::reserve_fetch(LoadId id, size_t size) {
  Load* load = find_load(id);
  if (load == nullptr || load->state != Load::State::kAtCdn || !load->shareable) return {};
  if (size == 0 || size > static_cast<size_t>(peer::kMaxSegmentBytes)) return {};
  // A server may ignore a range and send all of the file.
  if (!load->segment.may_have(size)) return {};
  cache_.abandon(load->fetched);
  // The whole body is here: what a peer still sends of this segment needs no place any more.
  for (auto& [handle, peer] : peers_) {
    Transfer* transfer = peer.requester ? peer.requester->transfer() : nullptr;
    if (transfer == nullptr || transfer->ask.load ||
        !(transfer->ask.segment.key == load->segment.key)) {
      continue;
    }
    let_go(transfer->buffer);
  }
  load->fetched = cache_.begin(load->segment, size);
  return load->fetched == nullptr ? MutableBytes() : load->fetched->room(0, size);
}

void Engine::Impl::on_fetch_done(TimeMs now, LoadId id, size_t size, double first_byte_ms,
                                 double body_ms) {
  Load* load = find_load(id);
  if (load == nullptr || load->state != Load::State::kAtCdn) return;
  active_at_ = now;
  stats_.cdn_bytes += size;
  stats_.cdn_segments += 1;
  count_level(*load);
  // Of a fetch that was begun before the engine was there only the driver knows how long it took.
  double whole_ms = first_byte_ms + body_ms;
  if (!load->from_cdn) whole_ms = to_ms(now - load->fetch_began_at);
  if (!(body_ms >= 0 && body_ms <= whole_ms)) body_ms = whole_ms;
  if (whole_ms >= 0) of_kind(cdn_time_, load->kind).measured(now, whole_ms, body_ms, size);
  const SegmentPtr body = std::move(load->fetched);
  const Segment segment = load->segment;
  const bool good =
      body != nullptr && body->size() == size && !load->refused && is_good(segment, body->bytes());
  if (load->shareable) {
    note_given(*load, TransferTimes{load->fetch_began_at, now});
    if (good || body == nullptr) sizes_.measured(segment, size);
  }
  loads_.erase(id);
  if (good) {
    body->commit(0, size);
    commands_.event(EventCode::kSegmentCached, static_cast<double>(LoadSource::kCdn), segment.url);
  } else {
    cache_.abandon(body);
  }
}

void Engine::Impl::on_fetch_failed(TimeMs now, LoadId id) {
  Load* load = find_load(id);
  if (load == nullptr) return;
  cache_.abandon(load->fetched);
  if (load->refused) note_given(*load, TransferTimes());
  Load failed = std::move(*load);
  loads_.erase(id);
  if (failed.shareable) ask_before_retry(now, failed);
}

// --- what children may have of it

SegmentPtr Engine::Impl::find(TimeMs now, const peer::Fields& request) {
  const SegmentPtr found =
      request.rendition
          ? cache_.peek(*request.sn,
                        [&](const Segment& each) { return is_asked(each, *request.rendition); })
          : cache_.find_by_wire_name(request.url, *request.sn);
  if (!found || receipts_.refused(found->segment().key)) return nullptr;
  return shares(now, found->segment().key) ? found : nullptr;
}

bool Engine::Impl::coming(TimeMs now, const peer::Fields& request) {
  const auto is_meant = [&](const Segment& segment) {
    return segment.key.sn == request.sn &&
           (request.rendition ? is_asked(segment, *request.rendition)
                              : segment.url == request.url) &&
           shares(now, segment.key);
  };
  for (const auto& [id, load] : loads_) {
    if (load.shareable && is_meant(load.segment)) return true;
  }
  for (const auto& [handle, peer] : peers_) {
    if (peer.requester && peer.requester->brings(is_meant)) return true;
  }
  const MediaSequence had = newest(now);
  const auto ahead = static_cast<double>(request.sn->value() - had.value());
  // Paused, with a full buffer, the player gets no more.
  return is_live() && now <= active_at_ + pace_ && had.value() >= 0 && ahead > 0 &&
         ahead <= kLiveSkew;
}

}  // namespace hlsmesh

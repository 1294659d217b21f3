#include "client/player/loads.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh {
namespace {

// A load that waits for a parent is looked at again after this time.
constexpr DurationMs kLook{500};
constexpr int kMostVain = 1;
// Whoever has some of a segment says so, is asked for it, and has sent it, within this time.
constexpr DurationMs kBeginning{400};
// After a load that waited for late parents in vain, none does for so long; after the next one,
// for twice as long.
constexpr DurationMs kLatePause{8'000};
constexpr DurationMs kMostLatePause{128'000};
// Whoever is to fetch first is waited for only if as much is left twice, and this besides.
constexpr DurationMs kLeftAfterGrace{800};
}  // namespace

Load* Loads::find(LoadId id) {
  const auto entry = loads_.find(id);
  return entry == loads_.end() ? nullptr : &entry->second;
}

Load* Loads::find(FetchId id) {
  if (id == FetchId()) return nullptr;  // what no load at the CDN has
  for (auto& [name, load] : loads_) {
    if (load.fetch.id == id) return &load;
  }
  return nullptr;
}

FetchId Loads::begin(TimeMs now, LoadId id, Wish&& wish, bool at_cdn) {
  if (find(id) != nullptr) abort(now, id);  // a name used twice: the driver has forgotten the first
  Load& load = loads_.try_emplace(id, id, std::move(wish)).first->second;
  load.began_at = now;
  load.newest = need(now, load).newest;
  if (load.wish.shareable) {
    downloads_.shelf.checks.set_able(load.wish.streams);
    load.download = &downloads_.of(load.wish);
    ++load.download->loads;
    load.download->failure.reset();
    if (!at_cdn) ++stats_.loads;
  }
  if (at_cdn) {
    load.state = Load::State::kAtCdn;
    load.fetch.by_driver = true;
    cdn_.begin(now, load.fetch, load.wish, id);
  } else if (active_ && load.wish.shareable &&
             !downloads_.shelf.receipts.given(load.wish.segment.key)) {
    downloads_.shelf.cache.find(load.wish.segment.key);  // for its counts and its clock
  }
  return load.fetch.id;
}

void Loads::detach(const Load& load) {
  if (load.state != Load::State::kAsking) return;
  if (Parent* parent = downloads_.parent(load.parent)) parent->requester.detach(load.id);
}

void Loads::leave(Load& load) {
  Download* const download = std::exchange(load.download, nullptr);
  if (download == nullptr) return;
  --download->loads;
  if (download->joint == load.id) {
    download->joint = LoadId();
    download->at_cdn = PieceSet();
  }
  if (download->asker == load.id) download->asker = LoadId();
}

// What is under way for it may still end in the cache.
void Loads::end(Load& load) {
  detach(load);
  leave(load);
  loads_.erase(LoadId(load.id));  // a copy: the load goes with its name
}

void Loads::abort(TimeMs now, LoadId id) {
  Load* const load = find(id);
  if (load == nullptr) {
    downloads_.shelf.receipts.for_each([id](const SegmentKey&, Receipt& receipt) {
      if (receipt.load == id) receipt.load = LoadId();
    });
    return;
  }
  unshare(now, *load);
  if (!load->fetch.range.whole()) end_range(*load);
  cdn_.abandon(load->fetch, load->wish, id, load->refused);
  end(*load);
}

bool Loads::refuse(LoadId id, bool refused) {
  Load* const load = find(id);
  if (load == nullptr) return false;
  // The player parses the CDN's bytes while they arrive.
  load->refused |= refused && load->wish.shareable;
  return true;
}

void Loads::set_active(TimeMs now, bool active) {
  active_ = active;
  if (active) return;
  for (auto& [id, load] : loads_) {
    detach(load);
    if (load.state != Load::State::kAtCdn) go_to_cdn(now, load);
  }
}

void Loads::forget(TimeMs now, std::string_view rendition) {
  for (auto& [id, load] : loads_) {
    if (!is_of(load.wish.segment.key, rendition)) continue;
    load.wish.shareable = false;
    leave(load);
    const bool ranged = !load.fetch.range.whole();
    if (ranged) cdn_.abandon(load.fetch, load.wish, id, false);
    load.fetch.body = nullptr;
    load.fetch.joint = false;
    load.fetch.part.release();
    if (ranged || load.state != Load::State::kAtCdn) go_to_cdn(now, load);
  }
}

void Loads::review_all(TimeMs now) {
  // After a seek a transfer may have less time left than it had.
  for (auto& [id, load] : loads_) {
    if (load.state == Load::State::kAsking) review(now, load);
  }
}

void Loads::on_timeout(TimeMs now) {
  for (auto& [id, load] : loads_) {
    if (load.state == Load::State::kAsking && now >= load.due) review(now, load);
  }
}

void Loads::take_outcomes(TimeMs now) {
  for (const Downloads::Outcome& outcome : downloads_.outcomes()) {
    Load* const load = find(outcome.load);
    if (load == nullptr || load->state != Load::State::kAsking) continue;
    if (!outcome.failure) {
      if (outcome.kept) {
        load->state = Load::State::kWaiting;
        load->due = now;
      } else {
        answered(now, *load);
        end(*load);
      }
    } else if (outcome.may_come && not_yet(now, *load, outcome)) {
      load->state = Load::State::kWaiting;
      load->due = now;
    } else {
      fail(now, *load, outcome.peer, *outcome.failure);
    }
  }
  downloads_.outcomes().clear();
}

void Loads::settle(TimeMs now, TimeMs hope) {
  for (auto entry = loads_.begin(); entry != loads_.end();) {
    const LoadId id = entry->first;
    Load& load = entry->second;
    if (load.state == Load::State::kAsking && came_otherwise(load)) {
      detach(load);
      load.state = Load::State::kWaiting;
    }
    if (load.state == Load::State::kAtCdn) {
      help(now, load);
    } else if (load.state == Load::State::kWaiting) {
      decide(now, load, hope);
    }
    // Deciding may have ended the load, and no other.
    entry = loads_.lower_bound(id);
    if (entry != loads_.end() && entry->first == id) ++entry;
  }
}

// While its parent sends the segment, others may have brought it.
bool Loads::came_otherwise(const Load& load) {
  const SegmentKey& key = load.wish.segment.key;
  return downloads_.shelf.cache.peek(key) != nullptr &&
         downloads_.shelf.receipts.find(key) != nullptr && !downloads_.shelf.receipts.given(key);
}

void Loads::add_timers(Timer& timer) const {
  for (const auto& [id, load] : loads_) {
    timer.also(load.due, Wake::kLoad);
  }
}

void Loads::decide(TimeMs now, Load& load, TimeMs hope) {
  if (!active_ || !load.wish.shareable) return go_to_cdn(now, load);
  Receipt* const receipt = downloads_.shelf.receipts.find(load.wish.segment.key);
  // What the player asks for again, it may have found bad.
  if (receipt != nullptr && receipt->given()) return go_to_cdn(now, load);
  SegmentPtr segment = downloads_.shelf.cache.peek(load.wish.segment.key);
  // What the cache could never hold is here only.
  const SegmentPtr& body = load.download->body;
  if (segment == nullptr && body != nullptr && body->complete()) segment = body;
  if (segment && receipt) {
    const Checked checked = check(now, load, *receipt, segment);
    if (checked == Checked::kNo) return fetch_beside(now, load, *receipt, segment);
    if (checked == Checked::kNotYet) return;
    answered(now, load);
    give(load, *receipt, segment);
    return end(load);
  }
  if (load.ranges > 0) {
    if (!load.led || !gather(now, load)) go_to_cdn(now, load);
    return;
  }
  if (join(now, load) || gather(now, load)) return;

  hope = std::max(hope, downloads_.hope(now, load.wish, load.tried));
  const Decision decision = hlsmesh::decide(
      need(now, load),
      downloads_.candidates(now, load.wish, load.tried, player_.newest_believable(now)),
      std::max(DurationMs::zero(), hope - now));
  switch (decision.kind) {
    case Decision::Kind::kAsk:
      return ask(now, load, *downloads_.parent(decision.peer), decision.within);
    case Decision::Kind::kWait:
      load.due = now + decision.within;
      return;
    case Decision::Kind::kCdn:
      break;
  }
  go_to_cdn(now, load);
}

Need Loads::need(TimeMs now, const Wish& wish, TimeMs began_at) const {
  const Segment& segment = wish.segment;
  Need need;
  need.slack = player_.playhead().slack(now, segment.span);
  need.goal = to_duration(player_.plan().max_buffer() * 1'000);
  if (segment.span.duration > 0) need.duration = to_duration(segment.span.duration * 1'000);
  need.expected_bytes = downloads_.estimates().sizes.expected(segment);
  const CdnTime& cdn = downloads_.estimates().cdn(wish.kind);
  need.cdn_time = cdn.expected(now, need.expected_bytes);
  if (const double line = cdn.line_bytes_per_ms(); line > 0) {
    need.line_time = to_duration(static_cast<double>(need.expected_bytes) / line);
  }
  need.waited = now - began_at;
  // A paused player's buffer does not shrink, but a load waits no longer than if it did: nobody
  // else gets from this viewer what it waits for.
  if (!player_.playhead().playing()) need.slack -= need.waited;
  need.newest = player_.is_live() && !player_.plan().goes_on(wish.kind, segment.span.end());
  if (now < vain_until_) need.vain = 1 + static_cast<int>((vain_until_ - now) / kVainMemory);
  return need;
}

void Loads::review(TimeMs now, Load& load) {
  const Need needed = need(now, load);
  const Parent* const parent = downloads_.parent(load.parent);
  DurationMs left = patience(needed, parent != nullptr && parent->requester.proven());
  if (parent != nullptr && parent->requester.transfer() != nullptr) {
    if (const std::optional<DurationMs> end = parent->requester.remaining(now)) {
      const DurationMs allowed = std::max(left, patience_for_transfer(needed));
      left = *end <= allowed ? allowed : DurationMs::zero();
    }
  }
  load.due = now + std::min(left, kLook);
  if (left > DurationMs::zero()) return;
  detach(load);
  fail(now, load, load.parent, FallbackReason::kTimeout);
}

// A request for the same segment that nobody waits for, one made ahead of the player or one whose
// load was aborted, is as good as a new one, and begun already.
bool Loads::join(TimeMs now, Load& load) {
  const Need needed = need(now, load);
  for (Parent* parent : downloads_.parents()) {
    if (!parent->requester.brings(load.wish.segment.key)) continue;
    if (std::count(load.tried.begin(), load.tried.end(), parent->peer) > 0) continue;
    Requester& requester = parent->requester;
    const DurationMs left = patience(needed, requester.proven());
    const std::optional<DurationMs> end = requester.remaining(now);
    if (end ? *end > std::max(left, patience_for_transfer(needed)) : left < kLeastAsk) continue;
    if (!requester.join(load.wish.segment.key, load.id)) continue;
    load.state = Load::State::kAsking;
    load.parent = parent->peer;
    load.due = now;
    review(now, load);
    if (load.state != Load::State::kAsking) continue;
    if (const Transfer* transfer = requester.transfer()) {
      downloads_.report_progress(load.id, *transfer);
    }
    return true;
  }
  return false;
}

bool Loads::gather(TimeMs now, Load& load) {
  Need needed = need(now, load);
  const Mesh::Prospect prospect =
      mesh_.pursue(now, load.wish, needed, player_.newest_believable(now));
  // Whoever is to fetch first may be about to.
  const DurationMs grace = mesh_.grace();
  if (needed.newest && !prospect.begun && now - load.began_at < grace &&
      needed.slack > grace * 2 + kLeftAfterGrace) {
    load.due = load.began_at + grace;
    return true;
  }
  if (!prospect.asked) {
    // Of two that play the same at one time the parent is not always the first to ask.
    if (!prospect.beside || player_.is_live()) return false;
    DurationMs left = patience_for_late(now, load, needed, prospect);
    if (needed.vain == 0) left = std::max(left, patience_when_full(needed));
    load.due = now + std::min(left, kLook);
    return left > DurationMs::zero();
  }
  // Whoever is told to fetch first does so.
  if (needed.newest && load.ranges == 0 && mesh_.leads()) {
    load.led = true;
    return false;
  }
  load.download->asker = load.id;
  // What has come of a segment is not lost: the CDN brings the rest.
  if (load.download->mostly_here()) needed.vain = std::min(needed.vain, kMostVain);
  // With little in the buffer, proven neighbors that lately brought too little are waited for no
  // longer than others.
  const bool doubted = needed.vain == kVainLimit && needed.slack < needed.duration * 3 &&
                       !(load.for_late && prospect.begun);
  DurationMs left = patience(needed, prospect.proven && !doubted);
  // What was the newest when the load began may come to its end although there is a newer one now.
  Need coming = needed;
  coming.newest = load.newest;
  const DurationMs longest = patience_for_transfer(coming);
  // Whoever was wrong lately is believed again once half of it is here.
  const bool trusted = vain_until_ <= now || load.for_late || load.download->mostly_here();
  const bool comes = prospect.left && *prospect.left <= longest;
  load.promising = comes && player_.is_live();
  if (comes && trusted) {
    left = std::max(left, longest);
  } else if (prospect.left && !needed.newest && now - load.download->first_at >= kLook) {
    // It does not come in time; only of what is being made everybody gets more and more.
    left = DurationMs::zero();
  }
  left = std::max(left, patience_for_late(now, load, needed, prospect));
  load.due = now + std::min(left, kLook);
  if (left > DurationMs::zero()) return true;
  load.failure = FallbackReason::kTimeout;
  return false;
}

// Parents that are known to have such segments later than loads wait are waited for until then.
DurationMs Loads::patience_for_late(TimeMs now, Load& load, const Need& needed,
                                    const Mesh::Prospect& prospect) const {
  const bool waits =
      needed.newest ? needed.vain > 0 && !prospect.begun : !player_.is_live() && !prospect.left;
  if (!waits || !(prospect.late || prospect.beside) || now < late_after_) return DurationMs::min();
  const DurationMs most = needed.newest ? needed.duration : needed.cdn_time;
  const DurationMs begins = prospect.late.value_or(kBeginning) * 5 / 4 + kBeginning;
  load.for_late |= begins <= most;
  if (!load.for_late) return DurationMs::min();
  // What has begun may take a while to show how quickly it comes.
  const DurationMs until = prospect.begun ? most : begins;
  return std::min(until - needed.waited, hlsmesh::patience_for_late(needed, prospect.begun));
}

void Loads::ask(TimeMs now, Load& load, Parent& parent, DurationMs within) {
  load.state = Load::State::kAsking;
  load.parent = parent.peer;
  load.due = now + std::min(within, kLook);
  downloads_.ask(now, parent, load.wish, load.id);
}

// A parent holds a request, as long as it may, for what it is getting itself: from a slow CDN, or
// with a live playlist that is refreshed later than ours. Asking again is as good as waiting.
bool Loads::not_yet(TimeMs now, const Load& load, const Downloads::Outcome& lack) const {
  const Parent* const parent = downloads_.parent(lack.peer);
  if (parent == nullptr) return false;
  const SegmentKey& key = load.wish.segment.key;
  if (player_.is_live() && lack.current && is_behind(key, *lack.current)) return false;
  return patience(need(now, load), parent->requester.proven()) >= kLeastAsk;
}

void Loads::fail(TimeMs now, Load& load, PeerHandle peer, FallbackReason reason) {
  load.state = Load::State::kWaiting;
  load.due = now;
  load.tried.push_back(peer);
  load.failure = reason;
  Parent* const parent = downloads_.parent(peer);
  if (parent != nullptr && reason != FallbackReason::kNoMemory) parent->usefulness.missed(now);
}

const char* Loads::audit() const {
  for (const auto& [id, load] : loads_) {
    if (load.id != id) return "a load has another's name";
    if (load.fetch.body != nullptr && load.state != Load::State::kAtCdn)
      return "a body of no fetch";
    if (load.wish.shareable != (load.download != nullptr)) return "a load is in no download";
    if (load.state == Load::State::kAtCdn) continue;
    if (!active_) return "a load waits for peers, and there is no session";
    if (!load.wish.shareable) return "a load waits for what peers do not carry";
    if (load.state != Load::State::kAsking) continue;
    const Parent* const parent = downloads_.parent(load.parent);
    const Ask* const ask = parent == nullptr ? nullptr : parent->requester.asked_by(id);
    if (ask == nullptr) return "a load waits for a parent that was not asked";
    if (!(ask->segment.key == load.wish.segment.key)) return "a load waits for another segment";
  }
  for (const Parent* parent : downloads_.parents()) {
    const std::optional<LoadId> waits = parent->requester.load();
    if (!waits) continue;
    const auto load = loads_.find(*waits);
    if (load == loads_.end() || load->second.state != Load::State::kAsking ||
        load->second.parent != parent->peer) {
      return "a parent is asked for a load that does not wait for it";
    }
  }
  return nullptr;
}

void Loads::answered(TimeMs now, const Load& load) {
  count_level(load);
  if (load.in_vain) return;
  // The line that both share is the viewer's own, or is wide.
  if (load.for_late && !player_.is_live() && now - load.began_at >= need(now, load).line_time) {
    return pause_for_late(now);
  }
  vain_until_ = TimeMs();
  late_pause_ = DurationMs::zero();
}

void Loads::pause_for_late(TimeMs now) {
  late_pause_ = std::clamp(late_pause_ * 2, kLatePause, kMostLatePause);
  late_after_ = now + late_pause_;
}

void Loads::count_level(const Load& load) {
  if (load.wish.kind != TrackKind::kMain || load.wish.rendition_index < 0) return;
  ++stats_.level_segments;
  stats_.levels += load.wish.rendition_index;
}

}  // namespace hlsmesh

#include "tracker/introductions.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tracker/pairs.hpp"

namespace hlsmesh::tracker {
namespace {

// The most orphans that one free slot wakes: this parent may be held down for the first, or it may
// be too early for it.
constexpr size_t kOrphansWoken = 4;

// The number of classes by which a move must bring a peer nearer to the CDN to be worth a new
// connection.
constexpr int32_t kWorthMoving = 2;

// The other peer's id in a dc_id, `<initiator>-<other>`.
std::string_view other_when_initiator(std::string_view dc_id, std::string_view self) {
  if (dc_id.size() <= self.size() + 1 || dc_id.substr(0, self.size()) != self) return {};
  return dc_id[self.size()] == '-' ? dc_id.substr(self.size() + 1) : std::string_view();
}
std::string_view initiator_when_other(std::string_view dc_id, std::string_view self) {
  if (dc_id.size() <= self.size() + 1) return {};
  const size_t dash = dc_id.size() - self.size() - 1;
  return dc_id[dash] == '-' && dc_id.substr(dash + 1) == self ? dc_id.substr(0, dash)
                                                              : std::string_view();
}

ParentLink* parent_named(Peer& peer, std::string_view id) {
  for (ParentLink& link : peer.parents) {
    if (link.parent->id.text == id) return &link;
  }
  return nullptr;
}
Peer* child_named(Peer& peer, std::string_view id) {
  for (Peer* child : peer.children) {
    if (child->id.text == id) return child;
  }
  return nullptr;
}

std::vector<Peer*> parents_of(const Peer& peer) {
  std::vector<Peer*> parents;
  for (const ParentLink& link : peer.parents) parents.push_back(link.parent);
  return parents;
}

// The number of parents that play, or may.
int32_t active_parents(const Peer& peer) {
  return static_cast<int32_t>(
             std::count_if(peer.parents.begin(), peer.parents.end(),
                           [](const ParentLink& link) { return !link.parent->idle; })) +
         peer.kept_parents;
}

// Returns the source of a peer's segments, by the oldest parent at each step that is not idle.
const Peer& source_of(const Peer& peer) {
  const Peer* at = &peer;
  for (const Peer* parent = at; parent != nullptr;) {
    at = parent;
    parent = nullptr;
    for (const ParentLink& link : at->parents) {
      if (parent == nullptr && !link.parent->idle) parent = link.parent;
    }
  }
  return *at;
}

bool is_of_same_place(const Peer& a, const Peer& b) {
  return a.info.isp == b.info.isp && a.info.province == b.info.province;
}

// Returns true if the peer has the parents that it should have, and would take one more. A peer
// that asked for a number takes up to that number.
bool has_room_for_better(const Peer& peer) {
  const int32_t parents = static_cast<int32_t>(peer.parents.size());
  return peer.wants ? parents > 0 && parents < *peer.wants : parents == peer.parents_wanted;
}

// Returns true if `a` should rather be fed by the CDN than `b`: it is not on a phone, can feed
// more, or has stayed longer.
bool is_stronger(const Peer& a, const Peer& b) {
  const bool mobile_a = a.info.device == tracker_wire::Device::kMobile;
  const bool mobile_b = b.info.device == tracker_wire::Device::kMobile;
  if (mobile_a != mobile_b) return mobile_b;
  return a.child_limit != b.child_limit ? a.child_limit > b.child_limit : a.join < b.join;
}

}  // namespace

Peer* Introductions::introduced(const Peer& peer, const PeerId& id) {
  for (const ParentLink& link : peer.parents) {
    if (link.parent->id == id) return link.parent;
  }
  for (Peer* child : peer.children) {
    if (child->id == id) return child;
  }
  return nullptr;
}

void Introductions::on_entered(Peer& peer, TimeMs now) {
  provide(peer, now);
  // Peers that search find the newcomer's slots in time; a peer that was alone does not search.
  if (peer.orphan || peer.room->nodes.size() == 2) wake(*peer.room, peer.rank, now);
}

void Introductions::on_facts_changed(Peer& peer, TimeMs now) {
  peer.room->update(peer);
  while (!peer.children.empty() && peer.children_held() > peer.child_limit) {
    // An idle child loses nothing, and the child with the most parents loses least.
    Peer& child = **std::max_element(
        peer.children.begin(), peer.children.end(), [](const Peer* a, const Peer* b) {
          return a->idle != b->idle ? b->idle : a->parents.size() < b->parents.size();
        });
    part(child, peer, now);
    provide(child, now);
  }
  wake(*peer.room, peer.rank, now);
  drop_surplus_parents(peer, now);
  provide(peer, now);
}

void Introductions::on_leaving(Peer& peer, TimeMs now) {
  Channel& channel = *peer.channel;
  set_search(peer, std::nullopt);
  timers_.clear(peer.conn, TimerKind::kIntroduction);
  peer.child_limit = 0;

  const bool was_source = peer.is_source();
  const std::vector<Peer*> children = peer.children;
  const std::vector<Peer*> parents = parents_of(peer);
  for (Peer* child : children) unlink(*child, peer);
  for (Peer* parent : parents) unlink(peer, *parent);
  Room* united = channel.remove(peer);

  // One of the orphans of a source takes its place, and feeds the others.
  Peer* heir = nullptr;
  for (Peer* child : children) {
    if (!was_source || !Room::is_orphan(*child)) continue;
    if (heir == nullptr || is_stronger(*child, *heir)) heir = child;
  }
  if (heir != nullptr) channel.move_to_front(*heir);
  for (Peer* child : children) {
    if (child != heir) provide(*child, now);
  }
  if (heir != nullptr) provide(*heir, now);
  for (Peer* parent : parents) wake(*parent->room, parent->rank, now);
  if (united == nullptr) return;
  for (const auto& [rank, orphan] : united->orphans) {
    if (!orphan->search_at) set_search(*orphan, now);
  }
}

void Introductions::on_moving(Peer& peer, TimeMs now) {
  set_search(peer, std::nullopt);
  timers_.clear(peer.conn, TimerKind::kIntroduction);
  const std::vector<Peer*> children = peer.children;
  for (Peer* child : children) {
    unlink(*child, peer);
    if (child->orphan && !child->search_at) set_search(*child, now + kOrphanPause);
  }
  for (Peer* parent : parents_of(peer)) unlink(peer, *parent);
  peer.channel->remove(peer);
}

void Introductions::on_opened(Peer& reporter, std::string_view dc_id, TimeMs now) {
  ParentLink* link = parent_named(reporter, other_when_initiator(dc_id, reporter.id.text));
  if (link == nullptr || link->opened) return;
  link->opened = true;
  ++opened_;
  reporter.failures = 0;
  if (drop_surplus_parents(reporter, now)) provide(reporter, now);
  arm(reporter);
}

void Introductions::on_ended(Peer& reporter, std::string_view dc_id, tracker_wire::EndReason reason,
                             TimeMs now) {
  const std::string_view other = other_when_initiator(dc_id, reporter.id.text);
  const std::string_view initiator = initiator_when_other(dc_id, reporter.id.text);
  if (ParentLink* link = parent_named(reporter, other))
    return end(reporter, *link->parent, reason, now);
  if (Peer* child = child_named(reporter, initiator)) return end(*child, reporter, reason, now);
  const bool stranger = other.empty() && initiator.empty();
  if (stranger && reporter.kept_parents > 0) {
    --reporter.kept_parents;
    reporter.channel->settle(reporter);
  } else if (stranger && reporter.kept_children > 0) {
    --reporter.kept_children;
    reporter.room->update(reporter);
  }
  provide(reporter, now);
}

void Introductions::on_timer(Peer& peer, TimeMs now) {
  std::vector<Peer*> expired;
  for (const ParentLink& link : peer.parents) {
    if (!link.opened && link.since + kOpenTimeout <= now) expired.push_back(link.parent);
  }
  for (Peer* parent : expired) end(peer, *parent, tracker_wire::EndReason::kNone, now);
  if (peer.search_at && *peer.search_at <= now) provide(peer, now);
  arm(peer);
}

void Introductions::on_idle(Peer& peer, bool idle, TimeMs now) {
  if (peer.idle == idle) return;
  // It reports this again with its next statistics.
  if (idle && now < peer.idle_since + kIdleInterval) return;
  peer.idle = idle;
  if (idle) peer.idle_since = now;
  peer.room->update(peer);
  for (const ParentLink& link : peer.parents) link.parent->room->update(*link.parent);
  provide(peer, now);
  if (!idle) return wake(*peer.room, peer.rank, now);
  for (Peer* parent : parents_of(peer)) wake(*parent->room, parent->rank, now);
  // Those of a higher rank first: they may get one of the others, which would otherwise be moved
  // behind them.
  std::vector<Peer*> children = peer.children;
  std::sort(children.begin(), children.end(),
            [](const Peer* a, const Peer* b) { return a->rank > b->rank; });
  for (Peer* child : children) provide(*child, now);
}

void Introductions::on_report(Peer& peer, TimeMs now) {
  Channel& channel = *peer.channel;
  channel.settle(peer);
  // A peer enters in the class that has a free slot at that time. A peer that stays and can feed
  // many belongs nearer to the CDN, where others gain from it.
  if (FilterClass::is_weak(peer) || peer.kept_children > 0 || now - peer.entered_at < kSettledIn) {
    return;
  }
  if (!has_room_for_better(peer) || now < peer.connect_after) return;
  const bool all_open = std::all_of(peer.parents.begin(), peer.parents.end(),
                                    [](const ParentLink& link) { return link.opened; });
  const std::optional<int32_t> free = peer.room->parents.first_class();
  if (!all_open || !free || *free + 1 + kWorthMoving > peer.layer) return;
  Peer* parent = peer.room->parents.find_first(peer, now);
  if (parent == nullptr || parent->idle || parent->layer + 1 + kWorthMoving > peer.layer) return;
  ++promoted_;
  introduce(peer, *parent, now);
  arm(peer);
}

// Drops parents that have not opened first, then idle ones, then those farthest from the CDN: one
// after a promotion or in place of an idle one, several if the child wants fewer.
bool Introductions::drop_surplus_parents(Peer& child, TimeMs now) {
  bool dropped = false;
  while (static_cast<int32_t>(child.parents.size()) > child.parents_wanted) {
    const ParentLink& surplus = *std::max_element(child.parents.begin(), child.parents.end(),
                                                  [](const ParentLink& a, const ParentLink& b) {
                                                    if (a.opened != b.opened) return a.opened;
                                                    if (a.parent->idle != b.parent->idle)
                                                      return b.parent->idle;
                                                    return a.parent->layer < b.parent->layer;
                                                  });
    Peer* parent = surplus.parent;
    part(child, *parent, now);
    wake(*parent->room, parent->rank, now);
    dropped = true;
  }
  return dropped;
}

void Introductions::end(Peer& child, Peer& parent, tracker_wire::EndReason reason, TimeMs now) {
  const ParentLink link = *parent_named(child, parent.id.text);
  // A refusal does not count: no connection was tried.
  if (!link.opened && reason != tracker_wire::EndReason::kRefused) {
    child.connect_after = link.since + doubled(kConnectPause, child.failures, kLongestConnectPause);
    ++child.failures;
  }
  // A parent that had nothing may still become a child of this peer.
  const bool useless = reason == tracker_wire::EndReason::kUseless;
  child.unfed = child.unfed || useless;
  hold_down(child, parent, hold_down_after(reason), !useless, now);
  unlink(child, parent);
  provide(child, now);
  wake(*parent.room, parent.rank, now);
}

// Ends a link on the tracker's own decision, which it sends to the child. The pair is held down, so
// that it is not introduced again before the connection has ended on both sides.
void Introductions::part(Peer& child, Peer& parent, TimeMs now) {
  hold_down(child, parent, kHoldDown, true, now);
  outbox_.send(child.conn, tracker_wire::serialize(
                               tracker_wire::TrackerMessage(tracker_wire::Disconnect{parent.id})));
  unlink(child, parent);
}

void Introductions::unlink(Peer& child, Peer& parent) {
  if (!parent_named(child, parent.id.text)->opened) ++failed_;
  --standing_;
  child.channel->unlink(child, parent);
}

void Introductions::introduce(Peer& child, Peer& parent, TimeMs now) {
  child.connect_after = now + kConnectPause;
  if (parent.children_held() >= parent.child_limit) make_room(parent, now);
  child.channel->link(child, parent, now);
  ++made_;
  ++standing_;
  outbox_.send(child.conn, tracker_wire::serialize(
                               tracker_wire::TrackerMessage(tracker_wire::Connect{parent.id})));
}

// Ends the link to the child that has been idle for longest. The parent is told too; otherwise it
// might refuse the next child.
void Introductions::make_room(Peer& parent, TimeMs now) {
  Peer* idle = nullptr;
  for (Peer* child : parent.children) {
    if (child->idle && (idle == nullptr || child->idle_since < idle->idle_since)) idle = child;
  }
  if (idle == nullptr) return;
  outbox_.send(parent.conn, tracker_wire::serialize(
                                tracker_wire::TrackerMessage(tracker_wire::Disconnect{idle->id})));
  part(*idle, parent, now);
}

void Introductions::provide(Peer& child, TimeMs now) {
  const FilterClass& index = child.room->parents;
  // An idle parent does not count, but stays until another one has opened, so a child may have one
  // parent more for a while.
  const int32_t parents = active_parents(child);
  const int32_t standing = static_cast<int32_t>(child.parents.size()) + child.kept_parents;
  const bool crowded = standing > child.parents_wanted;
  // A peer with kept children might get a parent below it, and the two would wait for each other's
  // segments. A peer that is alone needs no parent.
  const bool alone = child.room->nodes.size() == 1;
  if (child.idle || parents >= child.parents_wanted || crowded || child.kept_children > 0 ||
      alone) {
    return set_search(child, std::nullopt);
  }
  if (now < child.connect_after) return set_search(child, child.connect_after);

  const bool further = parents > 0 && !child.unfed;
  Peer* parent = further ? index.find_another(child, now) : index.find_first(child, now);
  const bool vod = child.channel->type() == ChannelType::kVod;
  // A VOD viewer whose parents are paused is ahead of those who came later.
  if (parent == nullptr && parents == 0 && (standing == 0 || !vod)) {
    parent = find_by_moving(child, now);
  } else {
    child.deferred.reset();
  }
  if (parent == nullptr) {
    DurationMs pause = doubled(kSearchPause, child.empty_searches, kLongestSearchPause);
    if (parents == 0) pause = standing > 0 ? kSearchPause : kOrphanPause;
    TimeMs again = now + pause;
    if (child.deferred) again = std::max(*child.deferred, now + DurationMs{1});
    for (const HoldDown& pair : child.held_down) {
      if (now < pair.until) again = std::min(again, pair.until);
    }
    ++child.empty_searches;
    return set_search(child, again);
  }
  child.empty_searches = 0;
  child.deferred.reset();
  introduce(child, *parent, now);
  int32_t missing = child.parents_wanted - parents - 1;
  // Further parents in the child's own place are introduced together, so that their messages share
  // packets; a parent in another place can wait. A peer whose connections fail gets one parent at a
  // time.
  while (parents > 0 && parents == standing && missing > 0 && child.failures == 0) {
    parent = index.find_another(child, now);
    if (parent == nullptr || !is_of_same_place(*parent, child)) break;
    introduce(child, *parent, now);
    --missing;
  }
  set_search(child, missing > 0 ? std::optional(child.connect_after) : std::nullopt);
}

// Returns a parent for an orphan whom no peer of a lower rank can feed, or nullptr.
Peer* Introductions::find_by_moving(Peer& orphan, TimeMs now) {
  const bool waited = orphan.deferred && *orphan.deferred <= now;
  const std::vector<Rank> below = Channel::ranks_below(orphan, kMostMoved);
  Peer* parent = below.empty() ? nullptr : orphan.room->parents.find_outside(orphan, now, below);
  if (parent != nullptr && !waited && orphan.channel->type() == ChannelType::kVod) {
    if (!orphan.deferred) orphan.deferred = now + kVodDeference;
    return nullptr;
  }
  if (parent != nullptr && !waited) {
    const Peer& source = source_of(*parent);
    if (source.rank > orphan.rank && source.search_at && *source.search_at <= now + kDeference) {
      // Just after that search.
      if (!orphan.deferred) orphan.deferred = *source.search_at + DurationMs{1};
      return nullptr;
    }
  }
  orphan.deferred.reset();
  if (parent != nullptr) orphan.channel->move_to_end(orphan);
  return parent;
}

// A peer of rank `above` has a free slot: orphans of a higher rank search first.
void Introductions::wake(Room& room, Rank above, TimeMs now) {
  std::vector<Peer*> woken;
  for (auto at = room.orphans.upper_bound(above);
       at != room.orphans.end() && woken.size() < kOrphansWoken; ++at) {
    woken.push_back(at->second);
  }
  for (auto at = room.orphans.begin();
       at != room.orphans.end() && at->first <= above && woken.size() < kOrphansWoken; ++at) {
    woken.push_back(at->second);
  }
  for (Peer* orphan : woken) {
    if (orphan->orphan) provide(*orphan, now);
  }
}

void Introductions::set_search(Peer& peer, std::optional<TimeMs> search_at) {
  peer.search_at = search_at;
  arm(peer);
}

void Introductions::arm(Peer& peer) {
  std::optional<TimeMs> due = peer.search_at;
  for (const ParentLink& link : peer.parents) {
    if (link.opened) continue;
    const TimeMs expiry = link.since + kOpenTimeout;
    due = due ? std::min(*due, expiry) : expiry;
  }
  if (due) {
    timers_.set(peer.conn, TimerKind::kIntroduction, *due);
  } else {
    timers_.clear(peer.conn, TimerKind::kIntroduction);
  }
}

}  // namespace hlsmesh::tracker

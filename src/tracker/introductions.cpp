#include "tracker/introductions.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace hlsmesh::tracker {
namespace {

// Orphans that one free slot may wake: the first may be held down for this parent or too early.
constexpr size_t kOrphansWoken = 4;

// Classes that a move must bring a peer nearer to the CDN, or it is not worth a new connection.
constexpr int32_t kWorthMoving = 2;

DurationMs doubled(DurationMs first, int32_t times, DurationMs longest) {
  // 2^16 times the shortest pause is past every longest one.
  return std::min(first * (int64_t{1} << std::clamp(times, 0, 16)), longest);
}

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

// Neither is to be the other's parent for a while.
void hold_down(Peer& a, Peer& b, TimeMs now) {
  for (const auto& [peer, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    auto& pairs = peer->held_down;
    pairs.erase(std::remove_if(pairs.begin(), pairs.end(),
                               [&](const HoldDown& pair) { return pair.until <= now; }),
                pairs.end());
    pairs.push_back({other->join, now + kHoldDown});
  }
}

// Where a peer's segments come from, by its oldest parents.
const Peer& source_of(const Peer& peer) {
  const Peer* at = &peer;
  while (!at->parents.empty()) at = at->parents.front().parent;
  return *at;
}

bool is_of_same_place(const Peer& a, const Peer& b) {
  return a.info.isp == b.info.isp && a.info.province == b.info.province;
}

// Whether it has the parents it was to have, and would take one more. Who asked for a number has
// room for that many.
bool has_room_for_better(const Peer& peer) {
  const int32_t parents = static_cast<int32_t>(peer.parents.size());
  return peer.wants ? parents > 0 && parents < *peer.wants : parents == peer.parents_wanted;
}

// Of two orphans, who had better be the one that the CDN feeds: who can feed more, is not on a
// phone, has stayed longer.
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
  // Those who search anyway find the newcomer's slots in time; one that was alone does not search.
  if (peer.orphan || peer.room->nodes.size() == 2) wake(*peer.room, peer.rank, now);
}

void Introductions::on_facts_changed(Peer& peer, TimeMs now) {
  peer.room->update(peer);
  while (!peer.children.empty() && peer.slots_taken() > peer.child_limit) {
    // The one with most other parents misses this one least.
    Peer& child = **std::max_element(
        peer.children.begin(), peer.children.end(),
        [](const Peer* a, const Peer* b) { return a->parents.size() < b->parents.size(); });
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
  drop_surplus_parents(reporter, now);
  arm(reporter);
}

void Introductions::on_ended(Peer& reporter, std::string_view dc_id, TimeMs now) {
  const std::string_view other = other_when_initiator(dc_id, reporter.id.text);
  const std::string_view initiator = initiator_when_other(dc_id, reporter.id.text);
  if (ParentLink* link = parent_named(reporter, other)) return end(reporter, *link->parent, now);
  if (Peer* child = child_named(reporter, initiator)) return end(*child, reporter, now);
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
  for (Peer* parent : expired) end(peer, *parent, now);
  if (peer.search_at && *peer.search_at <= now) provide(peer, now);
  arm(peer);
}

void Introductions::on_report(Peer& peer, TimeMs now) {
  Channel& channel = *peer.channel;
  channel.settle(peer);
  // The classes that peers enter by are those that were free then. Who stays and can feed many
  // belongs further up, where others gain from it.
  if (FilterClass::is_weak(peer) || peer.kept_children > 0 || now - peer.entered_at < kSettledIn) {
    return;
  }
  if (!has_room_for_better(peer) || now < peer.connect_after) return;
  const bool all_open = std::all_of(peer.parents.begin(), peer.parents.end(),
                                    [](const ParentLink& link) { return link.opened; });
  const std::optional<int32_t> free = peer.room->parents.first_class();
  if (!all_open || !free || *free + 1 + kWorthMoving > peer.layer) return;
  Peer* parent = peer.room->parents.find_first(peer, now);
  if (parent == nullptr || parent->layer + 1 + kWorthMoving > peer.layer) return;
  ++promoted_;
  introduce(peer, *parent, now);
  arm(peer);
}

// Those that are on their way, then those that are farthest from the CDN: one after a promotion,
// more where the child wants less.
void Introductions::drop_surplus_parents(Peer& child, TimeMs now) {
  while (static_cast<int32_t>(child.parents.size()) > child.parents_wanted) {
    const ParentLink& surplus = *std::max_element(
        child.parents.begin(), child.parents.end(), [](const ParentLink& a, const ParentLink& b) {
          return a.opened != b.opened ? a.opened : a.parent->layer < b.parent->layer;
        });
    Peer* parent = surplus.parent;
    part(child, *parent, now);
    wake(*parent->room, parent->rank, now);
  }
}

void Introductions::end(Peer& child, Peer& parent, TimeMs now) {
  const ParentLink link = *parent_named(child, parent.id.text);
  if (!link.opened) {
    child.connect_after = link.since + doubled(kConnectPause, child.failures, kLongestConnectPause);
    ++child.failures;
  }
  hold_down(child, parent, now);
  unlink(child, parent);
  provide(child, now);
  wake(*parent.room, parent.rank, now);
}

// The tracker's own wish, told to the child. The pair is held down, so that it does not meet again
// before the connection is gone on both sides.
void Introductions::part(Peer& child, Peer& parent, TimeMs now) {
  hold_down(child, parent, now);
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
  child.channel->link(child, parent, now);
  ++made_;
  ++standing_;
  outbox_.send(child.conn, tracker_wire::serialize(
                               tracker_wire::TrackerMessage(tracker_wire::Connect{parent.id})));
}

void Introductions::provide(Peer& child, TimeMs now) {
  const FilterClass& index = child.room->parents;
  const int32_t parents = static_cast<int32_t>(child.parents.size()) + child.kept_parents;
  // One that brought children along might be given a parent below it: the two would wait for each
  // other's segments. And one that is alone needs none.
  const bool alone = child.room->nodes.size() == 1;
  if (parents >= child.parents_wanted || child.kept_children > 0 || alone) {
    return set_search(child, std::nullopt);
  }
  if (now < child.connect_after) return set_search(child, child.connect_after);

  Peer* parent = parents > 0 ? index.find_another(child, now) : index.find_first(child, now);
  if (parent == nullptr && parents == 0) parent = find_by_moving(child, now);
  if (parent == nullptr) {
    TimeMs again =
        now + (parents > 0 ? doubled(kSearchPause, child.empty_searches, kLongestSearchPause)
                           : kOrphanPause);
    if (child.deferred) again = *child.deferred;
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
  // Of further parents those of one place come together, so that what has to be said of them shares
  // the way; for one from elsewhere there is time. Whose connections fail is given one at a time.
  while (parents > 0 && missing > 0 && child.failures == 0) {
    parent = index.find_another(child, now);
    if (parent == nullptr || !is_of_same_place(*parent, child)) break;
    introduce(child, *parent, now);
    --missing;
  }
  set_search(child, missing > 0 ? std::optional(child.connect_after) : std::nullopt);
}

// A parent for an orphan whom nobody of a lower rank can feed, or nullptr.
Peer* Introductions::find_by_moving(Peer& orphan, TimeMs now) {
  const bool waited = orphan.deferred && *orphan.deferred <= now;
  const std::vector<Rank> below = Channel::ranks_below(orphan, kMostMoved);
  Peer* parent = below.empty() ? nullptr : orphan.room->parents.find_outside(orphan, now, below);
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

// A slot has come free, of somebody at `above` in the order: first for those who come after.
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

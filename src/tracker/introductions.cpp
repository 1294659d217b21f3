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

// More than a peer is introduced to before it reports the first of them.
constexpr size_t kMostParted = 16;

void note_parted(Peer& peer, const PeerId& other) {
  if (peer.kept_parents + peer.kept_children == 0) return;
  if (peer.parted.size() >= kMostParted) peer.parted.erase(peer.parted.begin());
  peer.parted.push_back(other);
}

bool take_parted(Peer& peer, std::string_view id) {
  const auto found = std::find_if(peer.parted.begin(), peer.parted.end(),
                                  [&](const PeerId& each) { return each.text == id; });
  if (found == peer.parted.end()) return false;
  peer.parted.erase(found);
  return true;
}

// How long after its end a link may still be reported, and the links of one peer that are
// remembered for it. The report is on its way when the other side ends the link.
constexpr DurationMs kReportable{60'000};
constexpr size_t kMostFormer = 8;

Former former_of(const Peer& peer, TimeMs now) {
  return {peer.id.text, peer.info.network, peer.info.party, now};
}

void note_former(Peer& peer, const Peer& other, TimeMs now) {
  if (peer.former.size() >= kMostFormer) peer.former.erase(peer.former.begin());
  peer.former.push_back(former_of(other, now));
}

// Notes that `ender` ends the link, of which the other side may not have said yet that it opened.
void note_ender(Peer& other, const Peer& ender, const ParentLink& link, TimeMs now) {
  if (!link.opened) note_former(other, ender, now);
}

}  // namespace

std::optional<Former> Introductions::met(Peer& reporter, std::string_view dc_id, TimeMs now) {
  const std::string_view other = other_when_initiator(dc_id, reporter.id.text);
  if (const ParentLink* link = parent_named(reporter, other); link != nullptr && link->opened) {
    return former_of(*link->parent, now);
  }
  const std::string_view initiator = initiator_when_other(dc_id, reporter.id.text);
  if (Peer* child = child_named(reporter, initiator)) {
    if (parent_named(*child, reporter.id.text)->opened) return former_of(*child, now);
  }
  for (const Former& each : reporter.former) {
    const bool named = !each.id.empty() && (each.id == other || each.id == initiator);
    if (named && now - each.ended_at < kReportable) return each;
  }
  return std::nullopt;
}

void Introductions::expel(Peer& peer, TimeMs now) {
  peer.idle = true;
  peer.idle_since = now;
  set_search(peer, std::nullopt);
  const std::vector<Peer*> children = peer.children;
  const std::vector<Peer*> parents = parents_of(peer);
  for (Peer* child : children) part(*child, peer, now);
  for (Peer* parent : parents) {
    outbox_.send(
        parent->conn,
        tracker_wire::serialize(tracker_wire::TrackerMessage(tracker_wire::Disconnect{peer.id})));
    part(peer, *parent, now);
  }
  peer.room->update(peer);
  for (Peer* child : children) provide(*child, now);
  for (Peer* parent : parents) wake(*parent->room, parent->rank, now);
  arm(peer);
}

Introductions::Introduced Introductions::introduced(Peer& peer, std::string_view id) {
  if (ParentLink* link = parent_named(peer, id)) return {link->parent, &link->to_parent};
  Peer* const child = child_named(peer, id);
  if (child == nullptr) return {};
  return {child, &parent_named(*child, peer.id.text)->to_child};
}

void Introductions::on_entered(Peer& peer, TimeMs now) {
  provide(peer, now);
  // Peers that search find the newcomer's slots in time; a peer that was alone does not search.
  if (peer.orphan || peer.room->nodes.size() == 2) wake(*peer.room, peer.rank, now);
}

void Introductions::on_facts_changed(Peer& peer, TimeMs now) {
  peer.room->update(peer);
  shed(peer, now);
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
  for (Peer* child : children) {
    note_ender(*child, peer, *parent_named(*child, peer.id.text), now);
    unlink(*child, peer, now);
  }
  for (Peer* parent : parents) {
    note_ender(*parent, peer, *parent_named(peer, parent->id.text), now);
    unlink(peer, *parent, now);
  }
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
    unlink(*child, peer, now);
    if (child->orphan && !child->search_at) set_search(*child, now + kOrphanPause);
  }
  for (Peer* parent : parents_of(peer)) unlink(peer, *parent, now);
  peer.channel->remove(peer);
}

void Introductions::on_opened(Peer& reporter, std::string_view dc_id, TimeMs now) {
  ParentLink* link = parent_named(reporter, other_when_initiator(dc_id, reporter.id.text));
  if (link == nullptr || link->opened) return;
  link->opened = true;
  ++opened_;
  reporter.failures = 0;
  note_opened(reporter, *link->parent);
  if (drop_surplus_parents(reporter, now)) provide(reporter, now);
  arm(reporter);
}

void Introductions::on_ended(Peer& reporter, std::string_view dc_id, tracker_wire::EndReason reason,
                             TimeMs now) {
  const std::string_view other = other_when_initiator(dc_id, reporter.id.text);
  const std::string_view initiator = initiator_when_other(dc_id, reporter.id.text);
  if (ParentLink* link = parent_named(reporter, other)) {
    note_ender(*link->parent, reporter, *link, now);
    end(reporter, *link->parent, reason, true, now);
    take_parted(reporter, other);
    return;
  }
  if (Peer* child = child_named(reporter, initiator)) {
    note_ender(*child, reporter, *parent_named(*child, reporter.id.text), now);
    end(*child, reporter, reason, false, now);
    take_parted(reporter, initiator);
    return;
  }
  // A dc_id of its own id is from before its channel came here, one without from before it came
  // back under another id.
  if (take_parted(reporter, other.empty() ? initiator : other)) return provide(reporter, now);
  if (initiator.empty() && reporter.kept_parents > 0) {
    --reporter.kept_parents;
    reporter.channel->settle(reporter);
  } else if (other.empty() && reporter.kept_children > 0) {
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
  for (Peer* parent : expired) end(peer, *parent, tracker_wire::EndReason::kNone, false, now);
  shed(peer, now);
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

void Introductions::on_limit_changed(Peer& peer, TimeMs now) {
  peer.room->update(peer);
  if (!peer.is_overfull() || peer.shed_at) return;
  peer.shed_at = now + kShedPause;
  arm(peer);
}

// Ends one link to a child, if there are too many.
void Introductions::shed(Peer& peer, TimeMs now) {
  if (!peer.is_overfull()) {
    peer.shed_at.reset();
    return;
  }
  if (peer.shed_at && now < *peer.shed_at) return;
  // An idle child loses nothing, and the child with the most parents loses least.
  Peer& child = **std::max_element(
      peer.children.begin(), peer.children.end(), [](const Peer* a, const Peer* b) {
        return a->idle != b->idle ? b->idle : a->parents.size() < b->parents.size();
      });
  peer.shed_at = now + kShedPause;
  part(child, peer, now);
  provide(child, now);
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

void Introductions::end(Peer& child, Peer& parent, tracker_wire::EndReason reason, bool by_child,
                        TimeMs now) {
  const ParentLink link = *parent_named(child, parent.id.text);
  ++(link.opened ? ends_.opened : ends_.unopened)[static_cast<size_t>(reason)];
  if (!link.opened) ++unopened_[static_cast<size_t>(reason)];
  // A refusal does not count: no connection was tried.
  if (!link.opened && reason != tracker_wire::EndReason::kRefused) {
    if (by_child) note_failed(child, parent, reason, link.to_child.used());
    const DurationMs pause = doubled(kConnectPause, child.failures, kLongestConnectPause);
    const bool hopeful = child.outcomes.hard && !child.outcomes.is_unreachable();
    child.last_resort_after = link.since + pause;
    child.connect_after = link.since + (hopeful ? std::min(pause, kHopefulPause) : pause);
    ++child.failures;
  }
  // A parent that had nothing may still become a child of this peer.
  const bool useless = reason == tracker_wire::EndReason::kUseless;
  child.unfed = child.unfed || useless;
  hold_down(child, parent, hold_down_after(reason), !useless, now);
  unlink(child, parent, now);
  provide(child, now);
  wake(*parent.room, parent.rank, now);
}

// Ends a link on the tracker's own decision, which it sends to the child. The pair is held down, so
// that it is not introduced again before the connection has ended on both sides.
void Introductions::part(Peer& child, Peer& parent, TimeMs now) {
  hold_down(child, parent, kHoldDown, true, now);
  outbox_.send(child.conn, tracker_wire::serialize(
                               tracker_wire::TrackerMessage(tracker_wire::Disconnect{parent.id})));
  unlink(child, parent, now);
}

void Introductions::unlink(Peer& child, Peer& parent, TimeMs now) {
  if (parent_named(child, parent.id.text)->opened) {
    note_former(child, parent, now);
    note_former(parent, child, now);
  } else {
    ++failed_;
  }
  --standing_;
  note_parted(child, parent.id);
  note_parted(parent, child.id);
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
  if (peer.shed_at) due = due ? std::min(*due, *peer.shed_at) : *peer.shed_at;
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

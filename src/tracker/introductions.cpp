#include "tracker/introductions.hpp"

#include <algorithm>
#include <vector>

namespace hlsmesh::tracker {
namespace {

// Seekers that one free slot may wake: the first may be held down for this parent or too early.
constexpr int32_t kSeekersWoken = 4;

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

void Introductions::on_entered(Peer& peer, TimeMs now) { provide(peer, now); }

void Introductions::on_leaving(Peer& peer, TimeMs now) {
  Channel& channel = *peer.channel;
  set_search(peer, std::nullopt);
  timers_.clear(peer.conn, TimerKind::kIntroduction);
  peer.child_limit = 0;

  const std::vector<Peer*> children = peer.children;
  for (Peer* child : children) unlink(*child, peer);
  std::vector<Peer*> parents;
  for (const ParentLink& link : peer.parents) parents.push_back(link.parent);
  for (Peer* parent : parents) unlink(peer, *parent);
  channel.remove(peer);

  for (Peer* child : children) provide(*child, now);
  for (Peer* parent : parents) slot_came_free(*parent, now);
}

void Introductions::on_moving(Peer& peer) {
  set_search(peer, std::nullopt);
  timers_.clear(peer.conn, TimerKind::kIntroduction);
  const std::vector<Peer*> children = peer.children;
  for (Peer* child : children) unlink(*child, peer);
  std::vector<Peer*> parents;
  for (const ParentLink& link : peer.parents) parents.push_back(link.parent);
  for (Peer* parent : parents) unlink(peer, *parent);
  peer.channel->remove(peer);
}

void Introductions::on_opened(Peer& reporter, std::string_view dc_id) {
  ParentLink* link = parent_named(reporter, other_when_initiator(dc_id, reporter.id.text));
  if (link == nullptr || link->opened) return;
  link->opened = true;
  ++opened_;
  reporter.failures = 0;
  arm(reporter);
}

void Introductions::on_ended(Peer& reporter, std::string_view dc_id, TimeMs now) {
  const std::string_view other = other_when_initiator(dc_id, reporter.id.text);
  const std::string_view initiator = initiator_when_other(dc_id, reporter.id.text);
  if (ParentLink* link = parent_named(reporter, other)) return end(reporter, *link->parent, now);
  if (Peer* child = child_named(reporter, initiator)) return end(*child, reporter, now);
  const bool stranger = other.empty() && initiator.empty();
  if (stranger && reporter.kept_parents > 0) {
    if (--reporter.kept_parents == 0 && reporter.parents.empty()) {
      reporter.layer = 0;
      reporter.room->matching.update(reporter);
    }
  } else if (stranger && reporter.kept_children > 0) {
    --reporter.kept_children;
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

void Introductions::end(Peer& child, Peer& parent, TimeMs now) {
  const ParentLink link = *parent_named(child, parent.id.text);
  if (!link.opened) {
    child.connect_after = link.since + doubled(kConnectPause, child.failures, kLongestConnectPause);
    ++child.failures;
  }
  auto& pairs = child.held_down;
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(),
                             [&](const HoldDown& pair) { return pair.until <= now; }),
              pairs.end());
  pairs.push_back({parent.join, now + kHoldDown});
  unlink(child, parent);
  provide(child, now);
  slot_came_free(parent, now);
}

void Introductions::unlink(Peer& child, Peer& parent) {
  if (!parent_named(child, parent.id.text)->opened) ++failed_;
  --standing_;
  child.channel->unlink(child, parent);
}

void Introductions::provide(Peer& child, TimeMs now) {
  const Room& room = *child.room;
  const int32_t parents = static_cast<int32_t>(child.parents.size()) + child.kept_parents;
  // Nobody can feed the oldest, and nobody older will ever come.
  const bool oldest = room.nodes.begin()->second == &child;
  // One that brought children along and no parent was the root of a tree, and any parent it were
  // given might be below it: the two would wait for each other's segments.
  const bool root = child.kept_children > 0 && parents == 0;
  if (parents >= parents_wanted_ || oldest || root) return set_search(child, std::nullopt);
  if (now < child.connect_after) return set_search(child, child.connect_after);

  Peer* parent = room.matching.find_parent(child, now);
  if (parent == nullptr) {
    TimeMs again = now + doubled(kSearchPause, child.empty_searches, kLongestSearchPause);
    for (const HoldDown& pair : child.held_down) {
      if (now < pair.until) again = std::min(again, pair.until);
    }
    ++child.empty_searches;
    return set_search(child, again);
  }
  child.empty_searches = 0;
  child.connect_after = now + kConnectPause;
  child.channel->link(child, *parent, now);
  set_search(child, std::nullopt);
  ++made_;
  ++standing_;
  outbox_.send(child.conn, tracker_wire::serialize(
                               tracker_wire::TrackerMessage(tracker_wire::Connect{parent->id})));
}

void Introductions::slot_came_free(Peer& parent, TimeMs now) {
  const Room& room = *parent.room;
  JoinOrder after = parent.join;
  for (int32_t woken = 0; woken < kSeekersWoken && parent.slot_key; ++woken) {
    const auto seeker = room.seekers.upper_bound(after);
    if (seeker == room.seekers.end()) return;
    after = *seeker;
    provide(*room.nodes.find(after)->second, now);
  }
}

void Introductions::set_search(Peer& peer, std::optional<TimeMs> search_at) {
  peer.search_at = search_at;
  if (search_at) {
    peer.room->seekers.insert(peer.join);
  } else {
    peer.room->seekers.erase(peer.join);
  }
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

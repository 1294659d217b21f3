#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/time.hpp"
#include "tracker/channel.hpp"
#include "tracker/outbox.hpp"
#include "tracker/peer.hpp"
#include "tracker/timer_table.hpp"

namespace hlsmesh::tracker {

// After a `connect` a peer hears the next no sooner than this, save for parents that come together,
// so that a page whose every connection fails costs little; the pause doubles with each
// introduction that never opened, up to the longest.
inline constexpr DurationMs kConnectPause{1'000};
inline constexpr DurationMs kLongestConnectPause{60'000};
// A peer is taken for idle no more often than this: its children look for other parents each time.
inline constexpr DurationMs kIdleInterval{10'000};
// An introduction that has not opened by then has failed unreported. ICE gives up within 15 s.
inline constexpr DurationMs kOpenTimeout{15'000};
// A search for a first parent that found nobody is repeated when a slot comes free, and in any case
// after this: with what an orphan may wait for others (below), it is not left without a parent that
// it could have for 2 s.
inline constexpr DurationMs kOrphanPause{800};
// A search for a further one after a pause that doubles from the first to the second of these.
inline constexpr DurationMs kSearchPause{4'000};
inline constexpr DurationMs kLongestSearchPause{64'000};
// An orphan whom nobody of a lower rank can feed is moved to the end of the order if no more than
// these are below it, itself included. With more, what it fetches from the CDN serves so many that
// it may stay a source.
inline constexpr size_t kMostMoved = 64;
// Before it is moved, a source within this time of its next search may come below it instead, if it
// ranks higher: of two that were parted, the one that was the parent is so again.
inline constexpr DurationMs kDeference{1'000};
// A VOD viewer that came before others is ahead of them, as a rule: before it is moved, they have
// this long to come below it.
inline constexpr DurationMs kVodDeference{10'000};
// A peer that has stayed this long and can feed many is offered a parent nearer to the CDN.
inline constexpr DurationMs kSettledIn{60'000};

// Makes, ends and renews introductions over time: the one place that says `connect`. It says so to
// the child alone, which dials and asks (protocol section 3).
//
// Everything that ends a link (a report of either side, a peer that leaves, a timeout) comes down
// to: drop the link, then give the child a parent if it now has too few. So however many reports
// one broken connection causes, and in whatever order, the child hears one `connect`.
//
// No cycle can arise: a parent ranks below its child when they are linked, and a rank changes only
// together with those of everybody below (Channel::move_to_end), or where nobody is above
// (Channel::move_to_front). A peer with kept children, which nobody knows, is given no parent.
class Introductions {
 public:
  Introductions(Outbox& outbox, TimerTable& timers) : outbox_(outbox), timers_(timers) {}

  // The peer was added to its channel and has its `accept`.
  void on_entered(Peer& peer, TimeMs now);
  // What the peer can give or wants has changed. Children and parents beyond that are let go.
  void on_facts_changed(Peer& peer, TimeMs now);
  // The peer said whether it is idle.
  void on_idle(Peer& peer, bool idle, TimeMs now);
  // The peer sent statistics.
  void on_report(Peer& peer, TimeMs now);
  // Takes the peer out of its channel, which may be empty then, and gives its children other
  // parents.
  void on_leaving(Peer& peer, TimeMs now);

  // Takes the peer out of its channel: it goes to another engine with the connections it has, as
  // most or all of the channel do. Those who stay and lack a parent for it look for one later.
  void on_moving(Peer& peer, TimeMs now);

  // `dc_opened` counts from the child alone, which is the side that sends it.
  void on_opened(Peer& reporter, std::string_view dc_id, TimeMs now);
  // `dc_closed` or `dc_failed`, from either side. A dc_id of strangers stems from before the
  // tracker was restarted: the reporter has lost a parent that it kept.
  void on_ended(Peer& reporter, std::string_view dc_id, tracker_wire::EndReason reason, TimeMs now);

  // The peer that `id` names, if it was introduced to `peer`, in either role.
  static Peer* introduced(const Peer& peer, const PeerId& id);

  // The peer's kIntroduction timer fired.
  void on_timer(Peer& peer, TimeMs now);

  uint64_t made() const { return made_; }
  uint64_t opened() const { return opened_; }
  uint64_t failed() const { return failed_; }  // ended before they opened
  uint64_t promoted() const { return promoted_; }
  int32_t standing() const { return standing_; }

 private:
  void make_room(Peer& parent, TimeMs now);
  void provide(Peer& child, TimeMs now);
  static Peer* find_by_moving(Peer& orphan, TimeMs now);
  void introduce(Peer& child, Peer& parent, TimeMs now);
  void end(Peer& child, Peer& parent, tracker_wire::EndReason reason, TimeMs now);
  void part(Peer& child, Peer& parent, TimeMs now);
  void unlink(Peer& child, Peer& parent);
  // Whether any was dropped.
  bool drop_surplus_parents(Peer& child, TimeMs now);
  void wake(Room& room, Rank above, TimeMs now);
  void set_search(Peer& peer, std::optional<TimeMs> search_at);
  void arm(Peer& peer);

  Outbox& outbox_;
  TimerTable& timers_;
  uint64_t made_ = 0;
  uint64_t opened_ = 0;
  uint64_t failed_ = 0;
  uint64_t promoted_ = 0;
  int32_t standing_ = 0;
};

}  // namespace hlsmesh::tracker

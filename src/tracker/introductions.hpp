#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "common/time.hpp"
#include "tracker/channel.hpp"
#include "tracker/outbox.hpp"
#include "tracker/outcomes.hpp"
#include "tracker/peer.hpp"
#include "tracker/timer_table.hpp"

namespace hlsmesh::tracker {

// The shortest time between two `connect`s to a peer, except for parents that are introduced
// together, so that a page whose connections all fail costs little. The pause doubles with each
// introduction that did not open, up to the longest.
inline constexpr DurationMs kConnectPause{1'000};
inline constexpr DurationMs kLongestConnectPause{60'000};
// The longest for a peer that is hard to reach, before one that it may well be connected with.
inline constexpr DurationMs kHopefulPause{4'000};
// The shortest time between two changes of a peer to idle: its children look for other parents each
// time.
inline constexpr DurationMs kIdleInterval{10'000};
// An introduction that has not opened within this time counts as failed. ICE gives up within 15 s.
inline constexpr DurationMs kOpenTimeout{15'000};
// A search for a first parent that found nobody is repeated when a slot becomes free, and at the
// latest after this time. Together with the waits below, an orphan gets a parent that it could have
// within 2 s.
inline constexpr DurationMs kOrphanPause{800};
// A search for a further parent is repeated after a pause that doubles from the first of these to
// the second.
inline constexpr DurationMs kSearchPause{4'000};
inline constexpr DurationMs kLongestSearchPause{64'000};
// An orphan whom no peer of a lower rank can feed is moved to the end of the order, if it and the
// peers below it are no more than this. Otherwise it stays a source: what it fetches from the CDN
// serves many.
inline constexpr size_t kMostMoved = 64;
// Before it is moved, it waits for a source of a higher rank whose next search is due within this
// time, and which may come below it instead: of two separated peers, the former parent is the
// parent again.
inline constexpr DurationMs kDeference{1'000};
// A VOD viewer is usually ahead of those who came later: before it is moved, they have this time to
// come below it.
inline constexpr DurationMs kVodDeference{10'000};
// A viewer whose parents are all of one foreign address, though there are others, gives them back
// if it has found none of another address by then.
inline constexpr DurationMs kOneNetworkFor{10'000};
// A parent that takes fewer children from now on loses one at a time, with this pause between: its
// word must not cost many viewers their parent at once.
inline constexpr DurationMs kShedPause{2'000};
// A peer that has stayed for this time and can feed many is offered a parent nearer to the CDN.
inline constexpr DurationMs kSettledIn{60'000};

// Makes, ends and renews introductions over time. Only this class sends `connect`, and only to the
// child, which dials and asks (protocol section 3).
//
// Whatever ends a link (a report of either side, a peer that leaves, a timeout), the link is
// dropped, and the child gets a parent if it now has too few. So the child gets one `connect`,
// however many reports one broken connection causes, and in whatever order.
//
// No cycle can arise: a parent ranks below its child when they are linked, and a rank changes only
// together with those of all peers below (Channel::move_to_end), or for a peer without parents
// (Channel::move_to_front). A peer with kept children, whose ids are unknown, gets no parent.
class Introductions {
 public:
  Introductions(Outbox& outbox, TimerTable& timers) : outbox_(outbox), timers_(timers) {}

  // The peer was added to its channel and has its `accept`.
  void on_entered(Peer& peer, TimeMs now);
  // The number of children or parents of the peer has changed. Parents in excess are disconnected,
  // and children one after the other.
  void on_facts_changed(Peer& peer, TimeMs now);
  // The peer may have more children than it may have: they are disconnected later.
  void on_limit_changed(Peer& peer, TimeMs now);
  // The peer reported that it is idle, or that it is not.
  void on_idle(Peer& peer, bool idle, TimeMs now);
  // The peer sent statistics.
  void on_report(Peer& peer, TimeMs now);
  // Removes the peer from its channel, which may be empty then, and gives its children other
  // parents.
  void on_leaving(Peer& peer, TimeMs now);

  // Removes the peer from its channel: it goes to another engine with its connections, as most or
  // all peers of the channel do. Peers who stay and lose a parent by it look for another one later.
  void on_moving(Peer& peer, TimeMs now);

  // `dc_opened` counts only from the child, which is the side that sends it.
  void on_opened(Peer& reporter, std::string_view dc_id, TimeMs now);
  // `dc_closed` or `dc_failed` from either side. If the two were not introduced here, the
  // connection is from before the tracker was restarted, or before the channel came here with the
  // peer's id: the reporter has lost a kept parent or child.
  void on_ended(Peer& reporter, std::string_view dc_id, tracker_wire::EndReason reason, TimeMs now);

  // The other peer of an open link that such a report is about, also of one that has ended lately:
  // whoever is about to be reported may end it first, even before the child has said that it
  // opened. nullopt if there was none.
  static std::optional<Former> met(Peer& reporter, std::string_view dc_id, TimeMs now);

  // The peer is introduced to nobody from now on: it is idle, may have no children, and all its
  // links end.
  void expel(Peer& peer, TimeMs now);

  // The peer named `id`, if it was introduced to `peer`, in either role, and what `peer` has sent
  // to it; otherwise nothing.
  struct Introduced {
    Peer* other = nullptr;
    Meter* sent = nullptr;
  };
  static Introduced introduced(Peer& peer, std::string_view id);

  // The peer's kIntroduction timer fired.
  void on_timer(Peer& peer, TimeMs now);

  uint64_t made() const { return made_; }
  uint64_t opened() const { return opened_; }
  uint64_t failed() const { return failed_; }  // ended before they opened
  uint64_t promoted() const { return promoted_; }
  int32_t standing() const { return standing_; }

  // How often introductions ended because a side said so, or did not open in time, by EndReason.
  using Counts = std::array<uint64_t, tracker_wire::kEndReasonCount>;
  struct Ends {
    Counts unopened{};
    Counts opened{};
  };
  // Those since the last call.
  Ends take_ends() { return std::exchange(ends_, {}); }
  // Those that ended before they opened, in all.
  const Counts& unopened() const { return unopened_; }

  // Returns true if a viewer that wants several parents may not have those of one foreign network
  // alone: there are so many of it that they might be all that newcomers find.
  static bool must_not_be_alone(const Peer& child, const Network& network);

 private:
  void make_room(Peer& parent, TimeMs now);
  void provide(Peer& child, TimeMs now);
  void shed(Peer& peer, TimeMs now);
  static Peer* find_first(Peer& child, bool starved, TimeMs now);
  static Peer* find_by_moving(Peer& orphan, int32_t round, bool waited, TimeMs now);
  static Peer* find_company(Peer& child, const Network& sole, TimeMs now);
  void introduce(Peer& child, Peer& parent, TimeMs now);
  // `by_child`: the child itself said so.
  void end(Peer& child, Peer& parent, tracker_wire::EndReason reason, bool by_child, TimeMs now);
  void part(Peer& child, Peer& parent, TimeMs now);
  void unlink(Peer& child, Peer& parent, TimeMs now);
  // Returns true if any was dropped.
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
  Ends ends_;
  Counts unopened_{};
};

}  // namespace hlsmesh::tracker

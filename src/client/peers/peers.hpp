#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/mesh.hpp"
#include "client/download/shelf.hpp"
#include "client/inputs.hpp"
#include "client/peers/children.hpp"
#include "client/peers/peer_table.hpp"
#include "client/stats.hpp"
#include "client/timers.hpp"
#include "client/tracker/tracker_session.hpp"
#include "client/upload/peer_ledger.hpp"

namespace hlsmesh {

// Connections: how they live and end, and what is said on them. Dialling begins them.
class Peers {
 public:
  Peers(CommandQueue& commands, TrackerSession& tracker, Downloads& downloads, Mesh& mesh,
        EngineStats& stats, const EngineConfig& config)
      : commands_(commands),
        tracker_(tracker),
        downloads_(downloads),
        mesh_(mesh),
        stats_(stats),
        config_(config),
        children_(table_, ledger_, downloads, stats) {}

  PeerTable& table() { return table_; }
  const PeerTable& table() const { return table_; }
  PeerLedger& ledger() { return ledger_; }
  const Turns& turns() const { return children_.turns(); }

  // --- settings
  void set_upload_limits(const EngineLimits& limits);
  // Whether the site, and the viewer's connection, let children be served at all.
  void allow_upload(TimeMs now, bool allowed);
  // Whether the browser would have to be allowed to use the local network.
  void set_local_denied(bool denied) { local_denied_ = denied; }
  // Whether an offer may be answered.
  bool serves() const { return children_.serves(); }
  bool full() const { return table_.count(false, false) >= config_.limits.max_children; }

  // --- what the tracker leads to
  PeerSession& add(TimeMs now, const PeerId& remote, CommandKind kind);
  // Whether the viewer is changing channels. Each begins with an engine that knows of no wait in
  // vain, so their loads together would lose a wait for every channel: none waits for a parent
  // until the tracker has named one.
  bool hurried() const;
  // A `connect` may be expected at any moment until then.
  void expect_parent(TimeMs until) { parent_hope_until_ = until; }
  void on_accepted(TimeMs now);
  // Until when it is worth waiting for a parent that is not connected yet.
  TimeMs hope() const;

  // --- what the driver reports
  void on_signal(PeerHandle peer, std::string_view json);
  void on_open(TimeMs now, PeerHandle peer, size_t max_message_bytes);
  // True if it was about pieces of a transfer, and is dealt with.
  bool on_text(TimeMs now, PeerHandle peer, std::string_view text);
  // `head`: its first bytes.
  MutableBytes room(PeerHandle peer, size_t size, ByteView head);
  // True if it was a packet in the middle of a transfer, which concerns nobody else.
  bool on_binary(TimeMs now, PeerHandle peer, size_t size);
  void on_handed_over(PeerHandle peer, size_t bytes);
  void on_writable(TimeMs now, PeerHandle peer, size_t buffered_amount);
  void on_closed(TimeMs now, PeerHandle peer);
  void on_timeout(TimeMs now);
  void add_timers(Timer& timer) const;

  // --- ends
  // Ends the session, which stays in the table until sweep(). A load that waited on it waits for a
  // new decision. No effect on one that has ended. `held`: the driver still has the connection;
  // `report`: the tracker is to hear of it.
  void end(TimeMs now, PeerSession& session, PeerEnd end,
           FallbackReason reason = FallbackReason::kPeerLost, bool held = true, bool report = true);
  void misbehaved(TimeMs now, PeerSession& session, FallbackReason reason, const char* what);
  void end_all(TimeMs now);
  // Of the parents of which nothing is expected now, the one that has missed most segments in a
  // row; nullptr: none has missed `misses` or more.
  PeerSession* worst_parent(int32_t misses);
  // Of several parents, the one that has sent pieces and whose pieces take longest; nullptr: there
  // is one parent, or none has.
  PeerSession* slowest_parent();
  // Reports the end of a connection, or of a dial, to the tracker.
  void tell_end(bool opened, const std::string& dc_id, tracker_wire::EndReason why);

  // --- after each event
  // A parent that gives nothing is given back, and another asked for.
  void give_back_parent(TimeMs now);
  // Children get what can be sent now, or are ended if we serve nobody any more.
  void serve(TimeMs now);
  // Children who wait for pieces of it get what has come.
  void pass_on(TimeMs now, const SegmentPtr& body) { children_.pass_on(now, body); }
  // Tells children of a segment that comes.
  void announce(TimeMs now, const Segment& segment);
  // Tells every peer of our newest segment.
  void tell_current(TimeMs now);
  void sweep() { table_.sweep(); }

  // nullptr, or what does not hold.
  const char* audit() const;

 private:
  void on_keep_alive(TimeMs now, PeerSession& session, const peer::Fields& message);
  void on_request(TimeMs now, PeerSession& session, const peer::Fields& message);
  // True if it was an answer to what was asked.
  bool on_lack(TimeMs now, PeerSession& session, const peer::Fields& message);
  void on_header(TimeMs now, PeerSession& session, const peer::Fields& message);
  // False if it changed nothing.
  bool on_want(TimeMs now, PeerSession& session, peer::Fields&& message);
  // By a KEEPALIVE or its ACK.
  void say_current(TimeMs now, PeerSession& session, peer::Event event);
  void on_timeout(TimeMs now, PeerSession& session);
  void keep_alive(TimeMs now, PeerSession& session);
  void end_children(TimeMs now);

  CommandQueue& commands_;
  TrackerSession& tracker_;
  Downloads& downloads_;
  Mesh& mesh_;
  EngineStats& stats_;
  const EngineConfig& config_;
  PeerTable table_;
  PeerLedger ledger_;
  Children children_;
  bool local_denied_ = false;
  PeerHandle told_to_lead_;     // 0: nobody
  TimeMs parent_hope_until_{};  // until when a `connect` may be expected at any moment

  TimeMs give_back_after_{};  // no parent is given back as useless before
  DurationMs give_back_pause_{};
  int32_t gifts_ = -1;  // segments that parents had given when that was set

  TimeMs alone_due_ = kNever;
  bool alone_told_ = false;  // or a peer was there
};

}  // namespace hlsmesh

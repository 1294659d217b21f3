// What several viewers say of others, and what follows from it.

#include "tracker/tracker_impl.hpp"
#include "tracker/upload.hpp"

namespace hlsmesh {

using namespace tracker;
namespace wire = tracker_wire;

void Tracker::Impl::ended(Socket& socket, const std::string& dc_id, wire::EndReason reason) {
  if (!socket.peer) return;
  std::optional<Former> accused;
  if (reason == wire::EndReason::kPolluted && config_.agree > 0) {
    accused = Introductions::met(*socket.peer, dc_id, now_);
    if (!accused) ++totals_.reports_ignored;
  }
  introductions_.on_ended(*socket.peer, dc_id, reason, now_);
  if (accused) accuse(*socket.peer, *accused);
}

void Tracker::Impl::accuse(const Peer& reporter, const Former& accused) {
  Channel& channel = *reporter.channel;
  const Bans::Outcome outcome =
      channel.bans.accuse(now_, {reporter.info.network, reporter.info.party},
                          {accused.network, accused.party}, config_.agree);
  ++(outcome == Bans::Outcome::kIgnored ? totals_.reports_ignored : totals_.reports);
  if (outcome != Bans::Outcome::kBanned) return;
  ++totals_.bans;
  for (const auto& [join, peer] : channel.nodes) {
    if (peer->info.network != accused.network || peer->banned) continue;
    peer->banned = true;
    ++banned_;
    set_child_limit(*peer, now_, config_);
    introductions_.expel(*peer, now_);
  }
}

void Tracker::Impl::pardon(Peer& peer) {
  if (!peer.banned || peer.channel->bans.bans(now_, peer.info.network)) return;
  peer.banned = false;
  --banned_;
  set_child_limit(peer, now_, config_);
  introductions_.on_limit_changed(peer, now_);
  introductions_.on_idle(peer, is_idle(peer), now_);
}

}  // namespace hlsmesh

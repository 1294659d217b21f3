// Peers whose channels other engines run: how they go there and come back.

#include <memory>
#include <utility>

#include "tracker/tracker_impl.hpp"

namespace hlsmesh {

using namespace tracker;
namespace wire = tracker_wire;

void Tracker::Impl::elsewhere(TimeMs now, ConnId conn, int32_t request) {
  Socket* socket = find(now, conn);
  if (socket == nullptr || !socket->pending || socket->pending->request != request) return;
  const std::unique_ptr<PendingEnter> pending = std::move(socket->pending);
  Elsewhere& next = pending->entering;
  next.enter.token.clear();
  // The whole channel moves, so no peer in it needs another parent.
  if (pending->again) {
    move_out(*socket);
  } else {
    leave(*socket);
    // The peer updates the facts about itself.
    Elsewhere* last = socket->elsewhere.get();
    if (last != nullptr && last->enter.channel == next.enter.channel) {
      next.parents = std::move(last->parents);
      next.children = std::move(last->children);
      next.enter.parents = last->enter.parents;
      next.enter.children = last->enter.children;
    }
  }
  socket->entered_once = true;
  socket->elsewhere = std::make_unique<Elsewhere>(std::move(next));
  outbox_.forward(conn, wire::serialize(wire::PeerMessage(socket->elsewhere->resumed())));
}

void Tracker::Impl::ask_again(TimeMs now, ConnId conn) {
  Socket* socket = find(now, conn);
  if (socket == nullptr || (!socket->peer && !socket->elsewhere)) return;
  // It is about to go to another channel.
  if (socket->pending && !socket->pending->again) return;
  ask(*socket, socket->peer ? facts_of(*socket) : *socket->elsewhere, true);
}

void Tracker::Impl::told(TimeMs now, ConnId conn, std::string_view text) {
  Socket* socket = find(now, conn);
  if (socket == nullptr || !socket->elsewhere) return;
  wire::TrackerFields message;
  if (wire::read_from_tracker(text, message)) return;
  if (message.action == wire::TrackerAction::kDisconnect)
    socket->elsewhere->parted(message.peer_id);
}

void Tracker::Impl::ask(Socket& socket, Elsewhere entering, bool again) {
  // Starts again at 1 after 2^31 - 1: nobody waits for a request that old.
  last_request_ = last_request_ == INT32_MAX ? 1 : last_request_ + 1;
  std::string question = entering.enter.channel + '\n' + entering.enter.token;
  if (!socket.pending) socket.pending = std::make_unique<PendingEnter>();
  *socket.pending = {last_request_, std::move(entering), again};
  outbox_.authorize(socket.conn, last_request_, std::move(question));
}

void Tracker::Impl::pass_on(Socket& socket, const wire::PeerMessage& message,
                            std::string_view text) {
  socket.elsewhere->note({socket.peer_id, false}, message);
  outbox_.forward(socket.conn, std::string(text));
  if (std::holds_alternative<wire::Leave>(message)) {
    socket.pending.reset();
    socket.elsewhere.reset();
  }
}

Elsewhere Tracker::Impl::facts_of(const Socket& socket) const {
  const Peer& peer = *socket.peer;
  Elsewhere facts;
  wire::Enter& enter = facts.enter;
  enter.channel = peer.channel->id;
  enter.browser = peer.info.browser;
  enter.device = peer.info.device;
  enter.os = peer.info.os;
  enter.hlsmesh = socket.extension;
  enter.live = peer.says_live;
  enter.up_bw = peer.up_bw;
  enter.slots = peer.slots;
  if (peer.says_idle || is_control(peer)) enter.idle = true;
  if (peer.quorum > 0) enter.quorum = peer.quorum;
  enter.control = peer.control;
  enter.wants = peer.wants;
  if (peer.kept_parents > 0) enter.parents = peer.kept_parents;
  if (peer.kept_children > 0) enter.children = peer.kept_children;
  for (const ParentLink& link : peer.parents) {
    if (link.opened) facts.parents.push_back(link.parent->id);
  }
  for (const Peer* child : peer.children) {
    for (const ParentLink& link : child->parents) {
      if (link.parent == &peer && link.opened) facts.children.push_back(child->id);
    }
  }
  return facts;
}

void Tracker::Impl::move_out(Socket& socket) {
  if (!socket.peer) return;
  timers_.clear(socket.conn, TimerKind::kAuthorization);
  Channel& channel = *socket.peer->channel;
  introductions_.on_moving(*socket.peer, now_);
  drop_peer(socket, channel);
}

}  // namespace hlsmesh

// What peers say on their channels (protocol section 1).

#include "client/peers/peers.hpp"
#include "media/segment_key.hpp"

namespace hlsmesh {
namespace {

// Whether the other side has shown that it exchanges pieces.
bool exchanges(const PeerSession& session) {
  return session.link.extension >= peer::kPieceExtension;
}

// Whether its binary messages are DATA, and not packets of a transfer of version 1.
bool takes_pieces(const PeerSession& session) {
  return exchanges(session) && (!session.parent || session.parent->requester.transfer() == nullptr);
}

}  // namespace

bool Peers::on_text(TimeMs now, PeerHandle handle, std::string_view text) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr || !session->open()) return true;
  peer::Fields message;
  if (const std::optional<peer::ParseError> error = peer::read(text, message)) {
    misbehaved(now, *session, FallbackReason::kProtocol, peer::to_string(*error));
    return false;
  }
  session->link.liveness.on_traffic();
  bool quiet = false;
  bool chatter = false;
  switch (message.event) {
    case peer::Event::kKeepAlive:
    case peer::Event::kKeepAliveAck:
      on_keep_alive(now, *session, message);
      chatter = true;
      break;
    case peer::Event::kRequest:
      on_request(now, *session, message);
      break;
    case peer::Event::kBinary:
      on_header(now, *session, message);
      break;
    case peer::Event::kLack:
      chatter = !on_lack(now, *session, message);
      break;
    case peer::Event::kClose:
      end(now, *session, PeerEnd::kClosedByPeer);
      break;
    case peer::Event::kError:
      end(now, *session, PeerEnd::kFailed);
      break;
    case peer::Event::kWant:
      quiet = !message.rendition;
      chatter = !on_want(now, *session, std::move(message));
      if (quiet) children_.send_pieces(now);
      break;
    case peer::Event::kCancel:
      session->orders.on_cancel(message);
      chatter = quiet = true;
      break;
    case peer::Event::kHave:
      quiet = message.transfer != 0;
      chatter = !exchanges(*session) || !mesh_.on_have(now, session->neighbor, message);
      break;
    case peer::Event::kUnknown:
      chatter = true;
      break;
  }
  const auto kilobytes = static_cast<int64_t>(text.size() / 1024);
  if (session->link.channel.flooded() || (chatter && !session->chatter.take(now, 1 + kilobytes))) {
    misbehaved(now, *session, FallbackReason::kProtocol, "floods us with messages");
  }
  return quiet && !session->ended;
}

void Peers::on_keep_alive(TimeMs now, PeerSession& session, const peer::Fields& message) {
  const bool ack = message.event == peer::Event::kKeepAliveAck;
  Link& link = session.link;
  link.liveness.on_spoken();
  if (ack) link.liveness.on_ack(now);
  link.on_current(now, message.current);
  if (message.hlsmesh && *message.hlsmesh > link.extension) {
    const int32_t before = link.extension;
    link.extension = *message.hlsmesh;
    if (session.parent) session.parent->requester.on_extension(now);
    if (before < peer::kPieceExtension && link.extension >= peer::kPieceExtension) {
      mesh_.add(session.neighbor);
    }
  }
  session.neighbor.we_lead = message.lead;
  session.neighbor.up = static_cast<double>(message.up);
  session.neighbor.behind_ms = static_cast<double>(message.behind);
  if (!ack) say_current(now, session, peer::Event::kKeepAliveAck);
}

void Peers::on_request(TimeMs now, PeerSession& session, const peer::Fields& message) {
  if (!session.uploader) {
    // A parent does not ask; but whoever asks is answered.
    session.link.channel.send(now, answer_to(message, peer::Event::kLack));
    return;
  }
  session.asked_at = now;
  // serve() answers it.
  if (!session.uploader->on_request(now, message)) {
    misbehaved(now, session, FallbackReason::kProtocol, "too many requests unanswered");
  }
}

void Peers::on_header(TimeMs now, PeerSession& session, const peer::Fields& message) {
  Downloads::Offence offence{"a child sent BINARY"};
  if (session.parent) offence = downloads_.on_header(now, *session.parent, message);
  if (offence.what != nullptr) misbehaved(now, session, offence.reason, offence.what);
}

bool Peers::on_lack(TimeMs now, PeerSession& session, const peer::Fields& message) {
  if (message.transfer != 0) {
    if (!exchanges(session) || !mesh_.on_lack(now, session.neighbor, message)) return false;
    if (session.neighbor.asks.pretends()) {
      end(now, session, PeerEnd::kTimedOut, FallbackReason::kLack);
    }
    return true;
  }
  if (!session.parent) {
    session.link.on_current(now, message.current);
    return false;
  }
  const bool answer = downloads_.on_lack(now, *session.parent, message);
  if (session.parent->requester.dawdles()) {
    end(now, session, PeerEnd::kTimedOut, FallbackReason::kLack);
  }
  return answer;
}

bool Peers::on_want(TimeMs now, PeerSession& session, peer::Fields&& message) {
  if (!exchanges(session)) return false;
  session.asked_at = now;
  mesh_.on_want(now, session.neighbor, message);
  // serve() answers it.
  const PieceOrders::Reaction reaction = children_.on_want(now, session, std::move(message));
  if (reaction == PieceOrders::Reaction::kOffence) {
    misbehaved(now, session, FallbackReason::kProtocol, "too many requests unanswered");
  }
  return reaction != PieceOrders::Reaction::kNothing;
}

MutableBytes Peers::room(PeerHandle handle, size_t size, ByteView head) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr || !session->open()) return {};
  if (takes_pieces(*session)) return mesh_.room(session->neighbor, size, head);
  if (!session->parent) return {};
  return downloads_.room(*session->parent, size);
}

bool Peers::on_binary(TimeMs now, PeerHandle handle, size_t size) {
  PeerSession* const session = table_.find(handle);
  if (session == nullptr || !session->open()) return true;
  session->link.liveness.on_traffic();
  bool quiet = false;
  Downloads::Offence offence{"binary without a header"};
  if (takes_pieces(*session)) {
    offence = mesh_.on_data(now, session->neighbor, size, quiet);
    if (mesh_.fresh() != nullptr) children_.pass_on(now, mesh_.fresh());
  } else if (session->parent) {
    offence = downloads_.on_packet(now, *session->parent, size, quiet);
  }
  if (offence.what == nullptr) return quiet;
  session->polluted = offence.proven;
  misbehaved(now, *session, offence.reason, offence.what);
  return false;
}

void Peers::announce(TimeMs now, const Segment& segment) {
  if (!serves()) return;
  peer::Fields have;
  have.event = peer::Event::kHave;
  have.url = plain_name(segment.key);
  have.sn = segment.key.sn;
  have.rendition = asking_name(segment);
  for (auto& [handle, session] : table_) {
    if (session.open() && exchanges(session)) {
      session.link.channel.send(now, have);
    }
  }
}

void Peers::say_current(TimeMs now, PeerSession& session, peer::Event event) {
  peer::Fields message;
  message.event = event;
  message.current = downloads_.shelf.current(now);
  message.hlsmesh = peer::kExtension;
  message.lead = session.handle == told_to_lead_;
  if (serves()) message.up = static_cast<int64_t>(turns().uplink.bytes_per_ms());
  message.behind = static_cast<int64_t>(session.neighbor.words.ahead_ms());
  session.link.channel.send(now, message);
}

void Peers::tell_current(TimeMs now) {
  for (auto& [handle, session] : table_) {
    if (session.open()) say_current(now, session, peer::Event::kKeepAlive);
  }
}

}  // namespace hlsmesh

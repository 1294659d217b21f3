#pragma once

#include "client/peers/peers.hpp"
#include "parts.hpp"

namespace hlsmesh::test {

// Peers, with a tracker that has accepted us as "me". No engine, no player, no loads.
struct Connected {
  CommandQueue commands;
  ChannelRenditions renditions;
  Random random{1};
  EngineStats stats;
  EngineConfig config;
  TrackerSession tracker{commands, random};
  Downloads downloads{commands, renditions, stats, 8 * 1024 * 1024};
  Mesh mesh{commands, downloads, stats, random};
  Peers peers{commands, tracker, downloads, mesh, stats, config};

  Connected() {
    tracker.start(kStart);
    tracker.on_open(kStart, tracker_wire::Enter());
    tracker_wire::TrackerFields accept;
    accept.action = tracker_wire::TrackerAction::kAccept;
    accept.peer_id = PeerId{"me"};
    accept.hlsmesh = 1;
    tracker.on_accept(kStart, accept);
    peers.allow_upload(kStart, true);
    take_commands(commands);
  }

  PeerSession& dial(const std::string& id) {
    return peers.add(kStart, PeerId{id}, CommandKind::kPeerDial);
  }
  PeerSession& answer(const std::string& id) {
    return peers.add(kStart, PeerId{id}, CommandKind::kPeerAnswer);
  }
  // Its channel opens, and it shows an extension.
  PeerSession& open(PeerSession& session, int32_t extension = 1) {
    peers.on_open(kStart, session.handle, 0);
    session.link.extension = extension;
    if (session.parent) session.parent->requester.on_extension(kStart);
    take_commands(commands);
    return session;
  }
  // What goes to the tracker, and the kinds of all commands.
  struct Out {
    std::vector<tracker_wire::PeerMessage> to_tracker;
    std::vector<Told> commands;

    bool has(CommandKind kind) const {
      for (const Told& each : commands) {
        if (each.kind == kind) return true;
      }
      return false;
    }
    template <class T>
    const T* told() const {
      for (const tracker_wire::PeerMessage& each : to_tracker) {
        if (const T* found = std::get_if<T>(&each)) return found;
      }
      return nullptr;
    }
    const Told* event(EventCode code) const {
      for (const Told& each : commands) {
        if (each.is_event(code)) return &each;
      }
      return nullptr;
    }
  };
  Out take() {
    Out out;
    out.commands = take_commands(commands);
    for (const Told& each : out.commands) {
      if (each.kind != CommandKind::kSocketSend) continue;
      const auto parsed = tracker_wire::parse_from_peer(each.text);
      REQUIRE(std::holds_alternative<tracker_wire::PeerMessage>(parsed));
      out.to_tracker.push_back(std::get<tracker_wire::PeerMessage>(parsed));
    }
    return out;
  }
};

}  // namespace hlsmesh::test

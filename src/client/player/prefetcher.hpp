#pragma once

#include <list>

#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/mesh.hpp"
#include "client/player/loads.hpp"
#include "client/player/player.hpp"

namespace hlsmesh {

// Asks parents for segments before the player wants them. Never the CDN: what no peer has is
// fetched when the player asks, as it would be without us.
class Prefetcher {
 public:
  Prefetcher(CommandQueue& commands, Player& player, const Loads& loads, Downloads& downloads,
             Mesh& mesh)
      : commands_(commands), player_(player), loads_(loads), downloads_(downloads), mesh_(mesh) {}

  // Asks for the earliest missing segments, one of each idle parent.
  void run(TimeMs now);
  // The CDN has refused the segment, and the player is going to ask again.
  void ask_before_retry(TimeMs now, const Wish& wish);

 private:
  void plan(TimeMs now);
  void pursue_next(TimeMs now, const SegmentKey& key);
  // Until the player is going to ask for it; `until`: seconds until it comes into the window.
  DurationMs ahead_of(const Segment& segment, const Need& need, double until) const;
  // Asks the best parent for a segment that no load waits for, if one can bring it in time.
  void ask(TimeMs now, const Wish& wish, const Need& needed, const std::list<PeerHandle>& tried);

  CommandQueue& commands_;
  Player& player_;
  const Loads& loads_;
  Downloads& downloads_;
  Mesh& mesh_;
};

}  // namespace hlsmesh

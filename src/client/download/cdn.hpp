#pragma once

#include <cstddef>

#include "cache/segment_cache.hpp"
#include "client/command_queue.hpp"
#include "client/download/downloads.hpp"
#include "client/download/shelf.hpp"
#include "client/stats.hpp"

namespace hlsmesh {

// A load's fetch from the CDN, which the driver makes.
struct CdnFetch final : Source {
  CdnFetch() : Source(PeerHandle()) {}

  TimeMs began_at{};
  bool by_driver = false;  // it was begun before the engine knew of the load: when, is not known
  Part part;               // only in what peers may carry
  SegmentPtr body;         // where it lands; nullptr: it is not wanted, or not there yet
};

// What comes from the CDN. Each fetch is for one load, and a source of the load's segment.
class Cdn {
 public:
  Cdn(CommandQueue& commands, Downloads& downloads, EngineStats& stats)
      : commands_(commands), downloads_(downloads), stats_(stats) {}

  // `fetch` must be as new.
  void begin(TimeMs now, CdnFetch& fetch, const Wish& wish);
  // Where its body goes, of so many bytes; empty if it is not wanted.
  MutableBytes room(CdnFetch& fetch, const Wish& wish, size_t size);
  // Its body is there, and the player has it; see Engine::on_fetch_done for the times. `refused`:
  // the player did not take it.
  void finish(TimeMs now, CdnFetch& fetch, const Wish& wish, LoadId load, size_t size,
              double first_byte_ms, double body_ms, bool refused);
  // It ends without a body.
  void abandon(CdnFetch& fetch, const Wish& wish, LoadId load, bool refused);

 private:
  void note_given(LoadId load, const Wish& wish, TransferTimes times, bool refused);

  CommandQueue& commands_;
  Downloads& downloads_;
  EngineStats& stats_;
};

}  // namespace hlsmesh

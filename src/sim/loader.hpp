#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/cdn.hpp"
#include "sim/engine_port.hpp"
#include "sim/player.hpp"

namespace hlsmesh::sim {

struct LoaderFigures {
  // Media bytes handed to the player, by where they came from.
  uint64_t cdn_bytes = 0;
  uint64_t p2p_bytes = 0;
  int32_t segments = 0;
  int32_t wrong_bodies = 0;  // segments whose bytes were not those of the origin
  int32_t stray_commands = 0;
};

// The page around a Loader.
class LoaderHost {
 public:
  virtual ~LoaderHost() = default;
  // nullptr before the engine is there and after the viewer has gone.
  virtual EnginePort* port() = 0;
  // After calls of the port: its timer may be due earlier.
  virtual void wake() = 0;
};

// The player's loads: each is put to the engine, fetched from the CDN if that says so, and given to
// the player, whoever brought it. Before the engine is there, loads go straight to the CDN.
class Loader : private CdnUser {
 public:
  Loader(EventQueue& queue, const Content& content, Cdn& cdn, Player& player, LoaderHost& host)
      : queue_(queue), content_(content), cdn_(cdn), player_(player), host_(host) {}

  void attach(Access access) { access_ = access; }
  void load(const SegmentRequest& request);
  void abort(RenditionId rendition, MediaSequence sn);
  // Tells a new engine what was loaded, and is being loaded, without it.
  void adopt_earlier_loads();
  // The viewer has gone: nothing more comes.
  void stop();

  // Commands.
  void fetch(LoadId load);
  void take(const HmCommand& done);

  SegmentLoad describe(const SegmentRequest& request) const;
  const LoaderFigures& figures() const { return figures_; }

 private:
  struct Load {
    SegmentRequest request;
    FetchId fetch{};  // zero unless the CDN was asked
    Time fetch_began{};
    Duration took{};  // by the time it has ended
  };

  void fetch(LoadId id, Load& load);
  void give_body(LoadId id, const Load& load);
  TimeMs now() const { return engine_time(queue_.now()); }
  void on_cdn_done(FetchId fetch) override;
  void on_cdn_failed(FetchId fetch) override;

  EventQueue& queue_;
  const Content& content_;
  Cdn& cdn_;
  Player& player_;
  LoaderHost& host_;
  Access access_;
  std::map<LoadId, Load> loads_;
  std::map<FetchId, LoadId> fetches_;
  std::vector<Load> before_core_;  // loaded whole before the engine was there
  int32_t next_load_ = 1;
  LoaderFigures figures_;
};

}  // namespace hlsmesh::sim

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
  // Media bytes handed to the player, by where they came from; of ranges also those that came and
  // were of no use.
  uint64_t cdn_bytes = 0;
  uint64_t p2p_bytes = 0;
  int32_t segments = 0;
  int32_t wrong_bodies = 0;  // segments whose bytes were not those of the origin
  int32_t stray_commands = 0;
};

// Without an engine, one in so many loads begins later than the player asks: by that many segments,
// or half of what is buffered then if that is less.
struct LateLoads {
  int32_t every = 1;
  int32_t phase = 0;  // of them, which
  double segments = 0;
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

  // `streams`: SegmentLoad::streams of every load.
  void attach(Access access, bool streams) {
    access_ = access;
    streams_ = streams;
  }
  void set_late(LateLoads late) { late_ = late; }
  void load(const SegmentRequest& request);
  void abort(RenditionId rendition, MediaSequence sn);
  // Tells a new engine what was loaded, and is being loaded, without it.
  void adopt_earlier_loads();
  // The viewer has gone: nothing more comes.
  void stop();

  // Commands.
  void fetch(const HmCommand& command);
  void take(const HmCommand& done);

  SegmentLoad describe(const SegmentRequest& request) const;
  const LoaderFigures& figures() const { return figures_; }

 private:
  struct Fetch {
    LoadId load;
    hlsmesh::FetchId name{};  // what the engine calls it; zero before it knows of it
    bool whole = true;        // it answers the load
    bool streams = false;     // the engine gets its bytes as they come
    Time began{};
    Duration took{};  // by the time it has ended
    size_t size = 0;  // bytes that have come
    SegmentRequest request{};
    bool check = false;  // of a part of what the player has been given
  };
  struct Load {
    SegmentRequest request;
    FetchId fetch{};    // of all of it; zero while there is none
    size_t by_cdn = 0;  // bytes that its fetches have brought, unless one brought all
  };
  // A segment that was loaded whole before the engine was there.
  struct Early {
    SegmentRequest request;
    Fetch fetch;
  };

  void begin(Load& load, Fetch fetch, FetchRange range);
  Duration lateness(LoadId load) const;
  // Cancels what is under way for the load.
  void cancel(LoadId load);
  void give_body(const SegmentRequest& request, const Fetch& fetch);
  void finish(const Fetch& fetch);
  TimeMs now() const { return engine_time(queue_.now()); }
  void on_cdn_bytes(FetchId fetch, size_t offset, size_t size) override;
  void on_cdn_done(FetchId fetch) override;
  void on_cdn_failed(FetchId fetch) override;

  EventQueue& queue_;
  const Content& content_;
  Cdn& cdn_;
  Player& player_;
  LoaderHost& host_;
  Access access_;
  bool streams_ = true;
  LateLoads late_;
  std::map<LoadId, Load> loads_;
  std::map<FetchId, Fetch> fetches_;
  std::vector<Early> before_core_;
  int32_t next_load_ = 1;
  LoadId given_;  // the load that the player was given last
  SegmentRequest given_request_;
  LoaderFigures figures_;
};

}  // namespace hlsmesh::sim

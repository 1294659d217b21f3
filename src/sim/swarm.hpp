#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "sim/viewer.hpp"

namespace hlsmesh::sim {

struct SwarmConfig {
  uint64_t seed = 1;
  ContentConfig content;
  CdnConfig cdn;
  RtcConfig rtc;
  TrackerConfig tracker;
  std::vector<ViewerConfig> viewers;
  int32_t refused_memory = 0;  // one in so many requests for memory of a segment is refused
};

struct SwarmFigures {
  std::vector<ViewerFigures> viewers;
  uint64_t origin_bytes = 0;  // Cdn::sent_bytes
  double origin_copies = 0;   // Cdn::Copies::sent, of all segments
  int32_t distinct = 0;       // segments of which it sent anything
  size_t peak_channel_queue = 0;
  uint64_t channel_overflows = 0;
};

// A swarm on a fake clock: real engines and a real tracker, everything else simulated. The same
// configuration gives the same run, command for command. One at a time: the memory of segments is
// the process's.
class Swarm {
 public:
  explicit Swarm(SwarmConfig config);
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // Runs everything due up to `seconds` after the start.
  void run_until(double seconds);
  // Runs until the condition holds; false if it does not by `seconds`.
  bool run_until(double seconds, const std::function<bool()>& condition);
  // Arranges for something to be done to the swarm at that time.
  void at(double seconds, std::function<void()> action);

  // The CDN, the browsers and their memory do nothing wrong any more.
  void be_well();

  Time now() const { return queue_.now(); }
  size_t size() const { return viewers_.size(); }
  Viewer& viewer(size_t index) { return *viewers_[index]; }
  TrackerHost& tracker() { return tracker_; }
  Rtc& rtc() { return rtc_; }
  Cdn& cdn() { return cdn_; }
  const Content& content() const { return content_; }
  uint64_t events() const { return queue_.executed(); }
  SwarmFigures figures() const;

 private:
  EventQueue queue_;
  Network network_;
  Content content_;
  Rtc rtc_;
  Cdn cdn_;
  TrackerHost tracker_;
  std::map<int32_t, std::pair<LineId, LineId>> offices_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
};

// A moment `seconds` after the start of the simulation.
Time at_second(double seconds);

}  // namespace hlsmesh::sim

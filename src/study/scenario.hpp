#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/cdn.hpp"
#include "study/audience.hpp"

namespace hlsmesh::study {

// What a run of the simulator is about: a stream, an audience, a CDN, and what goes wrong. A
// scenario and a seed determine the run. docs/SIMULATOR.md describes the JSON form.

struct Stream {
  bool live = true;
  double mbit = 3;  // Mbit/s
  // Several renditions, from the lowest: each player chooses by its estimate of the bandwidth, and
  // `mbit` is the highest. Empty: there is one.
  std::vector<double> rungs;
  double segment_seconds = 2;
  int32_t window = 6;        // live: segments in the playlist
  int32_t vod_segments = 0;  // not live
};

struct Origin {
  double latency_ms = 20;  // one way, beyond the viewer's own
  double mbit = 0;         // of all answers together; 0: no limit
  int32_t late_every = 0;  // one in so many segments of a viewer is answered late
  double late_seconds = 0;
  int32_t error_every = 0;  // one in so many segments of a viewer is answered with an error first
  sim::Ranges ranges = sim::Ranges::kServed;
};

// What goes wrong within the browsers, until the quiet phase.
struct Faults {
  double short_queues = 0;     // share of viewers whose channels take 256 KiB and then throw
  double late_timers = 0;      // seconds by which a timer comes late, at most
  int32_t refused_memory = 0;  // one in so many requests for memory is refused; 0: none is
};

struct Incident {
  enum class Kind : uint8_t {
    kCdnOutage,        // for `seconds`
    kTrackerDown,      // for `seconds`; back as a process that remembers nothing
    kLeave,            // `share` of those present, in order
    kVanish,           // `share` of those present, without a word
    kVanishFirst,      // the `count` viewers that joined first: roots, in most rooms
    kJoin,             // `count` more viewers within `seconds`
    kSeek,             // `share` of those present, to the middle of the stream
    kPackagerRestart,  // live: nothing new for `seconds`, then numbers begin at 0; at most once
  };

  Kind kind = Kind::kLeave;
  double at = 0;  // seconds
  double seconds = 0;
  double share = 0;
  int32_t count = 0;
};

// A figure that must lie within bounds, or the run has failed.
struct Expectation {
  std::string figure;
  std::optional<double> least;
  std::optional<double> most;
};

struct Scenario {
  std::string name = "unnamed";
  double seconds = 90;
  // Seconds after those in which nothing goes wrong any more and nobody comes or leaves, and in
  // which the swarm must come to rest.
  double quiet = 0;
  Stream stream;
  Audience audience;
  Origin origin;
  Faults faults;
  std::vector<Incident> incidents;
  std::vector<Expectation> expect;

  double length() const { return seconds + quiet; }

  // Seconds after which no viewer joins any more as far as it is planned.
  double last_join() const;
};

// Either a scenario, or what is wrong with the text, for its author.
std::variant<Scenario, std::string> parse_scenario(std::string_view json);

// Every parameter drawn from the seed (draw.cpp).
Scenario draw_scenario(uint64_t seed);

// The JSON form, with every default written out.
std::string to_json(const Scenario& scenario);

}  // namespace hlsmesh::study

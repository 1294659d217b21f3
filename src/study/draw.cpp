// A scenario in which every parameter is drawn from the seed.

#include <utility>

#include "common/random.hpp"
#include "study/scenario.hpp"

namespace hlsmesh::study {
namespace {

constexpr uint32_t kIncidentKinds = 7;
// Seconds: a stall, a pause of 5 s after each of two failed introductions, and 20 to judge.
constexpr double kQuiet = 40;

// One of the probabilities that matter, and nothing in half of the cases.
double some_share(Random& random, double most) {
  return random.below(2) == 0 ? 0 : most * unit(random);
}

void draw_network(uint64_t seed, Audience& out) {
  Random random(seed ^ 0x7e7a0b1du);
  if (random.below(2) == 0) {
    NatMix mix;
    mix.open = 0.05 + unit(random);
    mix.port_restricted = unit(random);
    mix.symmetric = some_share(random, 0.6);
    mix.udp_blocked = some_share(random, 0.3);
    mix.signalling = 2 * unit(random);
    mix.give_up = 1 + random.below(15);
    out.nat = mix;
  }
  out.isps = static_cast<int32_t>(random.below(6));
  for (Access& each : out.access) {
    if (random.below(3) == 0) each.loss = 0.03 * unit(random) * unit(random);
  }
  out.silent = some_share(random, 0.3);
  out.silent_after = random.below(60);
}

void draw_faults(uint64_t seed, Faults& out) {
  Random random(seed ^ 0x0fa0175u);
  out.short_queues = some_share(random, 0.5);
  out.late_timers = some_share(random, 1);  // browsers slow the timers of hidden pages to a second
  if (random.below(2) == 0) out.refused_memory = 5 + static_cast<int32_t>(random.below(50));
}

// Rooms in which all know pieces, all whole segments, or some this and some that.
void draw_extensions(uint64_t seed, Audience& out) {
  Random random(seed ^ 0x01de5eedu);
  const uint32_t kind = random.below(4);
  if (kind == 0) out.older = 1;
  if (kind == 1) out.older = unit(random);
}

// The product's default in half of the worlds; in the others nobody checks, everything is checked,
// or something between.
void draw_checks(uint64_t seed, Audience& out) {
  Random random(seed ^ 0x0c4ec75du);
  const uint32_t kind = random.below(6);
  if (kind < 3) out.checks = 0.1;
  if (kind == 3) out.checks = 1;
  if (kind == 4) out.checks = unit(random);
}

}  // namespace

Scenario draw_scenario(uint64_t seed) {
  Random random(seed ^ 0x5ce7a210u);
  Scenario out;
  out.name = "seed " + std::to_string(seed);
  out.seconds = 60 + random.below(120);
  out.stream.live = random.below(3) > 0;
  out.stream.mbit = 0.1 * (3 + random.below(30));
  out.stream.segment_seconds = 1 + random.below(6);
  out.stream.window = 3 + static_cast<int32_t>(random.below(8));
  out.stream.vod_segments =
      out.stream.live ? 0 : static_cast<int32_t>(out.seconds / out.stream.segment_seconds) + 1;
  Audience& audience = out.audience;
  audience.viewers = 2 + static_cast<int32_t>(random.below(random.below(4) == 0 ? 60 : 14));
  audience.join_within = random.below(30);
  audience.unreachable = some_share(random, 0.4);
  audience.freeloading = some_share(random, 0.5);
  audience.paused = some_share(random, 0.7);
  audience.pause_after = random.below(40);
  audience.vanishing = unit(random);
  audience.buffer_seconds = 10 + random.below(50);
  if (random.below(2) == 0) {
    const double median = 20 + random.below(120);
    audience.stay = Spread::lognormal(median, 0.3 + unit(random)).at_most(kMostSeconds);
  }
  const size_t lines = 1 + random.below(3);
  const double mbit = out.stream.mbit;
  for (size_t i = 0; i < lines; ++i) {
    Access access;
    access.name = "line " + std::to_string(i + 1);
    access.share = 0.1 + unit(random);
    const double up = mbit * (0.2 + 6 * unit(random));
    access.up = Spread::uniform(up, up * (1 + 3 * unit(random)));
    const double down = mbit * (3 + 30 * unit(random));
    access.down = Spread::uniform(down, down * 2);
    access.one_way = Spread::uniform(2, 5 + random.below(100));
    access.metered = random.below(5) == 0;
    audience.access.push_back(std::move(access));
  }
  out.origin.latency_ms = 5 + random.below(150);
  if (random.below(4) == 0) out.origin.mbit = mbit * audience.viewers * (0.5 + 2 * unit(random));
  if (random.below(2) == 0) {
    out.origin.late_every = 5 + static_cast<int32_t>(random.below(20));
    out.origin.late_seconds = 8 * unit(random);
  }
  if (random.below(3) == 0) out.origin.error_every = 5 + static_cast<int32_t>(random.below(30));
  for (uint32_t i = random.below(4); i > 0; --i) {
    Incident incident;
    incident.kind = static_cast<Incident::Kind>(random.below(kIncidentKinds));
    incident.at = out.seconds * unit(random) * 0.7;
    incident.seconds = 1 + random.below(12);
    incident.share = unit(random);
    incident.count = 1 + static_cast<int32_t>(random.below(4));
    out.incidents.push_back(incident);
  }
  if (random.below(3) == 0) {
    out.origin.ranges = random.below(2) == 0 ? sim::Ranges::kIgnored : sim::Ranges::kRefused;
  }
  draw_network(seed, audience);
  draw_faults(seed, out.faults);
  draw_extensions(seed, audience);
  draw_checks(seed, audience);
  out.quiet = kQuiet;
  if (!out.stream.live) {
    // Whoever has a full buffer loads to the end as well.
    out.stream.vod_segments +=
        static_cast<int32_t>((kQuiet + audience.buffer_seconds) / out.stream.segment_seconds);
  }
  return out;
}

}  // namespace hlsmesh::study

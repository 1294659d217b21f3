#include "study/world.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/random.hpp"

namespace hlsmesh::study {
namespace {

constexpr double kNever = 1e9;

// What a viewer of an office can feed there.
constexpr double kOfficeStreams = 100;

// Above every number that a packager reaches after it began anew.
constexpr int64_t kBeforeRestart = 500'000;

// Four packets of an engine.
constexpr size_t kShortQueue = 256 * 1024;

// That of peers who exchange whole segments.
constexpr int32_t kOlderExtension = 1;

// Through NATs a pair of candidates is found after one or two more than at home.
constexpr int32_t kConnectRoundTrips = 6;

const Access& draw_access(const std::vector<Access>& all, Random& random) {
  double sum = 0;
  for (const Access& each : all) sum += each.share;
  double at = sum * unit(random);
  for (const Access& each : all) {
    at -= each.share;
    if (at < 0) return each;
  }
  return all.back();
}

void add_viewer(const Scenario& scenario, double joins, Random& random, World& out) {
  const Audience& audience = scenario.audience;
  const Access& access = draw_access(audience.access, random);
  sim::ViewerConfig viewer;
  viewer.join_at = sim::at_second(joins);
  viewer.up_bits_per_second = access.up.draw(random) * 1e6;
  viewer.down_bits_per_second = access.down.draw(random) * 1e6;
  viewer.latency = sim::from_seconds(access.one_way.draw(random) / 1e3);
  viewer.mobile = access.metered;
  viewer.cache_bytes = 64u * 1024 * 1024;
  viewer.upload = !access.metered && unit(random) >= audience.freeloading;
  viewer.checks = audience.checks;
  viewer.loss = access.loss;
  viewer.p2p_refused = unit(random) < audience.unreachable;
  viewer.player.adaptive = !scenario.stream.rungs.empty();
  viewer.player.buffer_goal = sim::from_seconds(audience.buffer_seconds);
  World::Plan plan;
  viewer.kind = static_cast<int32_t>(&access - audience.access.data());
  plan.joins = joins;
  plan.leaves = audience.stay ? joins + audience.stay->draw(random) : kNever;
  plan.silently = unit(random) < audience.vanishing;
  plan.pauses = unit(random) < audience.paused ? joins + audience.pause_after : kNever;
  out.config.viewers.push_back(viewer);
  out.plans.push_back(plan);
}

sim::Nat draw_nat(const NatMix& mix, Random& random) {
  double at = (mix.open + mix.port_restricted + mix.symmetric + mix.udp_blocked) * unit(random);
  if ((at -= mix.open) < 0) return sim::Nat::kOpen;
  if ((at -= mix.port_restricted) < 0) return sim::Nat::kPortRestricted;
  return (at -= mix.symmetric) < 0 ? sim::Nat::kSymmetric : sim::Nat::kUdpBlocked;
}

// The second is half as large as the first, the third a third, and so on.
int32_t draw_isp(int32_t isps, Random& random) {
  double sum = 0;
  for (int32_t i = 1; i <= isps; ++i) sum += 1.0 / i;
  double at = sum * unit(random);
  for (int32_t i = 1; i < isps; ++i) {
    if ((at -= 1.0 / i) < 0) return i;
  }
  return isps;
}

// Viewers of one kind of office line in a row share the line of the first.
void fill_offices(const std::vector<Access>& access, World& out) {
  struct Office {
    int32_t number = 0;
    int32_t members = 0;
    const sim::ViewerConfig* first = nullptr;
  };
  std::vector<Office> filling(access.size());
  int32_t offices = 0;
  for (size_t i = 0; i < out.plans.size(); ++i) {
    const auto kind = static_cast<size_t>(out.config.viewers[i].kind);
    if (access[kind].behind_one < 2) continue;
    sim::ViewerConfig& viewer = out.config.viewers[i];
    Office& office = filling[kind];
    if (office.first == nullptr || office.members == access[kind].behind_one) {
      office = {++offices, 0, &viewer};
    }
    ++office.members;
    viewer.office = office.number;
    viewer.up_bits_per_second = office.first->up_bits_per_second;
    viewer.down_bits_per_second = office.first->down_bits_per_second;
    viewer.latency = office.first->latency;
  }
}

// What NATs and providers the viewers are behind, and who is silent. Drawn apart, so that the rest
// of the world is the same with and without.
void place(const Scenario& scenario, uint64_t seed, World& out) {
  const Audience& audience = scenario.audience;
  const Faults& faults = scenario.faults;
  out.config.refused_memory = faults.refused_memory;
  Random random(seed ^ 0x9a7b14c3u);
  for (size_t i = 0; i < out.config.viewers.size(); ++i) {
    sim::ViewerConfig& viewer = out.config.viewers[i];
    if (audience.nat) viewer.nat = draw_nat(*audience.nat, random);
    if (audience.silent > 0 && unit(random) < audience.silent) {
      out.plans[i].falls_silent = out.plans[i].joins + audience.silent_after;
    }
    if (faults.short_queues > 0 && unit(random) < faults.short_queues) {
      viewer.browser.send_queue_bytes = kShortQueue;
    }
    viewer.browser.late_timers = sim::from_seconds(faults.late_timers);
    if (audience.older > 0 && unit(random) < audience.older) viewer.extension = kOlderExtension;
    if (audience.isps > 0) viewer.isp = draw_isp(audience.isps, random);
  }
  if (!audience.nat) return;
  sim::RtcConfig& rtc = out.config.rtc;
  rtc.signalling = sim::from_seconds(audience.nat->signalling);
  rtc.round_trips = kConnectRoundTrips;
  rtc.give_up = sim::from_seconds(audience.nat->give_up);
}

// The viewers that are there, in an order that the seed shuffled.
std::vector<size_t> present(sim::Swarm& swarm, const World& world, Random& random) {
  std::vector<size_t> out;
  const double now = sim::seconds(swarm.now().time_since_epoch());
  for (size_t i = 0; i < world.plans.size(); ++i) {
    if (world.plans[i].joins < now && !swarm.viewer(i).gone()) out.push_back(i);
  }
  for (size_t i = out.size(); i > 1; --i) {
    std::swap(out[i - 1], out[random.below(static_cast<uint32_t>(i))]);
  }
  return out;
}

void strike(sim::Swarm& swarm, const World& world, const Scenario& scenario,
            const Incident& incident, Random random) {
  std::vector<size_t> struck = present(swarm, world, random);
  if (incident.kind == Incident::Kind::kVanishFirst) {
    std::sort(struck.begin(), struck.end(), [&](size_t a, size_t b) {
      return world.plans[a].joins != world.plans[b].joins
                 ? world.plans[a].joins < world.plans[b].joins
                 : a < b;
    });
    struck.resize(std::min(struck.size(), static_cast<size_t>(incident.count)));
  } else {
    struck.resize(static_cast<size_t>(incident.share * static_cast<double>(struck.size())));
  }
  for (const size_t i : struck) {
    sim::Viewer& viewer = swarm.viewer(i);
    switch (incident.kind) {
      case Incident::Kind::kLeave:
        viewer.leave();
        break;
      case Incident::Kind::kVanish:
      case Incident::Kind::kVanishFirst:
        viewer.vanish();
        break;
      case Incident::Kind::kSeek:
        if (!scenario.stream.live) {
          viewer.player().seek(sim::from_seconds(scenario.stream.segment_seconds *
                                                 scenario.stream.vod_segments / 2));
        }
        break;
      case Incident::Kind::kCdnOutage:
      case Incident::Kind::kTrackerDown:
      case Incident::Kind::kJoin:
      case Incident::Kind::kPackagerRestart:
        break;
    }
  }
}

}  // namespace

World draw_world(const Scenario& scenario, uint64_t seed) {
  Random random(seed ^ 0x3a11ce5u);
  World out;
  sim::SwarmConfig& config = out.config;
  config.seed = seed;
  const Stream& stream = scenario.stream;
  config.content.live = stream.live;
  config.content.segment_duration = sim::from_seconds(stream.segment_seconds);
  config.content.vod_segments = stream.vod_segments;
  config.content.live_window = stream.window;
  config.content.first_sn = stream.live ? 1'000 : 0;
  config.content.bitrates.clear();
  for (const double mbit : stream.rungs) {
    config.content.bitrates.push_back(static_cast<int32_t>(mbit * 1e6));
  }
  if (stream.rungs.empty()) config.content.bitrates = {static_cast<int32_t>(stream.mbit * 1e6)};
  for (const Incident& incident : scenario.incidents) {
    if (incident.kind != Incident::Kind::kPackagerRestart || config.content.restart_at) continue;
    config.content.restart_at = sim::at_second(std::min(incident.at, scenario.seconds));
    config.content.restart_takes = sim::from_seconds(incident.seconds);
    config.content.first_sn = kBeforeRestart;
  }
  config.cdn.latency = sim::from_seconds(scenario.origin.latency_ms / 1e3);
  config.cdn.bits_per_second = scenario.origin.mbit * 1e6;
  config.cdn.hiccup_every = scenario.origin.late_every;
  config.cdn.hiccup = sim::from_seconds(scenario.origin.late_seconds);
  config.cdn.error_every = scenario.origin.error_every;
  config.cdn.ranges = scenario.origin.ranges;
  config.cdn.fates = seed + 1;
  const Audience& audience = scenario.audience;
  for (int32_t i = 0; i < audience.viewers; ++i) {
    add_viewer(scenario, i == 0 ? 0 : audience.join_within * unit(random), random, out);
  }
  for (const Incident& incident : scenario.incidents) {
    if (incident.kind != Incident::Kind::kJoin) continue;
    for (int32_t i = 0; i < incident.count; ++i) {
      add_viewer(scenario, incident.at + incident.seconds * unit(random), random, out);
    }
  }
  fill_offices(audience.access, out);
  place(scenario, seed, out);
  out.last_join = scenario.last_join();
  return out;
}

void arrange(sim::Swarm& swarm, const World& world, const Scenario& scenario, uint64_t seed) {
  for (size_t i = 0; i < world.plans.size(); ++i) {
    const World::Plan& plan = world.plans[i];
    if (plan.leaves < scenario.seconds) {
      swarm.at(plan.leaves, [&swarm, i, silently = plan.silently] {
        if (silently) {
          swarm.viewer(i).vanish();
        } else {
          swarm.viewer(i).leave();
        }
      });
    }
    if (plan.falls_silent < scenario.seconds) {
      swarm.at(plan.falls_silent,
               [&swarm, i] { swarm.viewer(i).set_fault(sim::ParentFault::kSilent); });
    }
    if (plan.pauses < scenario.seconds) {
      swarm.at(plan.pauses, [&swarm, i] {
        if (!swarm.viewer(i).gone()) swarm.viewer(i).pause();
      });
    }
  }
  // In the quiet phase nothing goes wrong.
  if (scenario.quiet > 0) swarm.at(scenario.seconds, [&swarm] { swarm.be_well(); });
  const auto end_of = [&scenario](const Incident& incident) {
    return std::min(incident.at + incident.seconds, scenario.seconds);
  };
  for (size_t i = 0; i < scenario.incidents.size(); ++i) {
    const Incident& incident = scenario.incidents[i];
    if (incident.at > scenario.seconds) continue;
    if (incident.kind == Incident::Kind::kCdnOutage) {
      swarm.cdn().add_outage({sim::at_second(incident.at), sim::at_second(end_of(incident))});
    } else if (incident.kind == Incident::Kind::kTrackerDown) {
      swarm.at(incident.at, [&swarm] { swarm.tracker().stop(); });
      swarm.at(end_of(incident), [&swarm] { swarm.tracker().start(); });
    } else if (incident.kind != Incident::Kind::kJoin &&
               incident.kind != Incident::Kind::kPackagerRestart) {
      const Random random(seed + 0x1000 + i);
      swarm.at(incident.at, [&swarm, &world, &scenario, &incident, random] {
        strike(swarm, world, scenario, incident, random);
      });
    }
  }
}

double most_offload(const std::vector<const sim::ViewerConfig*>& viewers, double bits_per_second) {
  // Streams that the viewers of each kind can send, and how many of the kind want one.
  double up[3]{};
  double want[3]{};
  double reachable = 0;
  for (const sim::ViewerConfig* each : viewers) {
    if (each->p2p_refused || each->nat == sim::Nat::kUdpBlocked) continue;
    const auto kind = static_cast<size_t>(each->nat);
    ++reachable;
    ++want[kind];
    if (!each->upload) continue;
    // Within an office nothing is in short supply.
    up[kind] += each->office > 0 ? kOfficeStreams : each->up_bits_per_second / bits_per_second;
  }
  if (reachable < 2) return 0;
  // Whom fewest can serve come first, each from those who can serve fewest others: symmetric ones
  // serve and are served by open ones only. That carries the most that any assignment can.
  constexpr size_t kOpen = 0;
  constexpr size_t kRestricted = 1;
  constexpr size_t kSymmetric = 2;
  constexpr std::pair<size_t, size_t> kServes[] = {{kOpen, kSymmetric},  {kRestricted, kRestricted},
                                                   {kOpen, kRestricted}, {kSymmetric, kOpen},
                                                   {kRestricted, kOpen}, {kOpen, kOpen}};
  double carried = 0;
  for (const auto& [from, to] : kServes) {
    const double streams = std::min(up[from], want[to]);
    up[from] -= streams;
    want[to] -= streams;
    carried += streams;
  }
  return std::min(carried, reachable - 1) / static_cast<double>(viewers.size());
}

}  // namespace hlsmesh::study

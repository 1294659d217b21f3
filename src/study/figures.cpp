#include "study/figures.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace hlsmesh::study {
namespace {

using nlohmann::json;

// What comes, or of live streams is listed, so long after the last planned join is of quiet times;
// seconds.
constexpr double kSettled = 15;

// A viewer with peers may hold a fifth less media than its twin, and so reaches the end of it that
// much sooner when the CDN is late.
constexpr double kBufferLess = 0.2;

uint64_t mix(uint64_t digest, uint64_t value) {
  uint64_t z = digest ^ (value + 0x9e3779b97f4a7c15u + (digest << 6) + (digest >> 2));
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  return z ^ (z >> 31);
}

std::string digest_of(const Run& mesh) {
  uint64_t digest = mesh.events;
  for (const sim::ViewerFigures& each : mesh.swarm.viewers) {
    digest = mix(digest, each.command_digest);
    digest = mix(digest, each.command_count);
    digest = mix(digest, each.cdn_bytes);
    digest = mix(digest, each.p2p_bytes);
  }
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(digest >> shift) & 15];
  return out;
}

// Six digits after the point are more than such figures are good for.
double rounded(double value) {
  const double scaled = value * 1e6 + (value < 0 ? -0.5 : 0.5);
  return static_cast<double>(static_cast<int64_t>(scaled)) / 1e6;
}

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5)];
}

json percentiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"p50", rounded(percentile(values, 0.5))},
          {"p95", rounded(percentile(values, 0.95))},
          {"p99", rounded(percentile(values, 0.99))}};
}

// 0: all give alike; 1: one gives everything.
double gini(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  double weighted = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    weighted +=
        values[i] * (2.0 * static_cast<double>(i + 1) - static_cast<double>(values.size()) - 1);
  }
  return sum > 0 ? weighted / (sum * static_cast<double>(values.size())) : 0;
}

json upload_json(const Run& mesh) {
  std::vector<double> sent;
  double sum = 0;
  for (const sim::ViewerFigures& each : mesh.swarm.viewers) {
    sent.push_back(static_cast<double>(each.engine.upload_bytes));
    sum += sent.back();
  }
  std::sort(sent.begin(), sent.end());
  double top = 0;
  for (size_t i = sent.size() - (sent.size() + 9) / 10; i < sent.size(); ++i) top += sent[i];
  return {{"meanBytes", rounded(sum / static_cast<double>(sent.size()))},
          {"p95Bytes", percentile(sent, 0.95)},
          {"gini", rounded(gini(sent))},
          {"shareOfTopTenth", rounded(sum > 0 ? top / sum : 0)}};
}

// Seconds without a picture, at first, after seeks and in stalls: whoever begins sooner has less to
// play when the CDN is late.
double waited(const sim::PlayerFigures& player) {
  return sim::seconds(player.starting + player.stalled);
}

struct Playback {
  double stalled = 0;  // seconds, of all viewers
  double watched = 0;  // seconds from joining to leaving, of all viewers
  int32_t stall_free = 0;
  int32_t started = 0;
  std::vector<double> first_frames;  // seconds after joining
};

Playback playback_of(const Run& run, const World& world, const Scenario& scenario) {
  Playback out;
  for (size_t i = 0; i < run.swarm.viewers.size(); ++i) {
    const sim::PlayerFigures& player = run.swarm.viewers[i].player;
    const World::Plan& plan = world.plans[i];
    out.stalled += sim::seconds(player.stalled);
    out.watched += std::max(0.0, std::min(plan.leaves, scenario.length()) - plan.joins);
    if (player.stalls == 0) ++out.stall_free;
    if (!player.first_frame) continue;
    ++out.started;
    out.first_frames.push_back(sim::seconds(player.first_frame->time_since_epoch()) - plan.joins);
  }
  return out;
}

json playback_json(const Playback& playback, const Run& run) {
  const auto viewers = static_cast<double>(run.swarm.viewers.size());
  double quick = 0;
  for (const double each : playback.first_frames) quick += each < 1 ? 1 : 0;
  json frame = percentiles(playback.first_frames);
  frame["underOneSecond"] = rounded(
      playback.first_frames.empty() ? 0
                                    : quick / static_cast<double>(playback.first_frames.size()));
  return {{"firstFrame", frame},
          {"stallSeconds", rounded(playback.stalled)},
          {"stallSecondsPerHour",
           rounded(playback.watched > 0 ? playback.stalled / playback.watched * 3'600 : 0)},
          {"stallFree", rounded(playback.stall_free / viewers)}};
}

// How much later than to the twin each segment came, in seconds.
std::vector<double> added_latency(const Run& mesh, const Run& twin) {
  std::vector<double> out;
  for (size_t i = 0; i < mesh.arrivals.size(); ++i) {
    std::map<int64_t, sim::Time> plain;
    for (const sim::Arrival& each : twin.arrivals[i]) plain.emplace(each.sn.value(), each.at);
    for (const sim::Arrival& each : mesh.arrivals[i]) {
      const auto found = plain.find(each.sn.value());
      if (found != plain.end()) out.push_back(sim::seconds(each.at - found->second));
    }
  }
  return out;
}

// Each viewer's mean buffer, of its twin's.
json buffer_json(const Run& mesh, const Run& twin) {
  std::vector<double> out;
  for (size_t i = 0; i < mesh.swarm.viewers.size(); ++i) {
    const double plain = twin.swarm.viewers[i].player.mean_buffer;
    if (plain > 0) out.push_back(mesh.swarm.viewers[i].player.mean_buffer / plain);
  }
  std::sort(out.begin(), out.end());
  return {{"least", rounded(percentile(out, 0))},
          {"p5", rounded(percentile(out, 0.05))},
          {"p50", rounded(percentile(out, 0.5))}};
}

// How old each segment of a live stream was when it came, in seconds.
std::vector<double> ages(const Run& run, const World& world) {
  const sim::Content content(world.config.content);
  std::vector<double> out;
  for (const auto& viewer : run.arrivals) {
    for (const sim::Arrival& each : viewer) {
      out.push_back(sim::seconds(each.at - content.available_at(each.sn)));
    }
  }
  return out;
}

json quiet_json(const Scenario& scenario, const World& world, const Run& mesh, const Run& twin) {
  const QuietFigures figures = quiet_figures(scenario, world, mesh.quiet, twin.quiet);
  json out{{"viewers", figures.viewers},
           {"stranded", figures.stranded},
           {"offload", rounded(figures.offload)},
           {"mostOffload", rounded(figures.most_offload)},
           {"stallSeconds", rounded(figures.stall_seconds)},
           {"twinStallSeconds", rounded(figures.twin_stall_seconds)}};
  if (scenario.stream.live) out["originCopies"] = rounded(figures.origin_copies);
  return out;
}

// Who feeds whom, by kinds of lines: a row for each that sends, the origin last.
json feeds_json(const Scenario& scenario, const World& world, const Run& mesh) {
  const std::vector<Access>& access = scenario.audience.access;
  json kinds = json::array();
  for (const Access& each : access) kinds.push_back(each.name);
  std::vector<std::vector<uint64_t>> bytes(access.size() + 1, std::vector<uint64_t>(access.size()));
  for (const auto& [pair, count] : mesh.flows) {
    bytes[static_cast<size_t>(pair.first)][static_cast<size_t>(pair.second)] = count;
  }
  for (size_t i = 0; i < mesh.swarm.viewers.size(); ++i) {
    const auto kind = static_cast<size_t>(world.config.viewers[i].kind);
    bytes.back()[kind] += mesh.swarm.viewers[i].cdn_bytes;
  }
  return {{"kinds", kinds}, {"bytes", bytes}};
}

json samples_json(const Run& run) {
  json out{{"at", json::array()},
           {"viewers", json::array()},
           {"cdnBytes", json::array()},
           {"p2pBytes", json::array()},
           {"stallSeconds", json::array()}};
  for (const Sample& each : run.samples) {
    out["at"].push_back(each.at);
    out["viewers"].push_back(each.viewers);
    out["cdnBytes"].push_back(each.cdn_bytes);
    out["p2pBytes"].push_back(each.p2p_bytes);
    out["stallSeconds"].push_back(rounded(each.stalled));
  }
  return out;
}

json violations_json(const std::vector<Violation>& violations) {
  json out = json::array();
  for (const Violation& each : violations) {
    out.push_back({{"property", static_cast<int>(each.property)}, {"what", each.what}});
  }
  return out;
}

// "a.b" in an object of objects.
const json* member(const json& figures, const std::string& path) {
  const json* at = &figures;
  for (size_t from = 0; from <= path.size();) {
    const size_t to = std::min(path.find('.', from), path.size());
    const auto found = at->find(path.substr(from, to - from));
    if (!at->is_object() || found == at->end()) return nullptr;
    at = &*found;
    from = to + 1;
  }
  return at->is_number() ? at : nullptr;
}

// The peers' share of the media that came after that time, in seconds; nullopt where none did.
std::optional<double> offload_after(const Run& run, double from) {
  const auto settled = std::find_if(run.samples.begin(), run.samples.end(),
                                    [from](const Sample& each) { return each.at >= from; });
  if (settled == run.samples.end()) return std::nullopt;
  const Sample& last = run.samples.back();
  const auto from_peers = static_cast<double>(last.p2p_bytes - settled->p2p_bytes);
  const auto from_cdn = static_cast<double>(last.cdn_bytes - settled->cdn_bytes);
  if (from_peers + from_cdn <= 0) return std::nullopt;
  return from_peers / (from_peers + from_cdn);
}

}  // namespace

Sample sample(sim::Swarm& swarm, const World& world) {
  Sample out;
  out.at = sim::seconds(swarm.now().time_since_epoch());
  for (size_t i = 0; i < swarm.size(); ++i) {
    const sim::Viewer& viewer = swarm.viewer(i);
    if (world.plans[i].joins <= out.at && !viewer.gone()) ++out.viewers;
    out.cdn_bytes += viewer.loaded().cdn_bytes;
    out.p2p_bytes += viewer.loaded().p2p_bytes;
    out.stalled += sim::seconds(viewer.player().figures().stalled);
  }
  return out;
}

std::string look_json(sim::Swarm& swarm, const World& world) {
  json here = json::array();
  json cdn = json::array();
  json p2p = json::array();
  const double now = sim::seconds(swarm.now().time_since_epoch());
  for (size_t i = 0; i < swarm.size(); ++i) {
    const sim::Viewer& viewer = swarm.viewer(i);
    here.push_back(world.plans[i].joins <= now && !viewer.gone() ? 1 : 0);
    cdn.push_back(viewer.loaded().cdn_bytes);
    p2p.push_back(viewer.loaded().p2p_bytes);
  }
  return json{{"at", now}, {"here", here}, {"cdn", cdn}, {"p2p", p2p}}.dump();
}

Run keep(sim::Swarm& swarm, const World& world, const Scenario& scenario) {
  Run out;
  out.swarm = swarm.figures();
  out.events = swarm.events();
  out.control_bytes = swarm.rtc().text_bytes() + swarm.tracker().text_bytes();
  out.peer_media_bytes = swarm.rtc().binary_bytes();
  out.flows = swarm.rtc().flows();
  out.placed_bytes = swarm.rtc().placed_bytes();
  out.crossing_bytes = swarm.rtc().crossing_bytes();
  for (size_t i = 0; i < swarm.size(); ++i) {
    out.arrivals.push_back(swarm.viewer(i).player().arrivals());
  }
  if (!scenario.stream.live) return out;
  // The last segments are still on their way when the run ends.
  const double from = world.last_join + kSettled;
  const double until = scenario.length() - 2 * scenario.stream.segment_seconds;
  for (const auto& [segment, copies] : swarm.cdn().copies()) {
    const double listed =
        sim::seconds(swarm.content().available_at(segment.second).time_since_epoch());
    if (listed <= from || listed > until) continue;
    ++out.steady_segments;
    out.steady_copies += copies.sent;
  }
  return out;
}

std::string figures_json(const Scenario& scenario, const World& world, uint64_t seed,
                         const Run& mesh, const Run& twin,
                         const std::vector<Violation>& violations) {
  double from_cdn = 0;
  double from_peers = 0;
  double wasted = 0;
  for (const sim::ViewerFigures& each : mesh.swarm.viewers) {
    from_cdn += static_cast<double>(each.cdn_bytes);
    from_peers += static_cast<double>(each.p2p_bytes);
    wasted += static_cast<double>(each.engine.p2p_wasted_bytes);
  }
  const double media = std::max(1.0, from_cdn + from_peers);
  const double offload = from_peers / media;
  std::vector<const sim::ViewerConfig*> all;
  for (const sim::ViewerConfig& each : world.config.viewers) all.push_back(&each);
  const double most = most_offload(all, scenario.stream.mbit * 1e6);
  const Playback with = playback_of(mesh, world, scenario);
  const Playback without = playback_of(twin, world, scenario);
  json out = playback_json(with, mesh);
  const json plain = playback_json(without, twin);
  out["scenario"] = scenario.name;
  out["seed"] = seed;
  out["viewers"] = mesh.swarm.viewers.size();
  out["seconds"] = scenario.length();
  out["offload"] = rounded(offload);
  out["mostOffload"] = rounded(most);
  out["eta"] = rounded(most > 0 ? offload / most : 0);
  const std::optional<double> steady = offload_after(mesh, world.last_join + kSettled);
  out["steadyOffload"] = steady ? json(rounded(*steady)) : json(nullptr);
  out["steadyEta"] = steady && most > 0 ? json(rounded(*steady / most)) : json(nullptr);
  out["originCopies"] =
      rounded(mesh.swarm.distinct > 0 ? mesh.swarm.origin_copies / mesh.swarm.distinct : 0);
  if (mesh.steady_segments > 0) {
    out["steadyOriginCopies"] = rounded(mesh.steady_copies / mesh.steady_segments);
  } else {
    out["steadyOriginCopies"] = nullptr;
  }
  out["addedLatency"] = percentiles(added_latency(mesh, twin));
  if (scenario.stream.live) {
    out["segmentAge"] = percentiles(ages(mesh, world));
    out["twinSegmentAge"] = percentiles(ages(twin, world));
  }
  out["buffer"] = buffer_json(mesh, twin);
  out["originMbitPerThousandViewers"] =
      rounded(with.watched > 0 ? from_cdn * 8 / 1e6 / with.watched * 1'000 : 0);
  out["twinStallSeconds"] = plain["stallSeconds"];
  out["twinStallFree"] = plain["stallFree"];
  out["twinFirstFrame"] = plain["firstFrame"];
  out["duplicates"] = rounded(wasted / media);
  out["control"] = rounded(static_cast<double>(mesh.control_bytes) / media);
  out["upload"] = upload_json(mesh);
  out["feeds"] = feeds_json(scenario, world, mesh);
  if (mesh.placed_bytes > 0) {
    out["crossIsp"] =
        rounded(static_cast<double>(mesh.crossing_bytes) / static_cast<double>(mesh.placed_bytes));
  }
  out["mediaBytes"] = from_cdn + from_peers;
  out["originBytes"] = mesh.swarm.origin_bytes;
  out["twinOriginBytes"] = twin.swarm.origin_bytes;
  if (scenario.quiet > 0) out["quiet"] = quiet_json(scenario, world, mesh, twin);
  out["series"] = samples_json(mesh);
  out["twinSeries"] = samples_json(twin);
  out["events"] = mesh.events;
  out["digest"] = digest_of(mesh);
  out["violations"] = violations_json(violations);
  return out.dump(2);
}

std::vector<Violation> judge(const Scenario& scenario, const std::string& figures) {
  const json known = json::parse(figures, nullptr, false);
  std::vector<Violation> out;
  for (const Expectation& each : scenario.expect) {
    const json* figure = member(known, each.figure);
    if (figure == nullptr) {
      out.push_back({Violation::Property::kExpect, each.figure + " is no figure of this run"});
      continue;
    }
    const auto value = figure->get<double>();
    if (each.least && value < *each.least) {
      out.push_back({Violation::Property::kExpect, each.figure + " is " + figure->dump() +
                                                       ", expected at least " +
                                                       json(*each.least).dump()});
    }
    if (each.most && value > *each.most) {
      out.push_back({Violation::Property::kExpect, each.figure + " is " + figure->dump() +
                                                       ", expected at most " +
                                                       json(*each.most).dump()});
    }
  }
  return out;
}

void count_due(const Scenario& scenario, const Run& twin, std::vector<Due>& due) {
  const bool first = due.empty();
  due.resize(twin.swarm.viewers.size());
  for (size_t i = 0; i < due.size(); ++i) {
    const sim::PlayerFigures& plain = twin.swarm.viewers[i].player;
    due[i].waited = std::max(due[i].waited, waited(plain));
    if (!first) continue;
    // Late timers keep an engine from noticing, and from asking the CDN, by as much.
    due[i].beyond = kBufferLess * plain.mean_buffer + scenario.faults.late_timers;
    // Whom the origin starves jumps to where segments are, by whole ones, and meets others that are
    // late.
    if (plain.skips > 0) {
      due[i].beyond += scenario.stream.segment_seconds;
      if (scenario.origin.late_every > 0) due[i].beyond += scenario.origin.late_seconds;
    }
  }
}

std::vector<Violation> compare(const Run& mesh, const std::vector<Due>& due) {
  for (size_t i = 0; i < due.size(); ++i) {
    const sim::PlayerFigures& player = mesh.swarm.viewers[i].player;
    const double later = waited(player) - due[i].waited;
    if (later <= due[i].beyond) continue;
    const std::string stalled = json(rounded(sim::seconds(player.stalled))).dump();
    return {{Violation::Property::kWorse,
             "viewer " + std::to_string(i) +
                 (player.first_frame ? " stalled for " + stalled + " s" : " never saw a frame") +
                 ", and waited " + json(rounded(later)).dump() +
                 " s longer than any of its twins"}};
  }
  return {};
}

}  // namespace hlsmesh::study

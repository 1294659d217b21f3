#include "study/quiet.hpp"

#include <algorithm>

#include "sim/nat.hpp"

namespace hlsmesh::study {
namespace {

// Seconds by which a viewer may stall beyond its twin in half a quiet phase: a parent that turns
// out to be slow costs about that, once.
constexpr double kStallBeyond = 1;

// Of what uplinks allow, the least that must come from peers by then. Engines that pass on whole
// segments bring less than that in 2 of 100 drawn worlds, and a third where 100 viewers are steady.
constexpr double kLeastEta = 0.2;

// Where uplinks allow less than this, no uplink may be as fast as the stream, and what comes from
// it comes too late.
constexpr double kLeastMostOffload = 0.4;

// A segment then comes in a quarter of its duration.
constexpr double kTimesTheStream = 4;

// Two viewers are one pair, and a pair that failed several times before the quiet phase is not
// introduced again for a minute or more.
constexpr int32_t kLeastViewers = 3;

double change(uint64_t from, uint64_t to) { return static_cast<double>(to - from); }

// Whether peers can feed it, and it them. A line whose loss leaves a flow less than a few times the
// stream's rate passes no whole segment on in time.
bool reachable(const Scenario& scenario, const World& world, size_t i) {
  const sim::ViewerConfig& viewer = world.config.viewers[i];
  if (viewer.p2p_refused || viewer.nat == sim::Nat::kUdpBlocked) return false;
  if (world.plans[i].falls_silent < scenario.length()) return false;
  return viewer.loss <= 0 || sim::rate_under_loss(viewer.loss, 2 * viewer.latency) >=
                                 kTimesTheStream * scenario.stream.mbit * 1e6;
}

}  // namespace

std::vector<Mark> mark(sim::Swarm& swarm, const World& world) {
  std::vector<Mark> out(swarm.size());
  const double now = sim::seconds(swarm.now().time_since_epoch());
  for (size_t i = 0; i < swarm.size(); ++i) {
    const sim::Viewer& viewer = swarm.viewer(i);
    const sim::PlayerFigures player = viewer.player().figures();
    Mark& each = out[i];
    each.there = world.plans[i].joins < now && !viewer.gone();
    each.playing = each.there && !viewer.player().paused() && !player.finished && !player.gave_up;
    each.connected = swarm.rtc().open_channels(viewer.id()) > 0;
    each.cdn_bytes = viewer.loaded().cdn_bytes;
    each.p2p_bytes = viewer.loaded().p2p_bytes;
    each.stalled = sim::seconds(player.starting + player.stalled);
    if (!swarm.content().config().live) {
      each.loaded = sim::seconds(viewer.player().buffered_end());
    }
  }
  return out;
}

void count_copies(sim::Swarm& swarm, const Scenario& scenario, Quiet& out) {
  if (!scenario.stream.live) return;
  const double from = scenario.seconds + scenario.quiet / 2;
  // The last segments are still on their way when the run ends.
  const double until = scenario.length() - 2 * scenario.stream.segment_seconds;
  for (const auto& [segment, copies] : swarm.cdn().copies()) {
    const double listed =
        sim::seconds(swarm.content().available_at(segment.second).time_since_epoch());
    if (listed <= from || listed > until) continue;
    ++out.segments;
    out.copies += copies.sent;
  }
}

QuietFigures quiet_figures(const Scenario& scenario, const World& world, const Quiet& mesh,
                           const Quiet& twin) {
  QuietFigures out;
  std::vector<const sim::ViewerConfig*> playing;
  double from_peers = 0;
  int32_t uploaders[3]{};  // who play, by kind of NAT
  double furthest = 0;     // that one of them has loaded
  const auto plays = [&mesh](size_t i) { return mesh.settled[i].playing && mesh.end[i].playing; };
  for (size_t i = 0; i < mesh.end.size(); ++i) {
    const Mark& from = mesh.settled[i];
    const Mark& to = mesh.end[i];
    const double stalled = to.stalled - from.stalled;
    const double plain = twin.end[i].stalled - twin.settled[i].stalled;
    from_peers += change(from.p2p_bytes, to.p2p_bytes);
    out.media_bytes += change(from.p2p_bytes, to.p2p_bytes) + change(from.cdn_bytes, to.cdn_bytes);
    out.stall_seconds += stalled;
    out.twin_stall_seconds += plain;
    // Whom the origin starves jumps to where segments are, by whole ones.
    const double segment = scenario.stream.segment_seconds;
    const double beyond = kStallBeyond + (plain > segment ? segment : 0);
    if (stalled > plain + beyond && out.first_late.empty()) {
      out.first_late = "viewer " + std::to_string(i) + " stalled for " + std::to_string(stalled) +
                       " s, its twin for " + std::to_string(plain) + " s";
    }
    if (!plays(i)) continue;
    ++out.viewers;
    const sim::ViewerConfig& viewer = world.config.viewers[i];
    if (!reachable(scenario, world, i)) continue;
    playing.push_back(&viewer);
    if (viewer.upload) ++uploaders[static_cast<size_t>(viewer.nat)];
    if (viewer.upload) furthest = std::max(furthest, mesh.settled[i].loaded);
  }
  // Of a film nobody gets what nobody who uploads has loaded before.
  const auto behind = std::count_if(playing.begin(), playing.end(), [&](const auto* viewer) {
    return mesh.settled[static_cast<size_t>(viewer - world.config.viewers.data())].loaded <
           furthest;
  });
  for (size_t i = 0; i < mesh.end.size(); ++i) {
    const sim::ViewerConfig& viewer = world.config.viewers[i];
    if (!plays(i) || mesh.end[i].connected || !reachable(scenario, world, i)) continue;
    int32_t others = viewer.upload ? -1 : 0;
    bool same = false;
    for (size_t nat = 0; nat < std::size(uploaders); ++nat) {
      if (!sim::connects(viewer.nat, static_cast<sim::Nat>(nat))) continue;
      others += uploaders[nat];
      same = same || nat == static_cast<size_t>(viewer.nat);
    }
    if (!same && viewer.upload) ++others;
    if (others > 0) ++out.stranded;
  }
  if (out.media_bytes > 0) out.offload = from_peers / out.media_bytes;
  if (out.viewers > 0) {
    out.most_offload = most_offload(playing, scenario.stream.mbit * 1e6) *
                       static_cast<double>(playing.size()) / out.viewers;
  }
  if (!scenario.stream.live && out.viewers > 0) {
    out.most_offload = std::min(out.most_offload, static_cast<double>(behind) / out.viewers);
  }
  if (mesh.segments > 0) out.origin_copies = mesh.copies / mesh.segments;
  return out;
}

std::string not_converged(const QuietFigures& figures) {
  if (!figures.first_late.empty()) return figures.first_late;
  if (figures.viewers >= kLeastViewers && figures.most_offload >= kLeastMostOffload &&
      figures.media_bytes > 0 && figures.offload < kLeastEta * figures.most_offload) {
    return "peers bring " + std::to_string(figures.offload) + " of the media, of " +
           std::to_string(figures.most_offload) + " that uplinks allow";
  }
  return "";
}

}  // namespace hlsmesh::study

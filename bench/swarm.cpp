// Measures the cost and the result of a simulated swarm: `bench_swarm [viewers] [seconds]
// [Mbit/s]`.
//
// Live, 2-s segments, every viewer joins within the first 10 s. Uplinks are uniform between 3 and
// 20 Mbit/s, downlinks between 20 and 80, one way to the middle of the network takes 5 to 30 ms.
// Thousands of viewers run faster with GLIBC_TUNABLES=glibc.malloc.hugetlb=1 in the environment.
// One line of JSON: `steadyOriginCopies` is of segments listed 15 s after the last join and later.
#include "sim/swarm.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "common/random.hpp"

namespace {

using namespace hlsmesh;
using namespace hlsmesh::sim;

constexpr double kJoinSeconds = 10;
constexpr double kSettledSeconds = 15;

double uniform(Random& random, double low, double high) {
  return low + (high - low) * random.below(1'000'000) / 1e6;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

SwarmConfig audience(int viewers, double megabits) {
  SwarmConfig out;
  out.content.live = true;
  out.content.first_sn = 1000;
  out.content.segment_duration = std::chrono::seconds(2);
  out.content.bitrates = {static_cast<int32_t>(megabits * 1e6)};
  out.viewers.resize(static_cast<size_t>(viewers));
  Random random(out.seed);
  for (ViewerConfig& viewer : out.viewers) {
    viewer.join_at = at_second(uniform(random, 0, kJoinSeconds));
    viewer.up_bits_per_second = uniform(random, 3e6, 20e6);
    viewer.down_bits_per_second = uniform(random, 20e6, 80e6);
    viewer.latency = Duration(static_cast<int64_t>(uniform(random, 5'000, 30'000)));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const int viewers = argc > 1 ? std::atoi(argv[1]) : 200;
  const double until = argc > 2 ? std::atof(argv[2]) : 90;
  const double megabits = argc > 3 ? std::atof(argv[3]) : 2;
  const double began = cpu_seconds();
  Swarm swarm(audience(viewers, megabits));
  swarm.run_until(until);
  const SwarmFigures figures = swarm.figures();
  uint64_t cdn = 0;
  uint64_t p2p = 0;
  uint64_t digest = 0;
  double stalled = 0;
  int wrong = 0;
  int faults = 0;
  for (const ViewerFigures& viewer : figures.viewers) {
    cdn += viewer.cdn_bytes;
    p2p += viewer.p2p_bytes;
    wrong += viewer.wrong_bodies;
    faults += viewer.stray_commands + viewer.idle_wakeups;
    stalled += seconds(viewer.player.stalled);
    digest = digest * 31 + viewer.command_digest;
  }
  const Content& content = swarm.content();
  double steady_copies = 0;
  int steady_segments = 0;
  for (const auto& [segment, copies] : swarm.cdn().copies()) {
    const double listed = seconds(content.available_at(segment.second).time_since_epoch());
    if (listed < kJoinSeconds + kSettledSeconds) continue;
    steady_copies += copies.sent;
    ++steady_segments;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = cpu_seconds() - began;
  std::printf(
      "{\"viewers\":%d,\"seconds\":%g,\"megabits\":%g,\"offload\":%.4f,\"originCopies\":%.2f,"
      "\"steadyOriginCopies\":%.2f,\"stallSeconds\":%.1f,\"wrongBodies\":%d,\"faults\":%d,"
      "\"events\":%llu,\"cpuSeconds\":%.1f,\"cpuMicrosPerViewerSecond\":%.0f,\"peakMB\":%.0f,"
      "\"digest\":\"%016llx\"}\n",
      viewers, until, megabits,
      static_cast<double>(p2p) / static_cast<double>(std::max<uint64_t>(1, p2p + cdn)),
      figures.origin_copies / std::max(1, figures.distinct),
      steady_copies / std::max(1, steady_segments), stalled, wrong, faults,
      static_cast<unsigned long long>(swarm.events()), cpu, cpu * 1e6 / (viewers * until),
      static_cast<double>(usage.ru_maxrss) / 1024, static_cast<unsigned long long>(digest));
  return 0;
}

// trace_record <directory>: writes the traces of tests/traces from simulated sessions.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "replay/trace_writer.hpp"
#include "sim/swarm.hpp"

namespace hlsmesh::replay {
namespace {

using sim::at_second;
using sim::ParentFault;
using sim::Swarm;
using sim::SwarmConfig;

void write(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() ||
      std::fclose(file) != 0) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::exit(1);
  }
  std::printf("%s: %zu bytes\n", path.c_str(), text.size());
}

// VOD: the tracker goes and comes back, the child seeks back to what it has and on to what it has
// not, and its parent is killed in mid-transfer; the child loads the source again and leaves in
// order.
void record_vod(const std::string& directory) {
  TraceWriter parent;
  TraceWriter child;
  SwarmConfig config;
  config.seed = 0x5eed0001;
  config.content.vod_segments = 25;
  config.content.audio_bitrate = 64'000;
  config.viewers.resize(2);
  config.viewers[0].observer = &parent;
  config.viewers[0].up_bits_per_second = 6e6;
  config.viewers[1].observer = &child;
  config.viewers[1].join_at = at_second(6);
  Swarm swarm(config);
  swarm.at(14, [&] { swarm.tracker().stop(); });
  swarm.at(20, [&] { swarm.tracker().start(); });
  swarm.at(25, [&] { swarm.viewer(1).player().seek(std::chrono::seconds(8)); });
  swarm.run_until(26);
  // Another seek while something is on its way from the parent.
  swarm.run_until(50, [&] { return swarm.rtc().buffered(sim::ViewerId(1)) > 100'000; });
  swarm.viewer(1).player().seek(std::chrono::seconds(36));
  // And one more before anything has come of it.
  swarm.run_until(sim::seconds(swarm.now().time_since_epoch()) + 0.004);
  swarm.viewer(1).player().seek(std::chrono::seconds(40));
  swarm.run_until(70, [&] { return swarm.rtc().buffered(sim::ViewerId(1)) > 100'000; });
  swarm.viewer(0).show_stats();
  swarm.viewer(1).show_stats();
  swarm.viewer(1).fail_to_decode();
  swarm.viewer(0).vanish();
  swarm.run_until(75);
  swarm.viewer(1).load_again();
  swarm.run_until(77);
  swarm.viewer(1).show_stats();
  swarm.viewer(1).leave();
  write(directory + "/vod-parent.trace", parent.trace());
  write(directory + "/vod-child.trace", child.trace());
}

// Live, with its publisher's digests, for viewers whose tokens run out: the CDN fails for a while,
// the channel breaks, and the parent starts to lie.
void record_live(const std::string& directory) {
  TraceWriter parent;
  TraceWriter child;
  SwarmConfig config;
  config.seed = 0x5eed0002;
  config.content.live = true;
  config.content.digests = true;
  config.content.first_sn = 4711;
  config.content.segment_duration = std::chrono::seconds(2);
  config.tracker.authorize = true;
  config.viewers.resize(2);
  config.viewers[0].observer = &parent;
  config.viewers[1].observer = &child;
  config.viewers[1].join_at = at_second(7.3);
  Swarm swarm(config);
  swarm.tracker().admit_for(DurationMs(30'000));
  swarm.cdn().add_outage({at_second(14), at_second(17)});
  swarm.at(24, [&] { swarm.rtc().break_channels(sim::ViewerId(1)); });
  swarm.at(32, [&] { swarm.viewer(0).set_fault(ParentFault::kLacks); });
  swarm.at(38, [&] { swarm.viewer(0).set_fault(ParentFault::kClaimsMore); });
  swarm.run_until(46);
  for (size_t i = 0; i < 2; ++i) {
    swarm.viewer(i).show_stats();
    swarm.viewer(i).refuse_connections();
    swarm.viewer(i).leave();
  }
  write(directory + "/live-parent.trace", parent.trace());
  write(directory + "/live-child.trace", child.trace());
}

}  // namespace
}  // namespace hlsmesh::replay

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: trace_record <directory>\n");
    return 2;
  }
  hlsmesh::replay::record_vod(argv[1]);
  hlsmesh::replay::record_live(argv[1]);
  return 0;
}

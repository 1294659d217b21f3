// Who reaches whom, and what loss does to a line.

#include <catch2/catch.hpp>
#include <cmath>

#include "sim/network.hpp"
#include "study/study.hpp"

namespace hlsmesh::study {
namespace {

Audience audience_of(const std::string& nat) {
  auto result = parse_scenario(R"({"audience": {"viewers": 400, "nat": )" + nat + "}}");
  if (const auto* error = std::get_if<std::string>(&result)) FAIL(*error);
  return std::get<Scenario>(result).audience;
}

// The share of all pairs of a drawn world whose connection opens.
double drawn_share(const std::string& nat) {
  Scenario scenario;
  scenario.audience = audience_of(nat);
  const World world = draw_world(scenario, 1);
  double open = 0;
  double pairs = 0;
  for (const sim::ViewerConfig& a : world.config.viewers) {
    for (const sim::ViewerConfig& b : world.config.viewers) {
      ++pairs;
      if (sim::connects(a.nat, b.nat)) ++open;
    }
  }
  return open / pairs;
}

class Sink : public sim::PipeSink {
 public:
  void on_pipe_message(uint64_t, sim::Message message) override { bytes += message.size; }
  void on_pipe_drained(uint64_t, size_t) override {}
  size_t bytes = 0;
};

// Mbit/s of one flow over a line of 50 Mbit/s and 20 ms one way.
double rate_with(double loss, bool slows) {
  sim::EventQueue queue;
  sim::Network network(queue, 1);
  const sim::LineId up = network.add_line(50e6);
  Sink sink;
  const sim::PipeId pipe = network.open(up, sim::kUnlimitedLine,
                                        {std::chrono::milliseconds(20), loss, slows}, sink, 1, 0);
  for (int i = 0; i < 2'000; ++i) {
    sim::Message message;
    message.size = 60'000;
    network.send(pipe, std::move(message));
  }
  queue.run_until(sim::at_second(10));
  return static_cast<double>(sink.bytes) * 8 / 1e6 / 10;
}

}  // namespace

TEST_CASE("random pairs connect as often as was measured: 75 % by default, 47 % hard, 86 % easy") {
  CHECK(std::abs(connecting_share(*audience_of("\"default\"").nat) - 0.75) < 0.005);
  CHECK(std::abs(connecting_share(*audience_of("\"hard\"").nat) - 0.47) < 0.006);
  CHECK(std::abs(connecting_share(*audience_of("\"easy\"").nat) - 0.86) < 0.005);
  // 400 drawn viewers: two percent points are a standard deviation of their mix.
  CHECK(std::abs(drawn_share("\"default\"") - 0.75) < 0.05);
  CHECK(std::abs(drawn_share("\"hard\"") - 0.47) < 0.05);
}

TEST_CASE("a viewer without UDP plays by the CDN alone, one behind a symmetric NAT by open peers") {
  const auto copies = [](const std::string& nat) {
    auto parsed = parse_scenario(
        R"({"seconds": 60, "stream": {"mbit": 1}, "audience": {"viewers": 4, "joinWithin": 2, "nat": )" +
        nat + "}}");
    Study study(std::get<Scenario>(std::move(parsed)), 1);
    while (!study.done()) study.advance(60);
    CHECK(study.violations().empty());
    return nlohmann::json::parse(study.figures());
  };
  const std::string none = R"("open": 0, "portRestricted": 0, "symmetric": 0, "udpBlocked": 0)";
  const auto only = [&none](const std::string& kind) {
    std::string out = none;
    out[out.find(kind) + kind.size() + 3] = '1';
    return "{" + out + "}";
  };
  CHECK(copies(only("udpBlocked"))["offload"] == 0);
  CHECK(copies(only("symmetric"))["offload"] == 0);
  CHECK(copies(only("udpBlocked"))["mostOffload"] == 0);
  CHECK(copies(only("portRestricted"))["steadyOriginCopies"].get<double>() < 1.5);
  CHECK(copies(only("open"))["steadyOriginCopies"].get<double>() < 1.5);
}

TEST_CASE("what the uplinks allow depends on who reaches whom") {
  std::vector<sim::ViewerConfig> viewers;
  const auto most = [&viewers] {
    std::vector<const sim::ViewerConfig*> all;
    for (const sim::ViewerConfig& each : viewers) all.push_back(&each);
    return most_offload(all, 1e6);
  };
  const auto add = [&viewers](sim::Nat nat, double up) {
    sim::ViewerConfig viewer;
    viewer.nat = nat;
    viewer.upload = up > 0;
    viewer.up_bits_per_second = up * 1e6;
    viewers.push_back(viewer);
  };
  add(sim::Nat::kSymmetric, 0);
  add(sim::Nat::kSymmetric, 10);
  add(sim::Nat::kPortRestricted, 10);
  CHECK(most() == Approx(1.0 / 3));  // the restricted one serves itself
  add(sim::Nat::kOpen, 1);
  // The open one feeds one symmetric viewer; the others feed the open and the restricted one.
  CHECK(most() == Approx(3.0 / 4));
  add(sim::Nat::kUdpBlocked, 100);
  CHECK(most() == Approx(3.0 / 5));
}

TEST_CASE(
    "loss slows a data channel as it slows TCP's elder congestion control, and a CDN little") {
  CHECK(rate_with(0, true) > 48);
  // 1.22 packets of 1,200 bytes a round trip of 40 ms, over the root of the loss.
  CHECK(rate_with(0.001, true) == Approx(9.26).epsilon(0.02));
  CHECK(rate_with(0.01, true) == Approx(2.93).epsilon(0.02));
  CHECK(rate_with(0.01, false) > 48);
}

}  // namespace hlsmesh::study

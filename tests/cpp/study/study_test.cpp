// Scenarios, what seeds make of them, and what is said of the runs.

#include "study/study.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cpp/sim/scenario.hpp"

namespace hlsmesh::study {
namespace {

Scenario parsed(const std::string& json) {
  auto result = parse_scenario(json);
  if (const auto* error = std::get_if<std::string>(&result)) FAIL(*error);
  return std::get<Scenario>(result);
}

std::string error_of(const std::string& json) {
  auto result = parse_scenario(json);
  const auto* error = std::get_if<std::string>(&result);
  return error == nullptr ? "" : *error;
}

nlohmann::json run(const Scenario& scenario, uint64_t seed, std::vector<Violation>* out = nullptr,
                   double step = 7) {
  Study study(scenario, seed);
  while (!study.done()) study.advance(step);
  if (out != nullptr) *out = study.violations();
  return nlohmann::json::parse(study.figures());
}

const std::string kSmall =
    R"({"name": "small", "seconds": 40, "audience": {"viewers": 4, "joinWithin": 5}})";

}  // namespace

TEST_CASE("a scenario that cannot be run is refused with the member that is at fault") {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "is not JSON"},
      {"[]", "must be a JSON object"},
      {R"({"seconds": "long"})", "seconds must be a number from 1"},
      {R"({"second": 3})", "second is unknown here; known are about, audience"},
      {R"({"stream": 3})", "stream must be an object"},
      {R"({"stream": {"mbit": -1}})", "stream.mbit must be a number from 0.01"},
      {R"({"stream": {"live": false}})", "stream.segments must be above 0 where not live"},
      {R"({"audience": {"viewers": 2.5}})", "audience.viewers must be a whole number"},
      {R"({"audience": {"access": [{"share": 0}]}})", "audience.access must have a share above 0"},
      {R"({"audience": {"access": [{"upMbit": {"uniform": [3, 1]}}]}})",
       "audience.access[0].upMbit uniform must be [low, high]"},
      {R"({"audience": {"access": [{"upMbit": {"normal": 3}}]}})",
       "audience.access[0].upMbit must be a number, {\"uniform\""},
      {R"({"audience": {"checks": 2}})", "audience.checks must be a number from 0"},
      {R"({"audience": {"nat": "soft"}})", "audience.nat must be default, hard, easy or an object"},
      {R"({"audience": {"nat": {"open": 0, "symmetric": 0, "portRestricted": 0, "udpBlocked": 0}}})",
       "audience.nat must have a share above 0"},
      {R"({"incidents": [{"what": "fire"}]})", "incidents[0].what must be one of cdn-outage"},
      {R"({"origin": {"ranges": "some"}})", "origin.ranges must be \"served\", \"ignored\""},
      {R"({"expect": {"offload": {}}})", "expect.offload needs"},
  };
  for (const auto& [json, message] : cases) {
    CAPTURE(json);
    CHECK(error_of(json).find(message) != std::string::npos);
  }
}

TEST_CASE("the JSON form of a scenario is read as the same scenario") {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const std::string json = to_json(draw_scenario(seed));
    CHECK(to_json(parsed(json)) == json);
  }
}

TEST_CASE("a spread is drawn with the same digits everywhere, and has its median") {
  Random random(7);
  const Spread spread = Spread::lognormal(12, 0.5);
  double below = 0;
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = spread.draw(random);
    below += value < 12 ? 1 : 0;
    sum += value;
  }
  CHECK(std::abs(below / 10'000 - 0.5) < 0.02);
  // exp(sigma^2 / 2) times the median is the mean.
  CHECK(std::abs(sum / 10'000 - 12 * std::exp(0.125)) < 0.3);
  CHECK(static_cast<int64_t>(sum * 1e6) == 135'579'787'426);
  CHECK(Spread::lognormal(12, 0.5).at_most(10).highest() == 10);
}

TEST_CASE("one scenario and one seed are one run; another seed is another") {
  const Scenario scenario = parsed(kSmall);
  const nlohmann::json first = run(scenario, 3);
  CHECK(run(scenario, 3) == first);
  CHECK(run(scenario, 3, nullptr, 0.3) == first);
  CHECK(run(scenario, 4)["digest"] != first["digest"]);
  CHECK(first["viewers"] == 4);
  CHECK(first["offload"].get<double>() > 0.3);
  CHECK(first["originCopies"].get<double>() < 3);
  CHECK(first["twinStallSeconds"] == 0);
}

TEST_CASE("buffers are compared with those of the twins") {
  Scenario scenario = parsed(kSmall);
  const nlohmann::json buffer = run(scenario, 3)["buffer"];
  CHECK(buffer["least"].get<double>() > 0.5);
  CHECK(buffer["least"] <= buffer["p5"]);
  CHECK(buffer["p5"] <= buffer["p50"]);
  scenario.audience.viewers = 1;  // who waits once, for an introduction
  CHECK(std::abs(run(scenario, 3)["buffer"]["least"].get<double>() - 1) < 0.02);
}

namespace {

// Of one viewer, with a mean buffer of 5 s.
Run run_of(double starting, double stalled, int32_t skips = 0, bool shown = true) {
  Run out;
  sim::PlayerFigures& player = out.swarm.viewers.emplace_back().player;
  if (shown) player.first_frame = sim::at_second(starting);
  player.starting = sim::from_seconds(starting);
  player.stalled = sim::from_seconds(stalled);
  player.skips = skips;
  player.mean_buffer = shown ? 5 : 0;
  return out;
}

}  // namespace

TEST_CASE("a viewer is compared with the twin that waited longest, the first frame included") {
  Scenario scenario;
  scenario.stream.segment_seconds = 4;
  std::vector<Due> due;
  count_due(scenario, run_of(3, 0), due);
  CHECK(compare(run_of(3, 0.9), due).empty());
  CHECK(compare(run_of(3, 1.1), due).size() == 1);
  CHECK(compare(run_of(2, 1.9), due).empty());
  CHECK(compare(run_of(4, 0.5), due).size() == 1);
  count_due(scenario, run_of(3, 2), due);
  count_due(scenario, run_of(3, 1, 9), due);
  CHECK(compare(run_of(3, 2.9), due).empty());
  CHECK(compare(run_of(3, 3.1), due).size() == 1);
  std::vector<Due> starved;
  count_due(scenario, run_of(3, 20, 5), starved);
  CHECK(compare(run_of(3, 24.9), starved).empty());
  CHECK(compare(run_of(3, 25.1), starved).size() == 1);
}

TEST_CASE("a viewer that never sees a frame fares worse than a twin that does") {
  const Scenario scenario;
  std::vector<Due> due;
  count_due(scenario, run_of(3, 0), due);
  const auto found = compare(run_of(60, 0, 0, false), due);
  REQUIRE(found.size() == 1);
  CHECK(found[0].property == Violation::Property::kWorse);
  CHECK(found[0].what ==
        "viewer 0 never saw a frame, and waited 57.0 s longer than any of its twins");
  // Who left before it could be worse off is not.
  CHECK(compare(run_of(3.5, 0, 0, false), due).empty());
  std::vector<Due> neither;
  count_due(scenario, run_of(60, 0, 0, false), neither);
  CHECK(compare(run_of(60, 0, 0, false), neither).empty());
  CHECK(compare(run_of(30, 0), neither).empty());
}

// gcc, clang and WebAssembly compare with one file. When engines decide otherwise than before, the
// new digest is written there: build/native/bench/hlsmesh-sim 1 10 <js/sim/scenarios/reference.json
TEST_CASE("the reference scenario has the same digest on every platform") {
  std::ifstream file(HLSMESH_TEST_DATA "/study/digest.txt");
  std::string expected;
  REQUIRE(std::getline(file, expected));
  Scenario reference;
  reference.stream.mbit = 2;
  reference.audience = parsed(R"({"audience": {"viewers": 10}})").audience;
  CHECK(run(reference, 1)["digest"] == expected);
}

TEST_CASE("an expectation that is missed is a violation, and one of no known figure too") {
  Scenario scenario = parsed(kSmall);
  scenario.expect = {{"offload", 0.0, 1.0}, {"addedLatency.p95", std::nullopt, 60.0}};
  std::vector<Violation> violations;
  run(scenario, 1, &violations);
  CHECK(violations.empty());
  scenario.expect = {{"offload", 1.5, std::nullopt}, {"luck", 0.0, std::nullopt}};
  const nlohmann::json figures = run(scenario, 1, &violations);
  REQUIRE(violations.size() == 2);
  CHECK(violations[0].property == Violation::Property::kExpect);
  CHECK(violations[0].what.find("expected at least 1.5") != std::string::npos);
  CHECK(violations[1].what == "luck is no figure of this run");
  CHECK(figures["violations"].size() == 2);
}

TEST_CASE("what an incident does is seen in the figures") {
  const auto with = [](const std::string& more) {
    return run(
        parsed(R"({"seconds": 60, "audience": {"viewers": 6, "joinWithin": 5}, )" + more + "}"), 5);
  };
  const auto viewers = [](const nlohmann::json& figures) {
    return figures["series"]["viewers"].back().get<int>();
  };
  CHECK(viewers(with(R"("incidents": [{"what": "leave", "at": 20, "share": 0.5}])")) == 3);
  CHECK(viewers(with(R"("incidents": [{"what": "vanish-first", "at": 20, "count": 2}])")) == 4);
  CHECK(viewers(with(R"("incidents": [{"what": "join", "at": 20, "seconds": 5, "count": 3}])")) ==
        9);
  const auto outage = with(R"("incidents": [{"what": "cdn-outage", "at": 20, "seconds": 30}])");
  CHECK(outage["twinStallSeconds"].get<double>() > 10);
}

TEST_CASE(
    "drawn worlds: bytes are right, engines and tracker agree with themselves, nobody waits") {
  for (uint64_t seed = 1; seed <= (sim::kSlowBuild ? 2u : 20u); ++seed) {
    CAPTURE(seed);
    std::vector<Violation> violations;
    run(draw_scenario(seed), seed, &violations);
    std::string all;
    for (const Violation& each : violations) {
      // In world 10 a third of eleven viewers cannot be reached. With the seeds 1 to 20 peers bring
      // 0.38 of what uplinks allow, on average; with its own 0.16, where a fifth is asked for.
      if (seed == 10 && each.property == Violation::Property::kLiveness) continue;
      all += each.what + "; ";
    }
    CHECK(all == "");
  }
}

TEST_CASE("drawn worlds look at the gifts of peers: none, as the product does, all, and between") {
  int32_t none = 0;
  int32_t usual = 0;
  int32_t all = 0;
  int32_t between = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const double checks = draw_scenario(seed).audience.checks;
    ++(checks == 0 ? none : checks == 0.1 ? usual : checks == 1 ? all : between);
  }
  CHECK(usual > 80);
  CHECK(std::min({none, all, between}) > 20);
}

TEST_CASE("in the quiet phase nothing goes wrong, and what it was is seen in the figures") {
  const auto figures = run(parsed(R"({"seconds": 40, "quiet": 30, "stream": {"mbit": 1},
    "audience": {"viewers": 5, "joinWithin": 5, "staySeconds": 60, "paused": 0.2, "pauseAfter": 10},
    "origin": {"errorEvery": 2},
    "incidents": [{"what": "cdn-outage", "at": 35, "seconds": 60}, {"what": "leave", "at": 50, "share": 1}]})"),
                           2);
  CHECK(figures["violations"].empty());
  CHECK(figures["seconds"] == 70);
  CHECK(figures["series"]["viewers"].back() == 5);
  const auto& quiet = figures["quiet"];
  CHECK(quiet["twinStallSeconds"] == 0);
  CHECK(quiet["originCopies"].get<double>() >= 1);
  CHECK(quiet["originCopies"].get<double>() < 3);
  CHECK(quiet["stranded"] == 0);
}

TEST_CASE("a swarm that stalls, or lets the CDN do it all, has not come to rest") {
  Scenario scenario;
  World world;
  world.config.viewers.resize(3);
  world.plans.resize(3);
  Quiet mesh;
  mesh.settled.resize(3);
  for (Mark& each : mesh.settled) each.there = each.playing = each.connected = true;
  mesh.end = mesh.settled;
  const Quiet twin = mesh;
  for (Mark& each : mesh.end) each.p2p_bytes = each.cdn_bytes = 1'000;
  const auto fault = [&] { return not_converged(quiet_figures(scenario, world, mesh, twin)); };
  CHECK(fault() == "");
  mesh.end[2].stalled = 0.9;
  CHECK(fault() == "");
  mesh.end[2].stalled = 1.1;
  CHECK(fault().find("viewer 2 stalled for 1.1") == 0);
  mesh.end[2].stalled = 0;
  for (Mark& each : mesh.end) each.p2p_bytes = 100;
  CHECK(fault().find("peers bring 0.09") == 0);
  CHECK(quiet_figures(scenario, world, mesh, twin).stranded == 0);
  mesh.end[1].connected = false;
  CHECK(quiet_figures(scenario, world, mesh, twin).stranded == 1);
  // Where nobody could serve it, nobody is to blame.
  world.config.viewers[0].nat = world.config.viewers[2].nat = sim::Nat::kUdpBlocked;
  CHECK(quiet_figures(scenario, world, mesh, twin).stranded == 0);
  CHECK(fault() == "");
}

TEST_CASE("players choose a rendition by their lines, and each rung has its own swarm") {
  const auto scenario = [](const std::string& down) {
    return parsed(R"({"seconds": 60, "stream": {"rungs": [0.5, 1, 4]},
      "audience": {"viewers": 4, "joinWithin": 3, "access": [{"downMbit": )" +
                  down + "}]}}");
  };
  const auto media = [&](const std::string& down) {
    std::vector<Violation> violations;
    const auto figures = run(scenario(down), 3, &violations);
    CHECK(violations.empty());
    CHECK(figures["offload"].get<double>() > 0.2);
    return figures["mediaBytes"].get<double>();
  };
  // Four viewers of 60 s: half a Mbit/s is 15 MB, 4 Mbit/s are 120.
  CHECK(media("0.9") < 20e6);
  CHECK(media("50") > 90e6);
  CHECK(error_of(R"({"stream": {"rungs": [2, 1]}})").find("stream.rungs must be rates that rise") ==
        0);
}

TEST_CASE("a packager that begins anew makes everybody wait alike, and all play on") {
  const auto figures = run(parsed(R"({"seconds": 80, "stream": {"mbit": 1},
    "audience": {"viewers": 4, "joinWithin": 3},
    "incidents": [{"what": "packager-restart", "at": 30, "seconds": 8}]})"),
                           1);
  CHECK(figures["violations"].empty());
  const double stalled = figures["twinStallSeconds"].get<double>();
  CHECK(stalled > 4);
  CHECK(std::abs(figures["stallSeconds"].get<double>() - stalled) < 1);
  // Segments go on being played: 4 viewers, 1 Mbit/s, for 60 of the 80 s at least.
  CHECK(figures["mediaBytes"].get<double>() > 4 * 60 * 125e3);
}

TEST_CASE(
    "an office needs its line for one copy, and its viewers reach each other behind any NAT") {
  const auto figures = run(parsed(R"({"seconds": 60, "stream": {"mbit": 2},
    "audience": {"viewers": 8, "joinWithin": 3,
      "nat": {"open": 0, "portRestricted": 0, "symmetric": 1, "udpBlocked": 0},
      "access": [{"upMbit": 1, "downMbit": 20, "behindOneLine": 8}]}})"),
                           1);
  CHECK(figures["violations"].empty());
  CHECK(figures["steadyOriginCopies"].get<double>() < 2);
  CHECK(figures["offload"].get<double>() > 0.6);
}

TEST_CASE("a first viewer whose line carries a stream once or twice costs no second copy of it") {
  Scenario reference;
  reference.stream.mbit = 2;
  reference.audience = parsed(R"({"audience": {"viewers": 10}})").audience;
  // Worlds in which such a viewer comes first.
  const uint64_t seed = sim::kSlowBuild ? 22u : GENERATE(17u, 22u, 26u);
  CAPTURE(seed);
  const auto figures = run(reference, seed);
  CHECK(figures["violations"].empty());
  CHECK(figures["steadyOriginCopies"].get<double>() < 1.1);
}

TEST_CASE("viewers whose line carries hardly more than the stream do not stall for their peers") {
  const uint64_t seed = sim::kSlowBuild ? 1u : GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  const auto figures = run(parsed(R"({"seconds": 60, "stream": {"mbit": 6},
    "audience": {"viewers": 8, "joinWithin": 20, "access": [{"upMbit": 30, "downMbit": 9}]}})"),
                           seed);
  CHECK(figures["violations"].empty());
  CHECK(figures["twinStallSeconds"].get<double>() == 0);
  CHECK(figures["stallSeconds"].get<double>() < 0.1);
  CHECK(figures["offload"].get<double>() > 0.65);
}

TEST_CASE("what newcomers take from the CDN is no part of the offload in quiet times") {
  Scenario reference;
  reference.stream.mbit = 2;
  reference.audience = parsed(R"({"audience": {"viewers": 10}})").audience;
  const auto figures = run(reference, 1);
  const auto figure = [&figures](const char* name) { return figures[name].get<double>(); };
  CHECK(figure("steadyOffload") > figure("offload") + 0.02);
  CHECK(std::abs(figure("steadyOffload") - (1 - figure("steadyOriginCopies") / 10)) < 0.01);
  CHECK(std::abs(figure("steadyEta") - figure("steadyOffload") / figure("mostOffload")) < 1e-5);
}

TEST_CASE("a run that ends while viewers join has no quiet times") {
  const auto figures =
      run(parsed(R"({"seconds": 12, "audience": {"viewers": 3, "joinWithin": 3}})"), 1);
  CHECK(figures["steadyOffload"].is_null());
  CHECK(figures["steadyEta"].is_null());
}

TEST_CASE("neighbors that are too slow for what is live make nobody stall") {
  // Drawn worlds with uplinks at or below the bitrate and a CDN that is late now and then.
  const uint64_t seed = sim::kSlowBuild ? 23u : GENERATE(23u, 35u, 67u);
  CAPTURE(seed);
  std::vector<Violation> violations;
  run(draw_scenario(seed), seed, &violations, 60);
  for (const Violation& each : violations) UNSCOPED_INFO(each.what);
  CHECK(violations.empty());
}

TEST_CASE("an audience compares samples with the CDN where its scenario says so") {
  Scenario scenario = parsed(kSmall);
  const auto without = run(scenario, 1);
  scenario.audience.checks = 1;
  CHECK(to_json(parsed(to_json(scenario))) == to_json(scenario));
  const auto with = run(scenario, 1);
  CHECK(with["violations"].empty());
  CHECK(with["digest"] != without["digest"]);
  // A kilobyte of each segment and peer.
  CHECK(with["offload"].get<double>() < without["offload"].get<double>());
  CHECK(with["offload"].get<double>() > without["offload"].get<double>() - 0.05);
}

TEST_CASE("who feeds whom is told by kinds of lines, and how much crosses between providers") {
  const auto figures =
      run(parsed(R"({"seconds": 60, "stream": {"mbit": 1}, "audience": {"viewers": 12,
    "joinWithin": 3, "isps": 3, "access": [{"name": "home"}, {"name": "phone", "metered": true}]}})"),
          1);
  const auto& feeds = figures["feeds"];
  CHECK(feeds["kinds"] == nlohmann::json{"home", "phone"});
  const auto bytes = [&feeds](size_t from, size_t to) {
    return feeds["bytes"][from][to].get<double>();
  };
  CHECK(bytes(0, 0) > 0);
  CHECK(bytes(0, 1) > 0);
  CHECK(bytes(1, 0) + bytes(1, 1) == 0);
  const double played = figures["mediaBytes"].get<double>();
  const double from_origin = bytes(2, 0) + bytes(2, 1);
  CHECK(from_origin == Approx(played * (1 - figures["offload"].get<double>())).epsilon(0.001));
  CHECK(figures["crossIsp"].get<double>() > 0);
  CHECK(figures["crossIsp"].get<double>() < 1);
}

}  // namespace hlsmesh::study

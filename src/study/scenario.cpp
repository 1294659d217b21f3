#include "study/scenario.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "study/fields.hpp"

namespace hlsmesh::study {
namespace {

using nlohmann::json;

struct IncidentName {
  std::string_view name;
  Incident::Kind kind;
};

constexpr std::array<IncidentName, 8> kIncidents{{
    {"cdn-outage", Incident::Kind::kCdnOutage},
    {"tracker-down", Incident::Kind::kTrackerDown},
    {"leave", Incident::Kind::kLeave},
    {"vanish", Incident::Kind::kVanish},
    {"vanish-first", Incident::Kind::kVanishFirst},
    {"join", Incident::Kind::kJoin},
    {"seek", Incident::Kind::kSeek},
    {"packager-restart", Incident::Kind::kPackagerRestart},
}};

std::string_view name_of(Incident::Kind kind) {
  for (const IncidentName& each : kIncidents) {
    if (each.kind == kind) return each.name;
  }
  return "";
}

void read_rungs(const json& from, Stream& out, std::string& error) {
  for (const json& each : from) {
    const double mbit = each.is_number() ? each.get<double>() : 0;
    if (mbit < 0.01 || mbit > 100 || (!out.rungs.empty() && mbit <= out.rungs.back())) {
      if (error.empty()) error = "stream.rungs must be rates that rise, from 0.01 to 100";
      return;
    }
    out.rungs.push_back(mbit);
  }
  if (!out.rungs.empty()) out.mbit = out.rungs.back();
}

struct RangesName {
  std::string_view name;
  sim::Ranges ranges;
};

constexpr std::array<RangesName, 3> kRanges{{
    {"served", sim::Ranges::kServed},
    {"ignored", sim::Ranges::kIgnored},
    {"refused", sim::Ranges::kRefused},
}};

std::string_view name_of(sim::Ranges ranges) { return kRanges[static_cast<size_t>(ranges)].name; }

void read_stream(const json& from, Stream& out, std::string& error) {
  Fields fields(from, "stream", error);
  fields.boolean("live", out.live);
  fields.number("mbit", out.mbit, 0.01, 100);
  if (const json* rungs = fields.array("rungs")) read_rungs(*rungs, out, error);
  fields.number("segmentSeconds", out.segment_seconds, 0.5, 30);
  fields.integer("window", out.window, 2, 1'000);
  fields.integer("segments", out.vod_segments, 0, 10'000);
  fields.finish();
  if (!out.live && out.vod_segments == 0) fields.fail("segments", "must be above 0 where not live");
}

void read_origin(const json& from, Origin& out, std::string& error) {
  Fields fields(from, "origin", error);
  fields.number("latencyMs", out.latency_ms, 0, 10'000);
  fields.number("mbit", out.mbit, 0, 1e9);
  fields.integer("lateEvery", out.late_every, 0, 1'000'000);
  fields.number("lateSeconds", out.late_seconds, 0, 600);
  fields.integer("errorEvery", out.error_every, 0, 1'000'000);
  std::string ranges(name_of(out.ranges));
  fields.text("ranges", ranges);
  const auto named = std::find_if(kRanges.begin(), kRanges.end(),
                                  [&](const RangesName& each) { return each.name == ranges; });
  if (named == kRanges.end()) {
    fields.fail("ranges", R"(must be "served", "ignored" or "refused")");
  } else {
    out.ranges = named->ranges;
  }
  fields.finish();
}

void read_faults(const json& from, Faults& out, std::string& error) {
  Fields fields(from, "faults", error);
  fields.number("shortQueues", out.short_queues, 0, 1);
  fields.number("lateTimers", out.late_timers, 0, 60);
  fields.integer("refusedMemory", out.refused_memory, 0, 1'000'000);
  fields.finish();
}

void read_incidents(const json& from, std::vector<Incident>& out, std::string& error) {
  for (size_t i = 0; i < from.size(); ++i) {
    Fields fields(from[i], "incidents[" + std::to_string(i) + "]", error);
    Incident incident;
    std::string what;
    fields.text("what", what);
    fields.number("at", incident.at, 0, kMostSeconds);
    fields.number("seconds", incident.seconds, 0, kMostSeconds);
    fields.number("share", incident.share, 0, 1);
    fields.integer("count", incident.count, 0, kMostViewers);
    fields.finish();
    const auto* known = std::find_if(kIncidents.begin(), kIncidents.end(),
                                     [&](const IncidentName& each) { return each.name == what; });
    if (known == kIncidents.end()) {
      std::string names;
      for (const IncidentName& each : kIncidents) {
        names += (names.empty() ? "" : ", ") + std::string(each.name);
      }
      fields.fail("what", "must be one of " + names);
      return;
    }
    incident.kind = known->kind;
    out.push_back(incident);
  }
}

void read_expect(const json& from, std::vector<Expectation>& out, std::string& error) {
  if (!from.is_object()) {
    error = "expect must be an object";
    return;
  }
  for (const auto& [figure, bounds] : from.items()) {
    Fields fields(bounds, "expect." + figure, error);
    Expectation expectation;
    expectation.figure = figure;
    double least = 0;
    double most = 0;
    fields.number("least", least, -1e18, 1e18);
    fields.number("most", most, -1e18, 1e18);
    fields.finish();
    if (!error.empty()) return;
    if (bounds.contains("least")) expectation.least = least;
    if (bounds.contains("most")) expectation.most = most;
    if (!expectation.least && !expectation.most) {
      error = "expect." + figure + R"( needs "least" or "most")";
      return;
    }
    out.push_back(std::move(expectation));
  }
}

}  // namespace

double Scenario::last_join() const {
  double last = audience.join_within;
  for (const Incident& each : incidents) {
    if (each.kind == Incident::Kind::kJoin) last = std::max(last, each.at + each.seconds);
  }
  return last;
}

std::variant<Scenario, std::string> parse_scenario(std::string_view text) {
  const json root = json::parse(text, nullptr, false, true);
  if (root.is_discarded()) return "the scenario is not JSON";
  Scenario out;
  std::string error;
  std::string about;
  Fields fields(root, "", error);
  if (!error.empty()) return "the scenario must be a JSON object";
  fields.text("name", out.name);
  fields.text("about", about);
  fields.number("seconds", out.seconds, 1, kMostSeconds);
  fields.number("quiet", out.quiet, 0, kMostSeconds);
  if (const json* each = fields.object("stream")) read_stream(*each, out.stream, error);
  if (const json* each = fields.object("audience")) read_audience(*each, out.audience, error);
  if (const json* each = fields.object("origin")) read_origin(*each, out.origin, error);
  if (const json* each = fields.object("faults")) read_faults(*each, out.faults, error);
  if (const json* each = fields.array("incidents")) read_incidents(*each, out.incidents, error);
  if (const json* each = fields.object("expect")) read_expect(*each, out.expect, error);
  fields.finish();
  if (!error.empty()) return error;
  if (out.audience.access.empty()) out.audience.access.push_back(any_access());
  return out;
}

std::string to_json(const Scenario& scenario) {
  json incidents = json::array();
  for (const Incident& each : scenario.incidents) {
    incidents.push_back({{"what", name_of(each.kind)},
                         {"at", each.at},
                         {"seconds", each.seconds},
                         {"share", each.share},
                         {"count", each.count}});
  }
  json expect = json::object();
  for (const Expectation& each : scenario.expect) {
    json bounds = json::object();
    if (each.least) bounds["least"] = *each.least;
    if (each.most) bounds["most"] = *each.most;
    expect[each.figure] = bounds;
  }
  const json out{{"name", scenario.name},
                 {"seconds", scenario.seconds},
                 {"quiet", scenario.quiet},
                 {"stream",
                  {{"live", scenario.stream.live},
                   {"mbit", scenario.stream.mbit},
                   {"rungs", scenario.stream.rungs},
                   {"segmentSeconds", scenario.stream.segment_seconds},
                   {"window", scenario.stream.window},
                   {"segments", scenario.stream.vod_segments}}},
                 {"audience", audience_json(scenario.audience)},
                 {"origin",
                  {{"latencyMs", scenario.origin.latency_ms},
                   {"mbit", scenario.origin.mbit},
                   {"lateEvery", scenario.origin.late_every},
                   {"lateSeconds", scenario.origin.late_seconds},
                   {"errorEvery", scenario.origin.error_every},
                   {"ranges", name_of(scenario.origin.ranges)}}},
                 {"faults",
                  {{"shortQueues", scenario.faults.short_queues},
                   {"lateTimers", scenario.faults.late_timers},
                   {"refusedMemory", scenario.faults.refused_memory}}},
                 {"incidents", incidents},
                 {"expect", expect}};
  return out.dump(2);
}

}  // namespace hlsmesh::study

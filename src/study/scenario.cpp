#include "study/scenario.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "study/fields.hpp"

namespace hlsmesh::study {
namespace {

using nlohmann::json;

constexpr double kMostSeconds = 24 * 3600;
constexpr int32_t kMostViewers = 100'000;

struct IncidentName {
  std::string_view name;
  Incident::Kind kind;
};

constexpr std::array<IncidentName, 7> kIncidents{{
    {"cdn-outage", Incident::Kind::kCdnOutage},
    {"tracker-down", Incident::Kind::kTrackerDown},
    {"leave", Incident::Kind::kLeave},
    {"vanish", Incident::Kind::kVanish},
    {"vanish-first", Incident::Kind::kVanishFirst},
    {"join", Incident::Kind::kJoin},
    {"seek", Incident::Kind::kSeek},
}};

std::string_view name_of(Incident::Kind kind) {
  for (const IncidentName& each : kIncidents) {
    if (each.kind == kind) return each.name;
  }
  return "";
}

Access any_access() {
  Access access;
  access.name = "any";
  access.up = Spread::uniform(3, 20);
  access.down = Spread::uniform(20, 80);
  access.one_way = Spread::uniform(5, 30);
  return access;
}

void read_stream(const json& from, Stream& out, std::string& error) {
  Fields fields(from, "stream", error);
  fields.boolean("live", out.live);
  fields.number("mbit", out.mbit, 0.01, 100);
  fields.number("segmentSeconds", out.segment_seconds, 0.5, 30);
  fields.integer("window", out.window, 2, 1'000);
  fields.integer("segments", out.vod_segments, 0, 10'000);
  fields.finish();
  if (!out.live && out.vod_segments == 0) fields.fail("segments", "must be above 0 where not live");
}

void read_access(const json& from, std::vector<Access>& out, std::string& error) {
  out.clear();
  for (size_t i = 0; i < from.size(); ++i) {
    Access access = any_access();
    Fields fields(from[i], "audience.access[" + std::to_string(i) + "]", error);
    fields.text("name", access.name);
    fields.number("share", access.share, 0, 1e6);
    fields.spread("upMbit", access.up, 0.001, 100'000);
    fields.spread("downMbit", access.down, 0.001, 100'000);
    fields.spread("oneWayMs", access.one_way, 0, 2'000);
    fields.boolean("metered", access.metered);
    std::string source;  // for whoever reads the file
    fields.text("source", source);
    fields.finish();
    out.push_back(std::move(access));
  }
  double sum = 0;
  for (const Access& each : out) sum += each.share;
  if (error.empty() && !(sum > 0)) error = "audience.access must have a share above 0";
}

void read_audience(const json& from, Audience& out, std::string& error) {
  Fields fields(from, "audience", error);
  fields.integer("viewers", out.viewers, 1, kMostViewers);
  if (const json* access = fields.array("access")) read_access(*access, out.access, error);
  fields.number("joinWithin", out.join_within, 0, kMostSeconds);
  fields.number("unreachable", out.unreachable, 0, 1);
  fields.number("freeloading", out.freeloading, 0, 1);
  fields.number("paused", out.paused, 0, 1);
  fields.number("pauseAfter", out.pause_after, 0, kMostSeconds);
  fields.number("vanishing", out.vanishing, 0, 1);
  fields.number("bufferSeconds", out.buffer_seconds, 2, 600);
  Spread stay;
  if (fields.spread("staySeconds", stay, 0.1, kMostSeconds)) out.stay = stay;
  fields.finish();
}

void read_origin(const json& from, Origin& out, std::string& error) {
  Fields fields(from, "origin", error);
  fields.number("latencyMs", out.latency_ms, 0, 10'000);
  fields.number("mbit", out.mbit, 0, 1e9);
  fields.integer("lateEvery", out.late_every, 0, 1'000'000);
  fields.number("lateSeconds", out.late_seconds, 0, 600);
  fields.integer("errorEvery", out.error_every, 0, 1'000'000);
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

json spread_json(const Spread& spread) {
  return spread.visit(
      [](double low, double high) {
        return low == high ? json(low) : json{{"uniform", {low, high}}};
      },
      [](double median, double sigma, double limit) {
        json out{{"median", median}, {"sigma", sigma}};
        if (limit < 1e299) out["most"] = limit;
        return json{{"lognormal", out}};
      });
}

json audience_json(const Audience& audience) {
  json access = json::array();
  for (const Access& each : audience.access) {
    access.push_back({{"name", each.name},
                      {"share", each.share},
                      {"upMbit", spread_json(each.up)},
                      {"downMbit", spread_json(each.down)},
                      {"oneWayMs", spread_json(each.one_way)},
                      {"metered", each.metered}});
  }
  json out{{"viewers", audience.viewers},
           {"access", access},
           {"joinWithin", audience.join_within},
           {"unreachable", audience.unreachable},
           {"freeloading", audience.freeloading},
           {"paused", audience.paused},
           {"pauseAfter", audience.pause_after},
           {"vanishing", audience.vanishing},
           {"bufferSeconds", audience.buffer_seconds}};
  if (audience.stay) out["staySeconds"] = spread_json(*audience.stay);
  return out;
}

// One of the probabilities that matter, and nothing in half of the cases.
double some_share(Random& random, double most) {
  return random.below(2) == 0 ? 0 : most * unit(random);
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
  if (const json* each = fields.object("stream")) read_stream(*each, out.stream, error);
  if (const json* each = fields.object("audience")) read_audience(*each, out.audience, error);
  if (const json* each = fields.object("origin")) read_origin(*each, out.origin, error);
  if (const json* each = fields.array("incidents")) read_incidents(*each, out.incidents, error);
  if (const json* each = fields.object("expect")) read_expect(*each, out.expect, error);
  fields.finish();
  if (!error.empty()) return error;
  if (out.audience.access.empty()) out.audience.access.push_back(any_access());
  return out;
}

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
    incident.kind = kIncidents[random.below(static_cast<uint32_t>(kIncidents.size()))].kind;
    incident.at = out.seconds * unit(random) * 0.7;
    incident.seconds = 1 + random.below(12);
    incident.share = unit(random);
    incident.count = 1 + static_cast<int32_t>(random.below(4));
    out.incidents.push_back(incident);
  }
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
                 {"stream",
                  {{"live", scenario.stream.live},
                   {"mbit", scenario.stream.mbit},
                   {"segmentSeconds", scenario.stream.segment_seconds},
                   {"window", scenario.stream.window},
                   {"segments", scenario.stream.vod_segments}}},
                 {"audience", audience_json(scenario.audience)},
                 {"origin",
                  {{"latencyMs", scenario.origin.latency_ms},
                   {"mbit", scenario.origin.mbit},
                   {"lateEvery", scenario.origin.late_every},
                   {"lateSeconds", scenario.origin.late_seconds},
                   {"errorEvery", scenario.origin.error_every}}},
                 {"incidents", incidents},
                 {"expect", expect}};
  return out.dump(2);
}

}  // namespace hlsmesh::study

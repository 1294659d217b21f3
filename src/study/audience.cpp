#include "study/audience.hpp"

#include <utility>

#include "sim/nat.hpp"
#include "study/fields.hpp"

namespace hlsmesh::study {
namespace {

using nlohmann::json;

// What networks are like: DCUtR's 70 % of 4.4 million attempts, and 78 to 85 % of WebRTC services.
constexpr NatMix kHard{0.15, 0.45, 0.35, 0.05, 0.6, 3};
constexpr NatMix kEasy{0.30, 0.60, 0.08, 0.02, 0.6, 3};

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
    fields.number("loss", access.loss, 0, 0.5);
    fields.boolean("metered", access.metered);
    fields.integer("behindOneLine", access.behind_one, 1, kMostViewers);
    std::string source;  // for whoever reads the file
    fields.text("source", source);
    fields.finish();
    out.push_back(std::move(access));
  }
  double sum = 0;
  for (const Access& each : out) sum += each.share;
  if (error.empty() && !(sum > 0)) error = "audience.access must have a share above 0";
}

void read_nat(const json& from, NatMix& out, std::string& error) {
  if (from.is_string()) {
    const auto name = from.get<std::string>();
    if (name == "hard") {
      out = kHard;
    } else if (name == "easy") {
      out = kEasy;
    } else if (name != "default" && error.empty()) {
      error = "audience.nat must be default, hard, easy or an object";
    }
    return;
  }
  Fields fields(from, "audience.nat", error);
  fields.number("open", out.open, 0, 1e6);
  fields.number("portRestricted", out.port_restricted, 0, 1e6);
  fields.number("symmetric", out.symmetric, 0, 1e6);
  fields.number("udpBlocked", out.udp_blocked, 0, 1e6);
  fields.number("signallingSeconds", out.signalling, 0, 60);
  fields.number("giveUpSeconds", out.give_up, 0, 60);
  fields.finish();
  const double sum = out.open + out.port_restricted + out.symmetric + out.udp_blocked;
  if (error.empty() && !(sum > 0)) error = "audience.nat must have a share above 0";
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

}  // namespace

Access any_access() {
  Access access;
  access.name = "any";
  access.up = Spread::uniform(3, 20);
  access.down = Spread::uniform(20, 80);
  access.one_way = Spread::uniform(5, 30);
  return access;
}

void read_audience(const json& from, Audience& out, std::string& error) {
  Fields fields(from, "audience", error);
  fields.integer("viewers", out.viewers, 1, kMostViewers);
  if (const json* access = fields.array("access")) read_access(*access, out.access, error);
  fields.number("joinWithin", out.join_within, 0, kMostSeconds);
  if (const json* nat = fields.member("nat")) {
    out.nat.emplace();
    read_nat(*nat, *out.nat, error);
  }
  fields.integer("isps", out.isps, 0, 1'000);
  fields.number("unreachable", out.unreachable, 0, 1);
  fields.number("silent", out.silent, 0, 1);
  fields.number("silentAfter", out.silent_after, 0, kMostSeconds);
  fields.number("freeloading", out.freeloading, 0, 1);
  fields.number("checks", out.checks, 0, 1);
  fields.number("older", out.older, 0, 1);
  fields.number("paused", out.paused, 0, 1);
  fields.number("pauseAfter", out.pause_after, 0, kMostSeconds);
  fields.number("vanishing", out.vanishing, 0, 1);
  fields.number("bufferSeconds", out.buffer_seconds, 2, 600);
  Spread stay;
  if (fields.spread("staySeconds", stay, 0.1, kMostSeconds)) out.stay = stay;
  fields.finish();
}

json audience_json(const Audience& audience) {
  json access = json::array();
  for (const Access& each : audience.access) {
    access.push_back({{"name", each.name},
                      {"share", each.share},
                      {"upMbit", spread_json(each.up)},
                      {"downMbit", spread_json(each.down)},
                      {"oneWayMs", spread_json(each.one_way)},
                      {"loss", each.loss},
                      {"metered", each.metered},
                      {"behindOneLine", each.behind_one}});
  }
  json out{{"viewers", audience.viewers},
           {"access", access},
           {"joinWithin", audience.join_within},
           {"isps", audience.isps},
           {"unreachable", audience.unreachable},
           {"silent", audience.silent},
           {"silentAfter", audience.silent_after},
           {"freeloading", audience.freeloading},
           {"checks", audience.checks},
           {"older", audience.older},
           {"paused", audience.paused},
           {"pauseAfter", audience.pause_after},
           {"vanishing", audience.vanishing},
           {"bufferSeconds", audience.buffer_seconds}};
  if (audience.nat) {
    out["nat"] = {{"open", audience.nat->open},
                  {"portRestricted", audience.nat->port_restricted},
                  {"symmetric", audience.nat->symmetric},
                  {"udpBlocked", audience.nat->udp_blocked},
                  {"signallingSeconds", audience.nat->signalling},
                  {"giveUpSeconds", audience.nat->give_up}};
  }
  if (audience.stay) out["staySeconds"] = spread_json(*audience.stay);
  return out;
}

double connecting_share(const NatMix& mix) {
  const std::pair<sim::Nat, double> all[] = {{sim::Nat::kOpen, mix.open},
                                             {sim::Nat::kPortRestricted, mix.port_restricted},
                                             {sim::Nat::kSymmetric, mix.symmetric},
                                             {sim::Nat::kUdpBlocked, mix.udp_blocked}};
  double connecting = 0;
  double pairs = 0;
  for (const auto& [a, share] : all) {
    for (const auto& [b, other] : all) {
      pairs += share * other;
      if (sim::connects(a, b)) connecting += share * other;
    }
  }
  return connecting / pairs;
}

}  // namespace hlsmesh::study

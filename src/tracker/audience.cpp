#include "tracker/audience.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "tracker/channel.hpp"
#include "tracker/text.hpp"

namespace hlsmesh::tracker {
namespace {

// A viewer that reported nothing for long may say so much at once, in seconds: reports are 30 s
// apart.
constexpr double kMostCredit = 180;

// No stall that a viewer notices is shorter, in seconds.
constexpr double kShortestStall = 0.25;

// A first frame that took longer was not waited for, in seconds; one that took less is no more
// telling.
constexpr double kLongestFirst = 300;
constexpr double kShortestFirst = 0.01;

// "DE" of "DE-BE".
std::string_view country_of(std::string_view province) {
  return province.substr(0, province.find('-'));
}

void put(ViewWriter& json, const Tally& tally) {
  for (const double value :
       {static_cast<double>(tally.viewers), tally.cdn_kb, tally.p2p_kb, tally.up_kb, tally.played,
        tally.stalled, tally.stalls, tally.firsts, tally.first_log}) {
    json.next(value);
  }
}

void put(ViewWriter& json, std::string_view name, const Sums& sums) {
  json.open(name, '[');
  for (const double value :
       {sums.viewers, sums.played, sums.stalled, sums.played_played, sums.played_stalled,
        sums.stalled_stalled, sums.stalling, sums.firsts, sums.first_log, sums.first_log_squared}) {
    json.next(value);
  }
  json.close(']');
}

}  // namespace

void PlaybackCredit::bound(tracker_wire::Statistics& report, TimeMs now) {
  seconds_ = std::min(seconds_ + static_cast<double>((now - at_).count()) / 1000, kMostCredit);
  at_ = now;
  if (report.played) {
    const double played = std::min(*report.played, seconds_);
    seconds_ -= played;
    report.played = played;
    report.stalled = std::min(report.stalled.value_or(0), played);
    const double most = played == 0 ? 0 : std::floor(played / kShortestStall) + 1;
    report.stalls = std::min(std::floor(report.stalls.value_or(0)), most);
  } else {
    report.stalled.reset();
    report.stalls.reset();
  }
  if (report.first_frame) {
    if (told_first_ || *report.first_frame > kLongestFirst) {
      report.first_frame.reset();
    } else {
      report.first_frame = std::max(*report.first_frame, kShortestFirst);
      told_first_ = true;
    }
  }
}

void Sums::add(const Watched& watched) {
  if (watched.played < Audience::kShortestView) return;
  const double stalled_of = watched.stalled;
  viewers += 1;
  played += watched.played;
  stalled += stalled_of;
  played_played += watched.played * watched.played;
  played_stalled += watched.played * stalled_of;
  stalled_stalled += stalled_of * stalled_of;
  stalling += watched.stalls > 0 ? 1 : 0;
  if (!watched.first) return;
  const double log = std::log(*watched.first);
  firsts += 1;
  first_log += log;
  first_log_squared += log * log;
}

Tally& Audience::tally(Dimension dimension, std::string_view name) {
  Names& names = names_[dimension];
  if (dimension != kChannel) name = shortened(name, kMostNameBytes);
  const auto found = names.find(name);
  if (found != names.end()) return found->second;
  if (names.size() >= kMostNames) return others_[dimension];
  return names[std::string(name)];
}

void Audience::add(Peer& peer) {
  const std::string_view device =
      peer.info.device == tracker_wire::Device::kMobile ? "mobile" : "PC";
  peer.tallies = {&tally(kChannel, peer.channel->id),
                  &tally(kIsp, peer.info.isp),
                  &tally(kCountry, country_of(peer.info.province)),
                  &tally(kDevice, device),
                  &tally(kBrowser, peer.info.browser),
                  &tally(kSite, peer.info.site)};
  for (Tally* each : peer.tallies) ++each->viewers;
}

void Audience::remove(Peer& peer) {
  for (Tally* each : peer.tallies) --each->viewers;
  if (peer.control) side(*peer.control).ended.add(peer.watched);
  if (peer.shadow) --shadows_.viewers;
}

void Audience::report(Peer& peer, const tracker_wire::Statistics& report) {
  Watched& watched = peer.watched;
  const double played = report.played.value_or(0);
  const double stalled = report.stalled.value_or(0);
  const double stalls = report.stalls.value_or(0);
  watched.played += played;
  watched.stalled += stalled;
  watched.stalls += stalls;
  if (report.first_frame) watched.first = report.first_frame;
  if (report.loads) add_shadow(peer, report);
  for (Tally* each : peer.tallies) {
    each->cdn_kb += report.played_cdn_kb();
    each->p2p_kb += report.played_p2p_kb();
    each->up_kb += report.up_kb.value_or(0);
    each->played += played;
    each->stalled += stalled;
    each->stalls += stalls;
    if (!report.first_frame) continue;
    each->firsts += 1;
    each->first_log += std::log(*report.first_frame);
  }
}

// A load has more than a KB, so nobody reports more of them than fit into what is bounded.
void Audience::add_shadow(Peer& peer, const tracker_wire::Statistics& report) {
  if (!std::exchange(peer.shadow, true)) ++shadows_.viewers;
  const double loads = std::min(*report.loads, report.cdn_kb + report.p2p_kb);
  shadows_.cdn_kb += report.cdn_kb;
  shadows_.p2p_kb += report.p2p_kb;
  shadows_.loads += loads;
  shadows_.missed += std::min(report.missed.value_or(0), loads);
  shadows_.wrong += std::min(report.wrong.value_or(0), loads);
}

void Audience::visit_sites(const std::function<void(const std::string*, int32_t)>& visit) const {
  for (const auto& [name, tally] : names_[kSite]) visit(&name, tally.viewers);
  if (others_[kSite].viewers > 0) visit(nullptr, others_[kSite].viewers);
}

void Audience::take(ViewWriter& json, const std::function<void(const Note&)>& visit_all,
                    const std::function<bool(std::string_view)>& is_live) {
  visit_all([this](const Peer& peer) {
    if (peer.control) side(*peer.control).present.add(peer.watched);
  });
  json.open("tallies", '{');
  for (size_t at = 0; at < kDimensions; ++at) {
    json.open(kNames[at], '[');
    Names& names = names_[at];
    for (auto each = names.begin(); each != names.end();) {
      const Tally& tally = each->second;
      if (!tally.empty()) {
        json.next();
        json.open('[');
        json.next(std::string_view(each->first));
        put(json, tally);
        if (at == kChannel) json.next(is_live(each->first) ? 1.0 : 0.0);
        json.close(']');
      }
      each = tally.viewers == 0 ? names.erase(each) : std::next(each);
    }
    if (!others_[at].empty()) {
      json.next();
      json.open('[');
      json.next_null();
      put(json, others_[at]);
      if (at == kChannel) json.next(0.0);
      json.close(']');
    }
    json.close(']');
    for (auto& [name, tally] : names) tally = {tally.viewers};
    others_[at] = {others_[at].viewers};
  }
  json.close('}');

  json.open("compared", '{');
  for (const bool control : {false, true}) {
    Compared& compared = side(control);
    json.open(control ? "control" : "peers", '{');
    put(json, "ended", compared.ended);
    put(json, "present", compared.present);
    json.close('}');
    compared = {};
  }
  json.close('}');

  json.open("shadow", '[');
  const Shadows& told = shadows_told_;
  for (const double value : {static_cast<double>(shadows_.viewers), shadows_.cdn_kb - told.cdn_kb,
                             shadows_.p2p_kb - told.p2p_kb, shadows_.loads - told.loads,
                             shadows_.missed - told.missed, shadows_.wrong - told.wrong}) {
    json.next(value);
  }
  json.close(']');
  shadows_told_ = shadows_;
}

}  // namespace hlsmesh::tracker

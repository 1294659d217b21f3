#include "tracker/upload.hpp"

#include <algorithm>

#include "tracker/pairs.hpp"

namespace hlsmesh::tracker {
namespace {

// A report of a shorter time says little about a rate, and counting it would reward a flood of
// reports.
constexpr DurationMs kShortestInterval{5'000};

// The most that one child may claim to get from one parent, in multiples of child_kbps: a liar must
// not make its parent look like a server.
constexpr double kMostShares = 4;

// A falling measurement lowers the stored one by this share of the difference: when a child leaves,
// its parent can still upload as much.
constexpr double kFollow = 0.25;

// An announced upload is used up to so many times what was shown: a peer whose children are few
// could otherwise never show more.
constexpr double kTrust = 2;

// A report may catch up on so much time: a player fills its buffer at once when it starts.
constexpr double kCreditSeconds = 60;
// A player has loaded for so long before it connects.
constexpr DurationMs kLoadedBefore{2'000};

// A peer that took fewer children than it had may take more again after the first of these; the
// pause doubles each time, up to the second.
constexpr DurationMs kLowFor{60'000};
constexpr DurationMs kLongestLow{15 * 60'000};

constexpr double kBitsPerKb = 8 * 1024;

// By children at other addresses: an address cannot earn by feeding itself.
double measured(const Peer& parent) {
  double kbps = 0;
  for (const Peer* child : parent.children) {
    if (child->network == parent.network) continue;
    for (const ParentLink& link : child->parents) {
      if (link.parent == &parent && link.opened) kbps += link.kbps;
    }
  }
  return kbps;
}

int32_t allowed(const Peer& peer, const TrackerConfig& config) {
  const bool mobile = peer.info.device == tracker_wire::Device::kMobile;
  const int32_t share = std::max(config.child_kbps, 1);
  const int32_t highest =
      mobile ? std::min(config.max_children, config.max_children_mobile) : config.max_children;
  const int32_t most = std::min(std::max(highest, 1), peer.slots.value_or(INT32_MAX));
  if (peer.quorum > 0) return static_cast<int32_t>(peer.children.size());
  // 0: the peer may not be asked for anything.
  if (most <= 0 || peer.banned || peer.info.site == kNoPeers || peer.up_bw.value_or(1) <= 0)
    return 0;
  const int32_t usual = mobile ? config.default_children_mobile : config.default_children;
  const double kbps = std::min(peer.up_measured, peer.up_reported.value_or(0));
  const double shown = std::min(kbps / share, static_cast<double>(most));
  // The present children stay: the limit is not lowered while they are fed.
  const int32_t held = std::min(static_cast<int32_t>(peer.children.size()), most);
  if (peer.up_bw) {
    const int32_t announced = std::clamp(*peer.up_bw / share, 1, most);
    return std::min(announced, std::max({usual, 1, static_cast<int32_t>(kTrust * shown), held}));
  }
  // The operator's default may be above the operator's maximum, but not above the peer's own.
  if (usual >= most) return peer.slots ? std::min(usual, *peer.slots) : usual;
  return std::max({usual, static_cast<int32_t>(shown), held});
}

}  // namespace

ReportCredit::ReportCredit(TimeMs opened_at) : at_(opened_at - kLoadedBefore) {}

bool ReportCredit::bound(tracker_wire::Statistics& report, TimeMs now,
                         const TrackerConfig& config) {
  if (config.report_kbps == 0) return false;
  const double per_second = config.report_kbps * 1000 / kBitsPerKb;
  const double passed = static_cast<double>((now - at_).count()) / 1000;
  kb_ = std::min(kb_ + passed * per_second, kCreditSeconds * per_second);
  at_ = now;
  bool cut = false;
  for (double* kb : {&report.cdn_kb, &report.p2p_kb}) {
    const double counted = std::min(*kb, kb_);
    cut = cut || counted < *kb;
    kb_ -= counted;
    *kb = counted;
  }
  return cut;
}

void account(Peer& child, const tracker_wire::Statistics& report, TimeMs now,
             const TrackerConfig& config) {
  const DurationMs interval = now - child.reported_at;
  if (interval < kShortestInterval) return;
  child.reported_at = now;
  // Bits per millisecond are kbit/s.
  const double kbps_of_kb = kBitsPerKb / static_cast<double>(interval.count());
  if (report.up_kb) {
    const double seen = *report.up_kb * kbps_of_kb;
    const double before = child.up_reported.value_or(0);
    child.up_reported = std::max(seen, before + kFollow * (seen - before));
  }
  const auto open = std::count_if(child.parents.begin(), child.parents.end(),
                                  [](const ParentLink& link) { return link.opened; });
  if (open == 0) return;
  const double kbps = report.p2p_kb * kbps_of_kb / static_cast<double>(open);
  for (ParentLink& link : child.parents) {
    if (!link.opened) continue;
    link.kbps = std::min(kbps, kMostShares * config.child_kbps);
    Peer& parent = *link.parent;
    const double seen = measured(parent);
    parent.up_measured = std::max(seen, parent.up_measured + kFollow * (seen - parent.up_measured));
  }
}

void set_child_limit(Peer& peer, TimeMs now, const TrackerConfig& config) {
  int32_t limit = allowed(peer, config);
  if (now < peer.low_until) limit = std::min(limit, peer.low_limit);
  if (limit < static_cast<int32_t>(peer.children.size()) && limit < peer.child_limit) {
    peer.low_limit = limit;
    peer.low_until = now + doubled(kLowFor, peer.lowered, kLongestLow);
    ++peer.lowered;
  }
  peer.child_limit = limit;
}

}  // namespace hlsmesh::tracker

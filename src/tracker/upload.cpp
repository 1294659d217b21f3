#include "tracker/upload.hpp"

#include <algorithm>

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

constexpr double kBitsPerKb = 8 * 1024;

double measured(const Peer& parent) {
  double kbps = 0;
  for (const Peer* child : parent.children) {
    for (const ParentLink& link : child->parents) {
      if (link.parent == &parent && link.opened) kbps += link.kbps;
    }
  }
  return kbps;
}

}  // namespace

void account(Peer& child, const tracker_wire::Statistics& report, TimeMs now,
             const TrackerConfig& config) {
  const DurationMs interval = now - child.reported_at;
  if (interval < kShortestInterval) return;
  child.reported_at = now;
  const auto open = std::count_if(child.parents.begin(), child.parents.end(),
                                  [](const ParentLink& link) { return link.opened; });
  if (open == 0) return;
  // Bits per millisecond are kbit/s.
  const double kbps = report.p2p_kb * kBitsPerKb / static_cast<double>(interval.count()) /
                      static_cast<double>(open);
  for (ParentLink& link : child.parents) {
    if (!link.opened) continue;
    link.kbps = std::min(kbps, kMostShares * config.child_kbps);
    Peer& parent = *link.parent;
    const double seen = measured(parent);
    parent.up_measured = std::max(seen, parent.up_measured + kFollow * (seen - parent.up_measured));
  }
}

int32_t child_limit(const Peer& peer, const TrackerConfig& config) {
  const int32_t share = std::max(config.child_kbps, 1);
  const int32_t most = std::min(std::max(config.max_children, 1), peer.slots.value_or(INT32_MAX));
  if (most <= 0) return 0;
  if (peer.up_bw) {
    // 0: the peer may not be asked for anything.
    return *peer.up_bw <= 0 ? 0 : std::clamp(*peer.up_bw / share, 1, most);
  }
  const int32_t usual = peer.info.device == tracker_wire::Device::kMobile
                            ? config.default_children_mobile
                            : config.default_children;
  // The operator's default may be above the operator's maximum, but not above the peer's own.
  if (usual >= most) return peer.slots ? std::min(usual, *peer.slots) : usual;
  const double shown = std::min(peer.up_measured / share, static_cast<double>(most));
  // The present children stay: the limit is not lowered while they are fed.
  const int32_t held = std::min(static_cast<int32_t>(peer.children.size()), most);
  return std::max({usual, static_cast<int32_t>(shown), held});
}

}  // namespace hlsmesh::tracker

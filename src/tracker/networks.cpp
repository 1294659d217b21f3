#include "tracker/networks.hpp"

#include <algorithm>

namespace hlsmesh::tracker {

void Networks::add(Peer& peer) {
  const auto [entry, fresh] = all_.try_emplace(peer.info.network);
  if (fresh) {
    entry->second.id = ++last_id_;
    entry->second.all = this;
  }
  ++entry->second.peers;
  peer.network = &entry->second;
}

void Networks::remove(Peer& peer) {
  peer.network = nullptr;
  const auto entry = all_.find(peer.info.network);
  if (--entry->second.peers == 0) all_.erase(entry);
}

bool Networks::linked(const Peer& child, const Peer& parent) {
  if (child.network == parent.network || !child.is_source()) return false;
  ++parent.network->fed;
  return true;
}

void Networks::unlinked(const Peer& parent) { --parent.network->fed; }

bool Networks::may_begin(const Network& network, size_t peers) const {
  // One peer has its own limit.
  if (network.peers == 1) return true;
  const int64_t strangers = static_cast<int64_t>(peers) - network.peers;
  return network.fed < std::max<int64_t>(kLeastFed, strangers * percent_ / 100);
}

bool Networks::is_crowd(const Network& network) const {
  return network.peers >= kCrowd && all_.size() >= kCrowd;
}

}  // namespace hlsmesh::tracker

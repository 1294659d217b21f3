#include "tracker/elsewhere.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace hlsmesh::tracker {
namespace {

namespace wire = tracker_wire;

// The peer reports the ids itself and may invent them, so no more than these are remembered. An
// honest peer has a dozen.
constexpr size_t kMostNamed = 64;

void add(std::vector<PeerId>& peers, PeerId id) {
  if (peers.size() >= kMostNamed) return;
  if (std::find(peers.begin(), peers.end(), id) == peers.end()) peers.push_back(std::move(id));
}

bool take(std::vector<PeerId>& peers, const PeerId& id) {
  const auto found = std::find(peers.begin(), peers.end(), id);
  if (found == peers.end()) return false;
  peers.erase(found);
  return true;
}

bool take_one(std::optional<int32_t>& count) {
  if (count.value_or(0) <= 0) return false;
  --*count;
  return true;
}

// Returns the other side of a dc_id, `<initiator>-<other>`; empty if `self` is not at the given
// place.
PeerId dialled_by(const PeerId& self, const std::string& dc_id) {
  const std::string mine = self.text + '-';
  return dc_id.compare(0, mine.size(), mine) == 0 ? PeerId{dc_id.substr(mine.size()), false}
                                                  : PeerId{};
}
PeerId dialler_of(const PeerId& self, const std::string& dc_id) {
  const std::string mine = '-' + self.text;
  if (dc_id.size() <= mine.size()) return {};
  const size_t end = dc_id.size() - mine.size();
  return dc_id.compare(end, mine.size(), mine) == 0 ? PeerId{dc_id.substr(0, end), false}
                                                    : PeerId{};
}

std::optional<int32_t> counted(std::optional<int32_t> unnamed, size_t named) {
  if (named == 0) return unnamed;
  return unnamed.value_or(0) + static_cast<int32_t>(named);
}

}  // namespace

void Elsewhere::note(const PeerId& self, const wire::PeerMessage& message) {
  if (const auto* opened = std::get_if<wire::DcOpened>(&message)) {
    PeerId parent = dialled_by(self, opened->dc_id);
    if (!parent.text.empty()) add(parents, std::move(parent));
  } else if (const auto* signal = std::get_if<wire::SignalTo>(&message)) {
    // Only the child reports that a connection opened. The parent learns of the child by its
    // signals.
    if (wire::classify_signal(signal->data.text()) == wire::SignalKind::kAnswer) {
      add(children, signal->to_peer_id);
    }
  } else if (const auto* report = std::get_if<wire::Statistics>(&message)) {
    if (report->idle) enter.idle = report->idle;
  } else if (const auto* closed = std::get_if<wire::DcClosed>(&message)) {
    ended(self, closed->dc_id);
  } else if (const auto* failed = std::get_if<wire::DcFailed>(&message)) {
    ended(self, failed->dc_id);
  }
}

void Elsewhere::parted(const PeerId& other) {
  if (!take(parents, other)) take(children, other);
}

// A connection between unknown peers was made before the peer came here.
void Elsewhere::ended(const PeerId& self, const std::string& dc_id) {
  const PeerId parent = dialled_by(self, dc_id);
  const PeerId child = dialler_of(self, dc_id);
  if (!parent.text.empty()) {
    if (!take(parents, parent)) take_one(enter.parents);
  } else if (!child.text.empty()) {
    if (!take(children, child)) take_one(enter.children);
  } else if (!take_one(enter.parents)) {
    take_one(enter.children);
  }
}

wire::Enter Elsewhere::resumed() const {
  wire::Enter again = enter;
  again.parents = counted(enter.parents, parents.size());
  again.children = counted(enter.children, children.size());
  return again;
}

}  // namespace hlsmesh::tracker

// Channels, and who feeds whom, as JSON for a dashboard. It contains no address.

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "tracker/tracker_impl.hpp"
#include "tracker/view_writer.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;

// Calls `visit` for the entries from `offset` on, at most `limit` and kMaxListed of them.
template <class Map, class Visit>
void page(const Map& map, int32_t offset, int32_t limit, Visit visit) {
  const size_t skipped = std::min(map.size(), static_cast<size_t>(std::max(offset, 0)));
  size_t left = static_cast<size_t>(std::clamp(limit, 0, Tracker::kMaxListed));
  auto at = std::next(map.begin(), static_cast<std::ptrdiff_t>(skipped));
  for (; at != map.end() && left > 0; ++at, --left) visit(at->second);
}

void put_channel(ViewWriter& json, const Channel& channel) {
  json.text("id", channel.id);
  json.text("type", channel.type() == ChannelType::kLive ? "live" : "vod");
  json.text("host", channel.host);
  json.integer("peers", static_cast<int64_t>(channel.nodes.size()));
  int64_t rooms = 0;
  channel.visit_rooms([&rooms](const Room&) { ++rooms; });
  json.integer("rooms", rooms);
  json.number("cdn_kb", channel.cdn_kb);
  json.number("p2p_kb", channel.p2p_kb);
}

void put_peer(ViewWriter& json, const Peer& peer, TimeMs now) {
  json.text("id", peer.id.text);
  json.integer("room", peer.room->number);
  json.integer("class", peer.layer);
  json.text("isp", peer.info.isp);
  json.text("province", peer.info.province);
  json.text("site", peer.info.site);
  json.text("device", peer.info.device == tracker_wire::Device::kMobile ? "mobile" : "PC");
  json.text("browser", peer.info.browser);
  json.text("os", peer.info.os);
  json.number("level", peer.level);
  if (peer.up_bw) {
    json.integer("up_bw", *peer.up_bw);
  } else if (peer.up_measured > 0) {
    json.number("up_bw", peer.up_measured);
  } else {
    json.null("up_bw");
  }
  json.boolean("idle", peer.idle);
  json.integer("child_limit", peer.child_limit);
  json.integer("children", static_cast<int64_t>(peer.children.size()));
  json.number("cdn_kb", peer.cdn_kb);
  json.number("p2p_kb", peer.p2p_kb);
  json.integer("seconds", (now - peer.entered_at).count() / 1'000);
}

// By EndReason.
void put_ends(ViewWriter& json, std::string_view name, const Introductions::Counts& counts) {
  constexpr std::string_view kWords[] = {"none",       "refused", "useless", "silent", "misbehaved",
                                         "permission", "udp",     "nat",     "policy", "polluted"};
  static_assert(std::size(kWords) == std::tuple_size_v<Introductions::Counts>);
  json.open(name, '{');
  for (size_t at = 0; at < counts.size(); ++at) {
    json.integer(kWords[at], static_cast<int64_t>(counts[at]));
  }
  json.close('}');
}

// A viewer that nobody could connect to so many times in a row is behind something that lets
// nothing through.
constexpr int32_t kUnreachedAfter = 3;
bool is_unreached(const Peer& peer) {
  return peer.failures >= kUnreachedAfter &&
         std::none_of(peer.parents.begin(), peer.parents.end(),
                      [](const ParentLink& link) { return link.opened; });
}

// More classes than that are listed by nobody.
constexpr int32_t kMostClasses = 100;

}  // namespace

std::string Tracker::Impl::channels(int32_t offset, int32_t limit) const {
  ViewWriter json;
  json.open('{');
  json.integer("total", static_cast<int64_t>(channels_.size()));
  json.integer("offset", std::max(offset, 0));
  json.key("channels");
  json.open('[');
  page(channels_, offset, limit, [&](const Channel& channel) {
    json.next();
    json.open('{');
    put_channel(json, channel);
    json.close('}');
  });
  json.close(']');
  json.key("split_by");
  json.open('[');
  size_t left = kMaxListed;
  for (const auto& [parameter, families] : split_.parameters()) {
    if (left-- == 0) break;
    json.next();
    json.open('{');
    json.text("parameter", parameter);
    json.integer("families", families);
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return json.take();
}

std::string Tracker::Impl::topology(std::string_view id, int32_t offset, int32_t limit) const {
  const auto found = channels_.find(id);
  if (found == channels_.end()) return {};
  const Channel& channel = found->second;
  ViewWriter json;
  json.open('{');
  json.key("channel");
  json.open('{');
  put_channel(json, channel);
  json.close('}');
  json.integer("offset", std::max(offset, 0));
  json.key("nodes");
  json.open('[');
  page(channel.nodes, offset, limit, [&](const Peer* peer) {
    json.next();
    json.open('{');
    put_peer(json, *peer, now_);
    json.close('}');
  });
  json.close(']');
  // An edge is listed with its child.
  json.key("edges");
  json.open('[');
  page(channel.nodes, offset, limit, [&](const Peer* peer) {
    for (const ParentLink& link : peer->parents) {
      json.next();
      json.open('{');
      json.text("child", peer->id.text);
      json.text("parent", link.parent->id.text);
      json.boolean("opened", link.opened);
      json.close('}');
    }
  });
  json.close(']');
  json.close('}');
  return json.take();
}

std::string Tracker::Impl::sites() const {
  ViewWriter json;
  json.open('[');
  audience_.visit_sites([&json](const std::string* name, int32_t viewers) {
    json.next();
    json.open('[');
    if (name != nullptr) {
      json.next(std::string_view(*name));
    } else {
      json.next_null();
    }
    json.next(static_cast<double>(viewers));
    json.close(']');
  });
  json.close(']');
  return json.take();
}

std::string Tracker::Impl::take_audience() {
  ViewWriter json;
  json.open('{');
  int64_t unreached = 0;
  int64_t unfed = 0;
  std::map<int32_t, int64_t> classes;
  audience_.take(
      json,
      [&](const Audience::Note& note) {
        for (const auto& [id, channel] : channels_) {
          for (const auto& [join, peer] : channel.nodes) {
            note(*peer);
            unreached += is_unreached(*peer) ? 1 : 0;
            unfed += peer->unfed ? 1 : 0;
          }
          channel.visit_rooms([&classes](const Room& room) {
            for (const auto& [layer, count] : room.population) classes[layer] += count;
          });
        }
      },
      [&](std::string_view id) {
        const auto found = channels_.find(id);
        return found != channels_.end() && found->second.type() == ChannelType::kLive;
      });
  const Introductions::Ends ends = introductions_.take_ends();
  json.open("ends", '{');
  put_ends(json, "unopened", ends.unopened);
  put_ends(json, "opened", ends.opened);
  json.close('}');
  json.integer("unreached", unreached);
  json.integer("unfed", unfed);
  json.open("classes", '[');
  // A class below another may be empty for a while.
  const int32_t last = classes.empty() ? -1 : classes.rbegin()->first;
  for (int32_t layer = 0; layer <= std::min(last, kMostClasses); ++layer) {
    json.next(static_cast<double>(classes[layer]));
  }
  json.close(']');
  json.close('}');
  return json.take();
}

}  // namespace hlsmesh

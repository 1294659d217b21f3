// Channels, and who feeds whom, as JSON for a dashboard. It contains no address.

#include <algorithm>
#include <iterator>

#include "protocol/json_number.hpp"
#include "protocol/json_writer.hpp"
#include "tracker/tracker_impl.hpp"

namespace hlsmesh {
namespace {

using namespace tracker;

// Writes JSON front to back and sets the commas.
class Writer {
 public:
  void open(char bracket) {
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }
  // The next element of a list.
  void next() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void key(std::string_view name) {
    next();
    json::append_string(out_, name);
    out_ += ':';
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    json::append_string(out_, value);
  }
  void number(std::string_view name, double value) {
    key(name);
    json::append_double(out_, value);
  }
  void integer(std::string_view name, int64_t value) {
    key(name);
    json::append_integer(out_, value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  void null(std::string_view name) {
    key(name);
    out_ += "null";
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool first_ = true;
};

// Calls `visit` for the entries from `offset` on, at most `limit` and kMaxListed of them.
template <class Map, class Visit>
void page(const Map& map, int32_t offset, int32_t limit, Visit visit) {
  const size_t skipped = std::min(map.size(), static_cast<size_t>(std::max(offset, 0)));
  size_t left = static_cast<size_t>(std::clamp(limit, 0, Tracker::kMaxListed));
  auto at = std::next(map.begin(), static_cast<std::ptrdiff_t>(skipped));
  for (; at != map.end() && left > 0; ++at, --left) visit(at->second);
}

void put_channel(Writer& json, const Channel& channel) {
  json.text("id", channel.id);
  json.text("type", channel.type() == ChannelType::kLive ? "live" : "vod");
  json.text("host", channel.host);
  json.integer("peers", static_cast<int64_t>(channel.nodes.size()));
  json.integer("rooms", static_cast<int64_t>(channel.rooms.all().size()));
  json.number("cdn_kb", channel.cdn_kb);
  json.number("p2p_kb", channel.p2p_kb);
}

void put_peer(Writer& json, const Peer& peer, TimeMs now) {
  json.text("id", peer.id.text);
  json.integer("room", peer.room->number);
  json.integer("class", peer.layer);
  json.text("isp", peer.info.isp);
  json.text("province", peer.info.province);
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
  json.integer("child_limit", peer.child_limit);
  json.integer("children", static_cast<int64_t>(peer.children.size()));
  json.number("cdn_kb", peer.cdn_kb);
  json.number("p2p_kb", peer.p2p_kb);
  json.integer("seconds", (now - peer.entered_at).count() / 1'000);
}

}  // namespace

std::string Tracker::Impl::channels(int32_t offset, int32_t limit) const {
  Writer json;
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
  Writer json;
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

}  // namespace hlsmesh

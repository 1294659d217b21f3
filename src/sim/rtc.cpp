#include "sim/rtc.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/commands.hpp"

namespace hlsmesh::sim {
namespace {

using std::chrono::milliseconds;

// createOffer/createAnswer and setLocalDescription in Chromium take some milliseconds; host
// candidates follow shortly after.
constexpr milliseconds kDescribeDelay{8};
constexpr milliseconds kCandidateDelay{20};
// A page that closes says nothing for 3-5 s (protocol section 2).
constexpr milliseconds kVanishNotice{5'000};
// close() right after send(): what fits in one flight still leaves.
constexpr milliseconds kLinger{2};
// Chromium: RTCPeerConnection.sctp.maxMessageSize.
constexpr size_t kMaxMessageBytes = 262'144;

// Wires and Wi-Fi of a building.
constexpr milliseconds kOfficeLatency{1};

bool same_office(const Access& a, const Access& b) { return a.office > 0 && a.office == b.office; }

bool reach(const Access& a, const Access& b) {
  return same_office(a, b) ? a.nat != Nat::kUdpBlocked : connects(a.nat, b.nat);
}

// The session description names the end that made it; everything else of SDP is beside the point.
std::string label(ViewerId viewer, PeerHandle peer) {
  return "sim " + std::to_string(viewer.value()) + ' ' + std::to_string(peer.value()) + ' ';
}

int32_t read_number(std::string_view& text) {
  int32_t out = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    out = out * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);
  return out;
}

}  // namespace

void Rtc::attach(ViewerId viewer, RtcHost& host, Access access) {
  const auto index = static_cast<size_t>(viewer.value());
  if (index >= pages_.size()) pages_.resize(index + 1);
  pages_[index] = std::make_unique<Page>(Page{&host, access, false, {}});
}

void Rtc::block(ViewerId viewer) {
  if (Page* const own = page(viewer)) own->blocked = true;
}

uint64_t Rtc::cookie_of(EndKey key) {
  return static_cast<uint64_t>(key.first.value()) << 32 | static_cast<uint32_t>(key.second.value());
}

Rtc::EndKey Rtc::end_key(uint64_t cookie) {
  return {ViewerId(static_cast<int32_t>(cookie >> 32)),
          PeerHandle(static_cast<int32_t>(cookie & 0xffffffffu))};
}

Rtc::Page* Rtc::page(ViewerId viewer) const {
  const auto index = static_cast<size_t>(viewer.value());
  return index < pages_.size() ? pages_[index].get() : nullptr;
}

// Of the end with that handle, or the next one.
Rtc::Page::Ends::iterator Rtc::place_of(Page& own, PeerHandle peer) {
  return std::lower_bound(own.ends.begin(), own.ends.end(), peer,
                          [](const auto& end, PeerHandle handle) { return end.first < handle; });
}

Rtc::End* Rtc::find(EndKey key) {
  Page* const own = page(key.first);
  if (own == nullptr) return nullptr;
  const auto it = place_of(*own, key.second);
  return it == own->ends.end() || it->first != key.second ? nullptr : &it->second;
}

// A fresh end in place of one that has the handle.
Rtc::End& Rtc::make(EndKey key) {
  erase(key);
  Page& own = *page(key.first);
  End fresh;
  fresh.since = queue_.now();
  return own.ends.insert(place_of(own, key.second), {key.second, fresh})->second;
}

void Rtc::erase(EndKey key) {
  if (Page* const own = page(key.first)) {
    std::erase_if(own->ends, [&key](const auto& end) { return end.first == key.second; });
  }
}

void Rtc::dial(ViewerId viewer, PeerHandle peer) {
  make({viewer, peer}).dialler = true;
  describe({viewer, peer});
}

void Rtc::answer(ViewerId viewer, PeerHandle peer) { make({viewer, peer}); }

void Rtc::describe(EndKey key) {
  queue_.after(kDescribeDelay, [this, key] {
    End* end = find(key);
    const Page* own = page(key.first);
    if (end == nullptr || own == nullptr) return;
    end->described_itself = true;
    const char* type = end->dialler ? "offer" : "answer";
    own->host->on_local_signal(key.second, std::string("{\"type\":\"") + type + "\",\"sdp\":\"" +
                                               label(key.first, key.second) + "\"}");
    try_handshake(key);
  });
  queue_.after(kCandidateDelay, [this, key] {
    const Page* own = page(key.first);
    if (find(key) == nullptr || own == nullptr) return;
    // A STUN server is reached by UDP, or not.
    const char* const kind = own->access.nat == Nat::kUdpBlocked ? "typ host" : "typ srflx";
    own->host->on_local_signal(key.second, "{\"candidate\":{\"candidate\":\"" +
                                               label(key.first, key.second) + kind +
                                               "\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}}");
  });
}

void Rtc::signal(ViewerId viewer, PeerHandle peer, std::string_view json) {
  const EndKey key{viewer, peer};
  End* end = find(key);
  const size_t at = json.find("sim ");
  if (end == nullptr || at == std::string_view::npos) return;
  std::string_view numbers = json.substr(at + 4);
  const ViewerId remote_viewer(read_number(numbers));
  const PeerHandle remote_peer(read_number(numbers));
  if (json.find("\"sdp\"") != std::string_view::npos) {
    end->remote = {remote_viewer, remote_peer};
    end->described = true;
    if (!end->dialler) describe(key);
  } else {
    end->candidate = true;
  }
  try_handshake(key);
}

void Rtc::try_handshake(EndKey key) {
  End* end = find(key);
  if (end == nullptr || !end->described || !end->candidate) return;
  End* remote = find(end->remote);
  if (remote == nullptr || remote->remote != key || !remote->described || !remote->candidate) {
    return;
  }
  if (end->handshake || !end->described_itself || !remote->described_itself) return;
  end->handshake = true;
  remote->handshake = true;
  const Page* here = page(key.first);
  const Page* there = page(end->remote.first);
  if (here == nullptr || there == nullptr) return;
  const EndKey other = end->remote;
  const Duration passed = queue_.now() - std::min(end->since, remote->since);
  if (here->blocked || there->blocked || !reach(here->access, there->access)) {
    const Duration left = std::max(config_.give_up - passed, Duration{});
    report_closed(key, left);
    report_closed(other, left);
    return;
  }
  const Duration signalling = std::max(config_.signalling - passed, Duration{});
  const Duration round_trip = 2 * (here->access.latency + there->access.latency);
  const EndKey dialler = end->dialler ? key : other;
  const EndKey answerer = end->dialler ? other : key;
  queue_.after(signalling + config_.round_trips * round_trip,
               [this, dialler, answerer] { open(dialler, answerer); });
}

void Rtc::open(EndKey dialler, EndKey answerer) {
  End* child = find(dialler);
  End* parent = find(answerer);
  const Page* child_page = page(dialler.first);
  const Page* parent_page = page(answerer.first);
  if (child == nullptr || parent == nullptr || child_page == nullptr || parent_page == nullptr) {
    return;
  }
  const Access& child_access = child_page->access;
  const Access& parent_access = parent_page->access;
  if (same_office(child_access, parent_access)) {
    const Path path{kOfficeLatency};
    child->out = network_.open(kUnlimitedLine, kUnlimitedLine, path, *this, cookie_of(answerer),
                               kLowWaterBytes);
    parent->out = network_.open(kUnlimitedLine, kUnlimitedLine, path, *this, cookie_of(dialler),
                                kLowWaterBytes);
    return report_open(dialler, answerer, kOfficeLatency);
  }
  const Duration latency = child_access.latency + parent_access.latency;
  const Path path{latency, either(child_page->access.loss, parent_page->access.loss), true};
  child->out = network_.open(child_page->access.up, parent_page->access.down, path, *this,
                             cookie_of(answerer), kLowWaterBytes);
  parent->out = network_.open(parent_page->access.up, child_page->access.down, path, *this,
                              cookie_of(dialler), kLowWaterBytes);
  report_open(dialler, answerer, latency);
}

void Rtc::report_open(EndKey dialler, EndKey answerer, Duration latency) {
  // The answerer hears of the channel first; the acknowledgement opens it at the dialler.
  for (const auto& [key, delay] : {std::pair{answerer, Duration{}}, std::pair{dialler, latency}}) {
    queue_.after(delay, [this, end_key = key] {
      End* end = find(end_key);
      const Page* own = page(end_key.first);
      if (end == nullptr || own == nullptr) return;
      end->state = State::kOpen;
      own->host->on_channel_open(end_key.second, kMaxMessageBytes);
    });
  }
}

Rtc::Sent Rtc::send(ViewerId viewer, PeerHandle peer, Message message) {
  End* end = find({viewer, peer});
  if (end == nullptr || end->state != State::kOpen) return Sent::kNotOpen;
  const bool text = message.text;
  const size_t waiting = network_.buffered(end->out) + message.size;
  const size_t most = page(viewer)->access.send_queue_bytes;
  if (waiting > most || message.size > kMaxMessageBytes) {
    ++overflows_;
    return Sent::kQueueFull;
  }
  peak_buffered_ = std::max(peak_buffered_, waiting);
  (text ? text_bytes_ : binary_bytes_) += message.size;
  if (!text) count_flow(page(viewer)->access, page(end->remote.first), message.size);
  const PipeId out = end->out;
  network_.send(out, std::move(message));
  // The driver tells how much waits once it has carried out all commands (see
  // Engine::on_channel_writable).
  if (!text) touch(viewer, peer);
  return Sent::kYes;
}

void Rtc::count_flow(const Access& from, const Page* to, size_t bytes) {
  if (to == nullptr) return;  // gone without a word
  flows_[{from.kind, to->access.kind}] += bytes;
  if (from.isp == 0 || to->access.isp == 0) return;
  placed_bytes_ += bytes;
  if (from.isp != to->access.isp) crossing_bytes_ += bytes;
}

void Rtc::touch(ViewerId viewer, PeerHandle peer) {
  const EndKey key{viewer, peer};
  End* end = find(key);
  if (end == nullptr || end->report_due) return;
  end->report_due = true;
  queue_.after(Duration{}, [this, key] {
    End* reported = find(key);
    const Page* own = page(key.first);
    if (reported == nullptr) return;
    reported->report_due = false;
    const size_t buffered = network_.buffered(reported->out);
    // Above the mark the low-water event will come.
    if (own != nullptr && buffered <= kLowWaterBytes)
      own->host->on_channel_writable(key.second, buffered);
  });
}

void Rtc::report_closed(EndKey key, Duration delay) {
  queue_.after(delay, [this, key] {
    End* end = find(key);
    const Page* own = page(key.first);
    if (end == nullptr) return;
    network_.cut(end->out);
    erase(key);
    if (own != nullptr) own->host->on_connection_closed(key.second);
  });
}

void Rtc::close(ViewerId viewer, PeerHandle peer) {
  const EndKey key{viewer, peer};
  End* end = find(key);
  if (end == nullptr) return;
  const PipeId out = end->out;
  const EndKey remote = end->remote;
  erase(key);
  queue_.after(kLinger, [this, out, remote, key] {
    End* other = find(remote);
    if (other == nullptr || other->remote != key) {
      network_.cut(out);
      return;
    }
    const Page* here = page(key.first);
    const Page* there = page(remote.first);
    const Duration latency = (here != nullptr ? here->access.latency : Duration{}) +
                             (there != nullptr ? there->access.latency : Duration{});
    // One moment later than the last byte that was in time.
    queue_.after(latency + kLinger, [this, out] { network_.cut(out); });
    report_closed(remote, latency + kLinger);
  });
}

void Rtc::vanish(ViewerId viewer) {
  Page* const own = page(viewer);
  if (own == nullptr) return;
  for (const auto& [handle, end] : std::exchange(own->ends, {})) {
    network_.cut(end.out);
    End* other = find(end.remote);
    // An end that never got a description waits for ever, as in a browser.
    if (other != nullptr && other->remote == EndKey{viewer, handle}) {
      report_closed(end.remote, kVanishNotice);
    }
  }
  pages_[static_cast<size_t>(viewer.value())].reset();
}

void Rtc::break_channels(ViewerId viewer) {
  for (size_t i = 0; i < pages_.size(); ++i) {
    const ViewerId other(static_cast<int32_t>(i));
    const Page* const each = page(other);
    if (each == nullptr) continue;
    for (const auto& [handle, end] : each->ends) {
      if (end.state == State::kOpen && (other == viewer || end.remote.first == viewer)) {
        report_closed({other, handle}, Duration{});
      }
    }
  }
}

size_t Rtc::open_channels(ViewerId viewer) const {
  const Page* const own = page(viewer);
  if (own == nullptr) return 0;
  return static_cast<size_t>(std::count_if(own->ends.begin(), own->ends.end(), [](const auto& end) {
    return end.second.state == State::kOpen;
  }));
}

std::optional<ViewerId> Rtc::other(ViewerId viewer, PeerHandle peer) {
  const End* const end = find({viewer, peer});
  if (end == nullptr || end->remote.first == ViewerId()) return std::nullopt;
  return end->remote.first;
}

size_t Rtc::buffered(ViewerId viewer) const {
  const Page* const own = page(viewer);
  size_t out = 0;
  if (own == nullptr) return out;
  for (const auto& [handle, end] : own->ends) out += network_.buffered(end.out);
  return out;
}

void Rtc::on_pipe_message(uint64_t cookie, Message message) {
  const EndKey receiver = end_key(cookie);
  End* end = find(receiver);
  const Page* own = page(receiver.first);
  if (end == nullptr || own == nullptr) return;
  own->host->on_channel_message(receiver.second, message);
}

void Rtc::on_pipe_drained(uint64_t cookie, size_t buffered) {
  const End* receiver = find(end_key(cookie));
  if (receiver == nullptr) return;
  report_writable(receiver->remote, buffered);
}

void Rtc::report_writable(EndKey key, size_t buffered) {
  queue_.after(Duration{}, [this, key, buffered] {
    const Page* own = page(key.first);
    if (find(key) != nullptr && own != nullptr)
      own->host->on_channel_writable(key.second, buffered);
  });
}

}  // namespace hlsmesh::sim

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.hpp"
#include "sim/nat.hpp"
#include "sim/network.hpp"

namespace hlsmesh::sim {

using ViewerId = Strong<struct ViewerIdTag, int32_t>;

// How a viewer is attached to the network.
struct Access {
  LineId up = kUnlimitedLine;
  LineId down = kUnlimitedLine;
  Duration latency{};  // one way, to the middle of the network
  Nat nat = Nat::kOpen;
  double loss = 0;     // share of packets, in either direction
  int32_t kind = 0;    // for the count of who feeds whom
  int32_t isp = 0;     // likewise; 0: unknown
  int32_t office = 0;  // those of one office reach each other without its line; 0: of none
  // Chromium's: the send queue of a channel beyond which send() throws.
  size_t send_queue_bytes = 16u * 1024 * 1024;
};

// How long connections take to open or to fail.
struct RtcConfig {
  // From dialling to the first connectivity check, at least: descriptions and candidates through
  // the tracker, and the answers of STUN servers.
  Duration signalling{};
  // Connectivity check, DTLS 1.2 (two) and SCTP (two, the second carrying DCEP).
  int32_t round_trips = 5;
  // From dialling until candidate pairs that never answer are given up. Chromium's ICE takes this
  // long.
  Duration give_up = std::chrono::seconds(15);
};

// What a page's RTCPeerConnection objects report. All of it comes from the event queue, never from
// within a call of Rtc.
class RtcHost {
 public:
  virtual ~RtcHost() = default;
  virtual void on_local_signal(PeerHandle peer, const std::string& json) = 0;
  virtual void on_channel_open(PeerHandle peer, size_t max_message_bytes) = 0;
  virtual void on_channel_message(PeerHandle peer, const Message& message) = 0;
  virtual void on_channel_writable(PeerHandle peer, size_t buffered) = 0;
  virtual void on_connection_closed(PeerHandle peer) = 0;
};

// All peer connections of all viewers: offer, answer, candidates, then after the handshakes one
// ordered, reliable data channel, as a Chromium page sees them.
class Rtc : private PipeSink {
 public:
  Rtc(EventQueue& queue, Network& network, RtcConfig config)
      : queue_(queue), network_(network), config_(config) {}

  void attach(ViewerId viewer, RtcHost& host, Access access);
  // The page is gone without a word: its peers notice after a while.
  void vanish(ViewerId viewer);
  // Candidate pairs of this viewer never work, whomever it meets.
  void block(ViewerId viewer);

  void dial(ViewerId viewer, PeerHandle peer);
  void answer(ViewerId viewer, PeerHandle peer);
  void signal(ViewerId viewer, PeerHandle peer, std::string_view json);
  enum class Sent : uint8_t { kYes, kNotOpen, kQueueFull };  // the browser throws
  Sent send(ViewerId viewer, PeerHandle peer, Message message);
  // Reports the channel's fill where no low-water event will come, as after a binary message.
  void touch(ViewerId viewer, PeerHandle peer);
  void close(ViewerId viewer, PeerHandle peer);
  // The network breaks every channel of this viewer; both sides hear of it.
  void break_channels(ViewerId viewer);

  size_t open_channels(ViewerId viewer) const;
  // Who is at the other end; nobody is if there is no such connection, or none that was answered.
  std::optional<ViewerId> other(ViewerId viewer, PeerHandle peer);
  // Bytes that wait to leave this viewer in all its channels.
  size_t buffered(ViewerId viewer) const;
  size_t peak_buffered() const { return peak_buffered_; }
  uint64_t overflows() const { return overflows_; }
  // Media by kinds of lines, from and to.
  const std::map<std::pair<int32_t, int32_t>, uint64_t>& flows() const { return flows_; }
  // Media between viewers whose providers are known, and of it between two providers.
  uint64_t placed_bytes() const { return placed_bytes_; }
  uint64_t crossing_bytes() const { return crossing_bytes_; }
  // Handed in by all viewers: control, and media.
  uint64_t text_bytes() const { return text_bytes_; }
  uint64_t binary_bytes() const { return binary_bytes_; }

 private:
  using EndKey = std::pair<ViewerId, PeerHandle>;
  enum class State { kConnecting, kOpen };
  struct End {
    State state = State::kConnecting;
    bool dialler = false;
    bool described = false;  // has the other side's description
    bool candidate = false;  // and a candidate of it
    bool described_itself = false;
    bool handshake = false;  // under way
    bool report_due = false;
    Time since{};  // dialled, or first answered
    EndKey remote{};
    PipeId out{};
  };
  // A viewer's page, while it is open; its ends by handle.
  struct Page {
    RtcHost* host = nullptr;
    Access access;
    bool blocked = false;
    using Ends = std::vector<std::pair<PeerHandle, End>>;
    Ends ends;
  };

  // A pipe's cookie names the end that receives.
  static uint64_t cookie_of(EndKey key);
  static EndKey end_key(uint64_t cookie);
  static Page::Ends::iterator place_of(Page& own, PeerHandle peer);
  End* find(EndKey key);
  // For a viewer without a page: nullptr.
  Page* page(ViewerId viewer) const;
  End& make(EndKey key);
  void erase(EndKey key);
  void describe(EndKey key);
  void try_handshake(EndKey key);
  void open(EndKey dialler, EndKey answerer);
  void report_open(EndKey dialler, EndKey answerer, Duration latency);
  void report_closed(EndKey key, Duration delay);
  void count_flow(const Access& from, const Page* to, size_t bytes);
  void report_writable(EndKey key, size_t buffered);
  void on_pipe_message(uint64_t cookie, Message message) override;
  void on_pipe_drained(uint64_t cookie, size_t buffered) override;

  EventQueue& queue_;
  Network& network_;
  RtcConfig config_;
  std::vector<std::unique_ptr<Page>> pages_;  // by ViewerId
  size_t peak_buffered_ = 0;
  uint64_t overflows_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t binary_bytes_ = 0;
  std::map<std::pair<int32_t, int32_t>, uint64_t> flows_;
  uint64_t placed_bytes_ = 0;
  uint64_t crossing_bytes_ = 0;
};

}  // namespace hlsmesh::sim

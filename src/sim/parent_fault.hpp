#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ids.hpp"
#include "sim/network.hpp"

namespace hlsmesh::sim {

// What a viewer's page does wrong towards the peers that ask it. A peer asks by REQUEST (version 1)
// or WANT (extension 2). What answers is *announced* by BINARY or HAVE, and comes in packets or
// DATA.
enum class ParentFault : uint8_t {
  kNone,
  kSilent,        // nothing it says arrives
  kIgnores,       // no REQUEST or WANT is answered; KEEPALIVE is
  kLacks,         // LACK to each
  kLateLacks,     // LACK to each, 1.9 s after it
  kClaimsMore,    // more bytes are announced than the segment has
  kClaimsLess,    // fewer
  kChangesSize,   // what follows says another size than was announced
  kWrongSegment,  // BINARY of another segment; DATA with bytes and size of another
  kWrongBytes,    // bytes that are no media
  kNeverSends,    // the announcement, then nothing of that segment
  kStopsMidway,   // the announcement and one message, then nothing more of that segment
  kClosesMidway,  // the announcement and one message, then the channel is closed
  kCuts,          // of every message half is missing
  kGarbage,       // text that is not JSON in place of every announcement
  kDrips,         // the announcement, then a byte, or a piece, each 1.3 s
  kEmptyPackets,  // the announcement, then messages without a byte of media, ten a second
  kTwice,         // every packet and DATA comes twice
  kUnasked,       // a packet before its BINARY; DATA of a transfer that was never opened
  kBoasts,        // it has the newest segment, and all of every segment that it is asked for
  kDeaf,          // no CANCEL is heard
  kFlipsBits,     // one bit of every packet and DATA is another; media all the same
  kOtherMedia,    // all but the beginning of every packet and DATA is other media
};

// What a faulty page sends by itself: the same message again and again, `every` so often.
struct Repeated {
  Message message;
  Duration every{};
  int64_t times = 0;
};

// Stands between an honest engine and its data channels and spoils what it sends.
class FaultyParent {
 public:
  explicit FaultyParent(ParentFault fault) : fault_(fault) {}

  // What leaves instead of `message`; nullopt when nothing does.
  std::optional<Message> pass(Time now, PeerHandle peer, Message message);
  // False if the engine is not told of a message that the peer has sent.
  bool hears(PeerHandle peer, const Message& message);
  // What is to be sent to that peer from now on, beside what pass() lets through.
  std::vector<Repeated> take_repeated() { return std::exchange(repeated_, {}); }
  // Whether the channel that pass() was about is to be closed.
  bool take_close() { return std::exchange(closes_, false); }

 private:
  // What it is about to send to a peer: packets of one segment, or DATA of several transfers.
  struct Following {
    int64_t pass = 0;          // packets that are let through before the rest of the announced ones
    int64_t drop = 0;          // is dropped
    std::set<uint32_t> begun;  // transfers of which DATA was sent
    Time free_at{};            // when the next piece may leave
  };

  std::optional<Message> announced(PeerHandle peer, const Message& original);
  std::optional<Message> header(PeerHandle peer, const Message& original);
  std::optional<Message> have(const Message& original);
  std::optional<Message> packet(PeerHandle peer, Message message);
  std::optional<Message> data(Time now, PeerHandle peer, Message message);
  void say(Message message, Duration every = {}, int64_t times = 1) {
    repeated_.push_back({std::move(message), every, times});
  }

  ParentFault fault_;
  std::vector<Repeated> repeated_;
  bool closes_ = false;
  std::map<PeerHandle, Following> following_;
};

// Has a message say that its sender speaks no later extension than this one.
void show_at_most(int32_t extension, Message& message);

}  // namespace hlsmesh::sim

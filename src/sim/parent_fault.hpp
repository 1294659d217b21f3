#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "common/ids.hpp"
#include "sim/network.hpp"

namespace hlsmesh::sim {

// What a viewer's page does wrong towards the peers it serves.
enum class ParentFault {
  kNone,
  kSilent,        // nothing it says arrives
  kLacks,         // LACK to every REQUEST
  kClaimsMore,    // BINARY announces more bytes than follow
  kClaimsLess,    // fewer
  kWrongSegment,  // BINARY of another segment than was asked for
  kStopsMidway,   // the header and one message, then nothing more of that segment
  kGarbage,       // text that is not JSON in place of every header
  kDrips,         // the header, then a byte each 1.3 s
  kEmptyPackets,  // the header, then packets without a byte, ten a second
  kLateLacks,     // LACK to every REQUEST, 1.9 s after it
};

// What a faulty parent sends by itself: the same message again and again.
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
  std::optional<Message> pass(PeerHandle peer, Message message);
  // What is to be sent from now on beside what pass() lets through.
  std::optional<Repeated> take_repeated() { return std::exchange(repeated_, std::nullopt); }

 private:
  std::optional<Message> header(PeerHandle peer, const Message& original);

  ParentFault fault_;
  std::optional<Repeated> repeated_;
  // How many of the binary messages that follow are let through before the rest of the announced
  // ones is dropped.
  struct Following {
    int64_t pass = 0;
    int64_t drop = 0;
  };
  std::map<PeerHandle, Following> following_;
};

}  // namespace hlsmesh::sim

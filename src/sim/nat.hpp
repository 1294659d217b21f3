#pragma once

#include <cstdint>

namespace hlsmesh::sim {

// How a viewer's network treats UDP from outside, as far as it decides whom a data channel reaches.
enum class Nat : uint8_t {
  kOpen,            // IPv6, a public address, or a NAT that lets anybody in
  kPortRestricted,  // one port for all peers; lets in only those that were sent to
  kSymmetric,       // another port for each peer, so that nobody can be told which
  kUdpBlocked,      // no UDP at all
};

// Whether a connection between two viewers opens without a relay.
constexpr bool connects(Nat a, Nat b) {
  if (a == Nat::kUdpBlocked || b == Nat::kUdpBlocked) return false;
  if (a == Nat::kOpen || b == Nat::kOpen) return true;
  return a == Nat::kPortRestricted && b == Nat::kPortRestricted;
}

}  // namespace hlsmesh::sim

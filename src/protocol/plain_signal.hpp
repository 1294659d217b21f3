#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace hlsmesh::tracker_wire {

// A `signal` of a peer, as views into the text that was read.
struct PlainSignal {
  std::string_view to_peer_id;
  std::string_view literal;  // `data` as a JSON string with its quotes
};

// Reads a `signal` that is spelt as hlsmesh spells it: its three fields alone, in order, without
// spaces, the id without escapes, `data` a string of ASCII characters without \u. Offers and
// answers are nearly all that a tracker reads, and come like this. Returns nullopt for any other
// text, of which nothing is known then: parse_from_peer() reads it. What is returned is what
// parse_from_peer() finds in the same text.
std::optional<PlainSignal> read_plain_signal(std::string_view text);

// The text of the SignalFrom with this sender and the `data` that stands in `literal`, a
// well-formed JSON string with its quotes: as serialize() writes it, in one allocation.
std::string signal_text(const PeerId& from, std::string_view literal);

}  // namespace hlsmesh::tracker_wire

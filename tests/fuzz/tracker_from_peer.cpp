#include "check.hpp"
#include "protocol/plain_signal.hpp"
#include "protocol/tracker_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  using namespace hlsmesh::tracker_wire;
  const std::string_view text = fuzz::view(data, size);
  fuzz::check_parser<PeerMessage, ParseError>(text, kMaxTextBytes, parse_from_peer);

  // Whatever signal a tracker admits, it can relay, and the data arrive as they were.
  const PeerParseResult result = parse_from_peer(text);
  const PeerMessage* message = std::get_if<PeerMessage>(&result);
  const SignalTo* signal = message ? std::get_if<SignalTo>(message) : nullptr;
  // What is read the short way is what the parser reads.
  if (const auto plain = read_plain_signal(text)) {
    fuzz::require(signal != nullptr && !signal->to_peer_id.numeric &&
                  signal->to_peer_id.text == plain->to_peer_id &&
                  signal->data.literal() == plain->literal);
  }
  if (!signal) return 0;
  const TrackerParseResult relayed =
      parse_from_tracker(serialize(TrackerMessage(SignalFrom{signal->to_peer_id, signal->data})));
  const TrackerMessage* received = std::get_if<TrackerMessage>(&relayed);
  fuzz::require(received != nullptr);
  fuzz::require(signal_text(signal->to_peer_id, signal->data.literal()) ==
                serialize(TrackerMessage(SignalFrom{signal->to_peer_id, signal->data})));
  const SignalFrom* from = std::get_if<SignalFrom>(received);
  fuzz::require(from != nullptr && from->data.literal() == signal->data.literal() &&
                from->from_peer_id == signal->to_peer_id);
  return 0;
}

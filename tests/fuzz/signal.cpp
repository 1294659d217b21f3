#include "check.hpp"
#include "protocol/tracker_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  using namespace hlsmesh::tracker_wire;
  const std::string_view text = fuzz::view(data, size);
  const SignalKind kind = classify_signal(text);
  if (kind == SignalKind::kOther) return 0;

  // A text that counts as a signal is an object, and stays the same signal inside a message.
  const std::string spaced = " \r\n" + std::string(text) + "\t";
  fuzz::require(spaced.size() > kMaxTextBytes || classify_signal(spaced) == kind);
  const TrackerParseResult result =
      parse_from_tracker(serialize(TrackerMessage(SignalFrom{{"a", false}, SignalData(text)})));
  const TrackerMessage* message = std::get_if<TrackerMessage>(&result);
  if (!message) {
    fuzz::require(text.size() > kMaxDataBytes / 6);
    return 0;
  }
  const SignalFrom* signal = std::get_if<SignalFrom>(message);
  fuzz::require(signal != nullptr && signal->data.text() == text);
  return 0;
}

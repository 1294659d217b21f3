#include "check.hpp"
#include "protocol/tracker_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  using namespace hlsmesh::tracker_wire;
  fuzz::check_parser<TrackerMessage, ParseError>(fuzz::view(data, size), kMaxTextBytes,
                                                 parse_from_tracker);
  return 0;
}

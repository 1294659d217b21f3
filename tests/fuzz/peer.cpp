#include "check.hpp"
#include "protocol/peer_messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  fuzz::check_parser<peer::Message, peer::ParseError>(fuzz::view(data, size), peer::kMaxTextBytes,
                                                      peer::parse);
  return 0;
}

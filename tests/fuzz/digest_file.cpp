// The publisher's file of digests: what is read of it can be found, and has values that a segment
// can have; reading the same again changes nothing.

#include "media/digest_file.hpp"

#include <string>

#include "check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hlsmesh;
  const std::string_view text = fuzz::view(data, size);
  DigestFile file;
  if (!file.read(text)) {
    fuzz::require(file.find("a") == nullptr);
    return 0;
  }
  DigestFile again;
  fuzz::require(again.read(text));
  // What stands behind the second space of a line is a name, if the line is one.
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t name = line.find(' ', line.find(' ') + 1);
    if (line.find(' ') == std::string_view::npos || name == std::string_view::npos) continue;
    const std::string_view url = line.substr(name + 1);
    const PublishedDigest* const found = file.find(url);
    if (found == nullptr) continue;
    fuzz::require(found->size > 0 && found->size <= size_t{64} * 1024 * 1024);
    const PublishedDigest* const same = again.find(url);
    fuzz::require(same != nullptr && same->size == found->size && same->digest == found->digest);
  }
  return 0;
}

#include "media/digest_file.hpp"

#include <algorithm>
#include <cstdint>

namespace hlsmesh {
namespace {

constexpr std::string_view kHead = "#HLSMESH-DIGESTS:1";

// Protocol section 5: larger ones are not exchanged.
constexpr size_t kMostBytes = size_t{64} * 1024 * 1024;

// Up to `mark`, which is taken too; all of it if there is none.
std::string_view take_to(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// RFC 4648 section 5, without padding; false if `text` is no digest.
bool read_base64(std::string_view text, Digest& out) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t bits = 0;
  int held = 0;
  size_t size = 0;
  for (const char letter : text) {
    const size_t value = kAlphabet.find(letter);
    if (value == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    if (size == out.size()) return false;
    out[size++] = static_cast<uint8_t>(bits >> held);
  }
  return size == out.size() && text.size() == 43;
}

// 0 if `text` is no size that a segment can have.
size_t read_size(std::string_view text) {
  size_t size = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return 0;
    size = size * 10 + static_cast<size_t>(digit - '0');
    if (size > kMostBytes) return 0;
  }
  return size;
}

}  // namespace

bool DigestFile::read(std::string_view text) {
  by_url_.clear();
  const auto take_line = [&text] {
    std::string_view line = take_to(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
  if (take_line() != kHead) return false;
  while (!text.empty() && by_url_.size() < kMostSegments) {
    std::string_view line = take_line();
    PublishedDigest published;
    if (!read_base64(take_to(line, ' '), published.digest)) continue;
    published.size = read_size(take_to(line, ' '));
    if (published.size > 0 && !line.empty()) by_url_[std::string(line)] = published;
  }
  return true;
}

const PublishedDigest* DigestFile::find_exactly(const std::string& url) const {
  const auto entry = by_url_.find(url);
  return entry == by_url_.end() ? nullptr : &entry->second;
}

const PublishedDigest* DigestFile::find(std::string_view url) const {
  std::string name(url);
  if (const PublishedDigest* const found = find_exactly(name)) return found;
  const size_t query = name.find('?');
  if (query == std::string::npos) return nullptr;
  name.erase(query, std::min(name.find('#'), name.size()) - query);
  return find_exactly(name);
}

}  // namespace hlsmesh

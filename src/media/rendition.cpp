#include "media/rendition.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>
#include <vector>

#include "media/url_parts.hpp"

namespace hlsmesh {
namespace {

// Longest text field kept as it is, counted after escaping. Real names, codecs and languages are a
// third of it; with four such fields a signature stays far below the wire's limit of 1,024 bytes.
constexpr size_t kMaxFieldBytes = 80;

constexpr char kHexDigits[] = "0123456789abcdef";

// Stands between fields, and in none of them.
constexpr char kDelimiter = '/';
// Opens a field that is a hash; escaped in all others, so the two cannot be taken for each other.
constexpr char kHashMark = '~';

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == ',' || c == '-' || c == '_';
}

// FNV-1a, 64 bits. Playlists are the publisher's own, so nobody has cause to seek collisions.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  return hash;
}

void append_number(std::string& out, int32_t value) {
  char digits[12];  // "-2147483648"
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
}

void append_text(std::string& out, std::string_view text) {
  std::string field;
  for (const char c : text) {
    if (is_plain(c)) {
      field += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      field += '%';
      field += kHexDigits[byte >> 4];
      field += kHexDigits[byte & 15];
    }
    if (field.size() > kMaxFieldBytes) {
      field = kHashMark;
      const uint64_t hash = hash_of(text);
      for (int shift = 60; shift >= 0; shift -= 4) field += kHexDigits[(hash >> shift) & 15];
      break;
    }
  }
  out += field;
}

std::vector<std::string_view> parameters_of(std::string_view query) {
  std::vector<std::string_view> parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    if (end > 0) parameters.push_back(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parameters;
}

// What is in `query` and not in all of `others`, as a query.
std::string distinct_parameters(std::string_view query, const std::vector<UrlParts>& others) {
  std::string out;
  for (const std::string_view parameter : parameters_of(query)) {
    const bool shared = std::all_of(others.begin(), others.end(), [&](const UrlParts& other) {
      const auto theirs = parameters_of(other.query);
      return std::find(theirs.begin(), theirs.end(), parameter) != theirs.end();
    });
    if (shared) continue;
    out += out.empty() ? '?' : '&';
    out += parameter;
  }
  return out;
}

// What tells the playlist `own` from `all` playlists with the same facts; empty when nothing need.
std::string distinction(const UrlParts& own, const std::vector<UrlParts>& all) {
  std::string_view shared = directory_of(own.path);
  std::vector<UrlParts> same_path;
  for (const UrlParts& other : all) {
    shared = common_directory(shared, directory_of(other.path));
    if (other.path == own.path) same_path.push_back(other);
  }
  const bool one_host_twice = std::any_of(same_path.begin(), same_path.end(), [&](const auto& a) {
    return std::any_of(same_path.begin(), same_path.end(), [&](const auto& b) {
      return a.authority == b.authority && a.query != b.query;
    });
  });
  const std::string query = one_host_twice ? distinct_parameters(own.query, same_path) : "";
  if (same_path.size() == all.size() && query.empty()) return {};
  return std::string(own.path.substr(shared.size())) + query;
}

}  // namespace

RenditionSignature make_signature(const RenditionFacts& facts) {
  RenditionSignature out;
  append_number(out, static_cast<int32_t>(facts.kind));
  for (const int32_t number : {facts.bitrate, facts.width, facts.height}) {
    out += kDelimiter;
    append_number(out, number);
  }
  for (const std::string_view text : {std::string_view(facts.codecs), std::string_view(facts.name),
                                      std::string_view(facts.language)}) {
    out += kDelimiter;
    append_text(out, text);
  }
  return out;
}

void ChannelRenditions::clear() {
  renditions_.clear();
  derived_ = true;
}

void ChannelRenditions::add(RenditionFacts facts) {
  const auto id = std::pair(facts.kind, facts.index);
  renditions_.insert_or_assign(id, Rendition{std::move(facts), {}});
  derived_ = false;
}

const RenditionSignature& ChannelRenditions::signature(TrackKind kind, int32_t index) const {
  if (!derived_) derive();
  const auto rendition = renditions_.find({kind, index});
  return rendition == renditions_.end() ? none_ : rendition->second.signature;
}

void ChannelRenditions::derive() const {
  std::map<RenditionSignature, std::vector<const Rendition*>> groups;
  for (const auto& [id, rendition] : renditions_) {
    groups[make_signature(rendition.facts)].push_back(&rendition);
  }
  for (const auto& [base, group] : groups) {
    std::vector<UrlParts> playlists;
    for (const Rendition* rendition : group) {
      // A track without a playlist is muxed into another and has no segments of its own.
      if (!rendition->facts.playlist_url.empty()) {
        playlists.push_back(split_url(rendition->facts.playlist_url));
      }
    }
    for (const Rendition* rendition : group) {
      rendition->signature = base;
      if (rendition->facts.playlist_url.empty()) continue;
      const std::string extra = distinction(split_url(rendition->facts.playlist_url), playlists);
      if (extra.empty()) continue;
      rendition->signature += kDelimiter;
      append_text(rendition->signature, extra);
    }
  }
  derived_ = true;
}

bool ChannelRenditions::url_is_unique(std::string_view url) const {
  if (renditions_.empty()) return false;
  const UrlParts parts = split_url(url);
  if (!parts.scheme.empty() || parts.has_authority || parts.path.substr(0, 1) == "/") return true;
  if (parts.path.empty()) return false;
  bool any = false;
  std::string_view directory;
  for (const auto& [id, rendition] : renditions_) {
    if (rendition.facts.playlist_url.empty()) continue;
    const std::string_view own = directory_of(split_url(rendition.facts.playlist_url).path);
    if (any && own != directory) return false;
    directory = own;
    any = true;
  }
  return any;
}

}  // namespace hlsmesh

#include "media/rendition.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <utility>

#include "media/append.hpp"
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
      append_digest(field, text);
      break;
    }
  }
  out += field;
}

// Takes the next parameter off `query`; empty when there is none left.
std::string_view take_parameter(std::string_view& query) {
  std::string_view parameter;
  while (parameter.empty() && !query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parameter;
}

bool has_parameter(std::string_view query, std::string_view wanted) {
  std::string_view parameter;
  do {
    parameter = take_parameter(query);
  } while (!parameter.empty() && parameter != wanted);
  return !parameter.empty();
}

// What is in the query of `own` and not in those of all playlists of its path, as a query.
std::string distinct_parameters(const UrlParts& own, const std::list<UrlParts>& all) {
  std::string out;
  std::string_view query = own.query;
  for (;;) {
    const std::string_view parameter = take_parameter(query);
    if (parameter.empty()) return out;
    const bool shared = std::all_of(all.begin(), all.end(), [&](const UrlParts& other) {
      return other.path != own.path || has_parameter(other.query, parameter);
    });
    if (shared) continue;
    out += out.empty() ? '?' : '&';
    out += parameter;
  }
}

// What tells the playlist `own` from `all` playlists with the same facts; empty when nothing need.
std::string distinction(const UrlParts& own, const std::list<UrlParts>& all) {
  std::string_view shared = directory_of(own.path);
  bool one_path = true;
  bool one_host_twice = false;
  for (const UrlParts& a : all) {
    shared = common_directory(shared, directory_of(a.path));
    if (a.path != own.path) {
      one_path = false;
      continue;
    }
    one_host_twice |= std::any_of(all.begin(), all.end(), [&](const UrlParts& b) {
      return b.path == own.path && a.authority == b.authority && a.query != b.query;
    });
  }
  const std::string query = one_host_twice ? distinct_parameters(own, all) : "";
  if (one_path && query.empty()) return {};
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
  derived_ = false;
  auto place = renditions_.begin();
  while (place != renditions_.end() &&
         (place->facts.kind != facts.kind || place->facts.index != facts.index)) {
    ++place;
  }
  if (place == renditions_.end()) place = renditions_.emplace(place);
  place->base = make_signature(facts);
  place->facts = std::move(facts);
}

const RenditionSignature& ChannelRenditions::signature(TrackKind kind, int32_t index) const {
  if (!derived_) derive();
  const Rendition* rendition = find(kind, index);
  return rendition == nullptr ? none_ : rendition->signature;
}

std::string_view ChannelRenditions::playlist_url(TrackKind kind, int32_t index) const {
  const Rendition* rendition = find(kind, index);
  return rendition == nullptr ? std::string_view() : rendition->facts.playlist_url;
}

const ChannelRenditions::Rendition* ChannelRenditions::find(TrackKind kind, int32_t index) const {
  for (const Rendition& rendition : renditions_) {
    if (rendition.facts.kind == kind && rendition.facts.index == index) return &rendition;
  }
  return nullptr;
}

void ChannelRenditions::derive() const {
  for (const Rendition& own : renditions_) {
    own.signature = own.base;
    // A track without a playlist is muxed into another and has no segments of its own.
    if (own.facts.playlist_url.empty()) continue;
    std::list<UrlParts> playlists;
    for (const Rendition& other : renditions_) {
      const std::string& url = other.facts.playlist_url;
      if (other.base == own.base && !url.empty()) playlists.push_back(split_url(url));
    }
    const std::string extra = distinction(split_url(own.facts.playlist_url), playlists);
    if (extra.empty()) continue;
    own.signature += kDelimiter;
    append_text(own.signature, extra);
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
  for (const Rendition& rendition : renditions_) {
    if (rendition.facts.playlist_url.empty()) continue;
    const std::string_view own = directory_of(split_url(rendition.facts.playlist_url).path);
    if (any && own != directory) return false;
    directory = own;
    any = true;
  }
  return any;
}

}  // namespace hlsmesh

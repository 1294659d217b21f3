#include "media/rendition.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <utility>

#include "media/append.hpp"
#include "media/url_parts.hpp"

namespace hlsmesh {
namespace {

// The longest text field that is kept as it is, counted after escaping. Real names, codecs and
// languages have a third of this length; with seven such fields a signature stays far below the
// wire's limit of 1,024 bytes.
constexpr size_t kMaxFieldBytes = 80;

constexpr char kHexDigits[] = "0123456789abcdef";

// Stands between fields, and in none of them.
constexpr char kDelimiter = '/';

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
      field = kDigestMark;
      append_digest(field, text);
      break;
    }
  }
  out += field;
}

bool same_attributes(const RenditionFacts& a, const RenditionFacts& b) {
  return a.kind == b.kind && a.bitrate == b.bitrate && a.attributes == b.attributes;
}

// Without the host.
std::string address(const UrlParts& url) {
  return std::string(url.path) + '?' + std::string(url.query);
}

}  // namespace

void ChannelRenditions::clear(std::string source) {
  renditions_.clear();
  source_ = std::move(source);
}

void ChannelRenditions::add(RenditionFacts facts) {
  auto place = facts.index < 0 ? renditions_.end() : renditions_.begin();
  while (place != renditions_.end() &&
         (place->facts.kind != facts.kind || place->facts.index != facts.index)) {
    ++place;
  }
  if (place == renditions_.end()) place = renditions_.emplace(place);
  *place = Rendition{std::move(facts), {}, {}};
}

const ChannelRenditions::Rendition* ChannelRenditions::find(TrackKind kind, int32_t index) const {
  for (const Rendition& rendition : renditions_) {
    const RenditionFacts& facts = rendition.facts;
    if (index < 0 || facts.kind != kind || facts.index != index) continue;
    if (rendition.place.empty()) {
      rendition.signature = make_signature(facts);
      append_digest(rendition.place, address(split_url(facts.playlist_url)));
    }
    return &rendition;
  }
  return nullptr;
}

const RenditionSignature& ChannelRenditions::signature(TrackKind kind, int32_t index) const {
  const Rendition* rendition = find(kind, index);
  return rendition == nullptr ? none_ : rendition->signature;
}

std::string_view ChannelRenditions::playlist_url(TrackKind kind, int32_t index) const {
  const Rendition* rendition = find(kind, index);
  return rendition == nullptr ? std::string_view() : rendition->facts.playlist_url;
}

const std::string& ChannelRenditions::place(TrackKind kind, int32_t index) const {
  const Rendition* rendition = find(kind, index);
  return rendition == nullptr ? none_ : rendition->place;
}

// Returns the first listed rendition with these attributes, or `facts` itself if one host has
// several of them (camera angles, for example): then nobody could match those of one host with
// those of another.
const RenditionFacts& ChannelRenditions::first_copy(const RenditionFacts& facts) const {
  const RenditionFacts* first = nullptr;
  for (const Rendition& one : renditions_) {
    if (one.facts.index >= 0 || !same_attributes(one.facts, facts)) continue;
    if (first == nullptr) first = &one.facts;
    const UrlParts url = split_url(one.facts.playlist_url);
    for (const Rendition& other : renditions_) {
      const UrlParts twin = split_url(other.facts.playlist_url);
      if (same_attributes(other.facts, facts) && twin.authority == url.authority &&
          address(twin) != address(url)) {
        return facts;
      }
    }
  }
  return first == nullptr ? facts : *first;
}

RenditionSignature ChannelRenditions::make_signature(const RenditionFacts& own) const {
  const RenditionFacts& facts = first_copy(own);
  RenditionSignature out;
  // A track without a playlist is muxed into another and has no segments of its own.
  if (facts.playlist_url.empty()) return out;
  append_number(out, static_cast<int32_t>(facts.kind));
  out += kDelimiter;
  const UrlParts url = split_url(facts.playlist_url);
  const std::string_view base = directory_of(split_url(source_).path);
  // It is the only one of its kind, and the author wrote nothing about it: a playlist in another
  // directory could have everything else in common.
  const bool unknown =
      facts.attributes.find_first_not_of('\n') == std::string::npos &&
      std::none_of(renditions_.begin(), renditions_.end(), [&](const Rendition& other) {
        return other.facts.kind == facts.kind && other.facts.playlist_url != facts.playlist_url;
      });
  if (!facts.stable_id.empty()) {
    out += kIdMark;
    append_text(out, facts.stable_id);
  } else if (!unknown && !base.empty() && url.path.substr(0, base.size()) == base) {
    append_text(out, url.path.substr(base.size()));
  } else {
    out += kDigestMark;
    append_digest(out, url.path);
  }
  out += kDelimiter;
  if (!url.query.empty() && facts.stable_id.empty()) append_digest(out, url.query);
  std::string_view rest = facts.attributes;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    out += kDelimiter;
    append_text(out, rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return out;
}

bool ChannelRenditions::url_is_unique(std::string_view url) const {
  if (std::none_of(renditions_.begin(), renditions_.end(),
                   [](const Rendition& rendition) { return rendition.facts.index >= 0; })) {
    return false;
  }
  const UrlParts parts = split_url(url);
  if (!parts.scheme.empty() || parts.has_authority || parts.path.substr(0, 1) == "/") return true;
  if (parts.path.empty()) return false;
  bool any = false;
  std::string_view directory;
  for (const Rendition& rendition : renditions_) {
    if (rendition.facts.playlist_url.empty() || rendition.facts.index < 0) continue;
    const std::string_view own = directory_of(split_url(rendition.facts.playlist_url).path);
    if (any && own != directory) return false;
    directory = own;
    any = true;
  }
  return any;
}

}  // namespace hlsmesh

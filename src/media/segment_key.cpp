#include "media/segment_key.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "media/append.hpp"
#include "media/url_parts.hpp"

namespace hlsmesh {
namespace {

// No file name contains one of these, so each of them begins a part of its own.
constexpr char kDirectoryMark = '/';
constexpr char kQueryMark = '?';
constexpr char kRangeMark = '#';
constexpr char kLiveMark[] = "#live";
constexpr char kDateMark[] = "#@";
constexpr std::string_view kPartMark = "#part";  // at the end

// The milliseconds of wall-clock time that share one date in a key. Viewers may compute a segment's
// date from different tags, which differ by the rounding of durations. The coarser the step, the
// rarer two such dates lie on different sides of a boundary; if they do, the viewers do not share
// that segment. Two broadcasts that use the same names and numbers are told apart if one began at
// least this long after the other; if it began sooner, its numbers show it (docs/ARCHITECTURE.md,
// "Presentations").
constexpr double kDateStep = 10'000;
// Packagers prefer dates of whole seconds and frames of 40 or 33 1/3 ms, so no boundary lies on
// those.
constexpr double kDateOffset = 4'317;
constexpr double kLastDate = 1e15;  // far beyond any that is meant
void append_name(std::string& out, std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes && name[0] != kDigestMark &&
      name[0] != kIdMark) {
    out += name;
    return;
  }
  out += kDigestMark;
  append_digest(out, name);
}

void append_part(std::string& out, char mark, std::string_view text) {
  if (text.empty()) return;
  out += mark;
  append_digest(out, text);
}

}  // namespace

std::string ByteRange::to_string() const {
  std::string out;
  append_number(out, start);
  out += '-';
  append_number(out, end);
  return out;
}

SegmentKey make_key(const RenditionSignature& rendition, const SegmentFacts& facts) {
  SegmentKey key{rendition, facts.sn};
  if (rendition.empty()) return key;
  std::string& out = key.rendition;
  out += kNameMark;
  if (facts.named) {
    // The site's id replaces all other parts.
    out += kIdMark;
    append_name(out, facts.url);
    if (facts.part) out += kPartMark;
    return key;
  }
  const UrlParts url = split_url(facts.url);
  std::string_view directory = directory_of(url.path);
  append_name(out, url.path.substr(directory.size()));
  // An absolute URL is the same resource as a relative one.
  const std::string_view base = directory_of(split_url(facts.playlist_url).path);
  if (directory.substr(0, base.size()) == base) directory.remove_prefix(base.size());
  append_part(out, kDirectoryMark, directory);
  append_part(out, kQueryMark, url.query);
  if (!facts.range.whole()) {
    out += kRangeMark;
    out += facts.range.to_string();
  }
  if (facts.live) out += kLiveMark;
  if (facts.date_time > 0 && facts.date_time < kLastDate) {
    out += kDateMark;
    append_number(out, static_cast<int64_t>((facts.date_time + kDateOffset) / kDateStep));
  }
  if (facts.part) out += kPartMark;
  return key;
}

bool is_part(const SegmentKey& key) {
  const std::string_view text = key.rendition;
  return text.size() >= kPartMark.size() &&
         text.substr(text.size() - kPartMark.size()) == kPartMark;
}

std::string_view plain_name(const SegmentKey& key) {
  std::string_view name = key.rendition;
  name.remove_prefix(name.find(kNameMark) + 1);
  return name[0] == kIdMark ? name.substr(1) : name.substr(0, name.find_first_of("/?#"));
}

std::string asking_name(const Segment& segment) {
  std::string out = segment.key.rendition;
  if (!segment.place.empty()) {
    out += kNameMark;
    out += segment.place;
  }
  return out;
}

SegmentKey key_of(std::string_view asking, MediaSequence sn) {
  // What follows the second mark is the place.
  const size_t name = asking.find(kNameMark);
  return SegmentKey{std::string(asking.substr(0, asking.find(kNameMark, name + 1))), sn};
}

bool is_asked(const Segment& segment, std::string_view asking) {
  const std::string_view own = segment.key.rendition;
  const size_t end = asking.rfind(kNameMark);
  const std::string_view place = asking.substr(std::min(end + 1, asking.size()));
  const std::string_view key = asking.substr(0, end);
  if (asking == own || key == own) return true;
  return !segment.place.empty() && place == segment.place &&
         key.find(kNameMark) != std::string_view::npos &&
         key.substr(key.find(kNameMark)) == own.substr(own.find(kNameMark));
}

}  // namespace hlsmesh

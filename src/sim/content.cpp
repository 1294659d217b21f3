#include "sim/content.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "media/piece_digests.hpp"

namespace hlsmesh::sim {
std::string Content::channel() const { return "https://cdn.sim/stream/master.m3u8"; }

std::vector<RenditionFacts> Content::renditions() const {
  std::vector<RenditionFacts> out;
  for (size_t i = 0; i < config_.bitrates.size(); ++i) {
    RenditionFacts facts;
    facts.index = static_cast<int32_t>(i);
    facts.bitrate = config_.bitrates[i];
    facts.attributes = "avc1.4d401f,mp4a.40.2\n" + std::to_string(640 + 320 * facts.index) + 'x' +
                       std::to_string(360 + 180 * facts.index) + "\n\n\n\n";
    facts.playlist_url = "https://cdn.sim/stream/v" + std::to_string(i) + "/index.m3u8";
    out.push_back(std::move(facts));
  }
  if (has_audio()) {
    RenditionFacts facts;
    facts.kind = TrackKind::kAudio;
    facts.bitrate = config_.audio_bitrate;
    facts.attributes = "\n\nen\n\nEnglish\n";
    facts.playlist_url = "https://cdn.sim/stream/a0/index.m3u8";
    out.push_back(std::move(facts));
  }
  return out;
}

Playlist Content::playlist(Time now) const {
  Playlist out;
  out.first = MediaSequence(config_.first_sn);
  if (!config_.live) {
    out.last = MediaSequence(config_.first_sn + config_.vod_segments - 1);
    out.ended = true;
    return out;
  }
  if (config_.restart_at) {
    const Time anew = *config_.restart_at + config_.restart_takes;
    const int64_t made = (now - anew) / config_.segment_duration;
    if (now > anew && made > 0) {
      out.last = MediaSequence(made - 1);
      out.first = MediaSequence(std::max<int64_t>(0, made - config_.live_window));
      return out;
    }
    now = std::min(now, *config_.restart_at);
  }
  const int64_t passed = now.time_since_epoch() / config_.segment_duration;
  out.first = MediaSequence(config_.first_sn + passed);
  out.last = MediaSequence(config_.first_sn + passed + config_.live_window - 1);
  return out;
}

Time Content::available_at(MediaSequence sn) const {
  if (!config_.live) return Time{};
  if (is_anew(sn)) {
    return *config_.restart_at + config_.restart_takes +
           config_.segment_duration * (sn.value() + 1);
  }
  return Time{} +
         config_.segment_duration * (sn.value() - config_.first_sn - config_.live_window + 1);
}

std::string Content::url(MediaSequence sn) const {
  return "seg" + std::to_string(sn.value()) + ".ts";
}

size_t Content::segment_bytes(RenditionId rendition, MediaSequence sn) const {
  const int32_t bitrate = rendition.kind == TrackKind::kAudio
                              ? config_.audio_bitrate
                              : config_.bitrates[static_cast<size_t>(rendition.index)];
  const auto mean =
      static_cast<int64_t>(bitrate) / 8 * config_.segment_duration.count() / 1'000'000;
  // An encoder's segments differ by some tenths around the mean; sevenths of it keep sizes odd.
  const int64_t swing = mean / 5 * ((sn.value() * 3 + rendition.index) % 7 - 3) / 3;
  return static_cast<size_t>(std::max<int64_t>(1, mean + swing));
}

const SharedBody& Content::body(RenditionId rendition, MediaSequence sn) const {
  const uint32_t name = tag(rendition, sn);
  const auto known = bodies_.find(name);
  if (known != bodies_.end()) return known->second;
  const auto made = bodies_.emplace(std::piecewise_construct, std::forward_as_tuple(name),
                                    std::forward_as_tuple(name, segment_bytes(rendition, sn)));
  const SharedBody& body = made.first->second;
  by_address_[body.bytes().data()] = &body;
  return body;
}

std::string Content::digests(RenditionId rendition, Time now) const {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string file = "#HLSMESH-DIGESTS:1\n";
  const Playlist listed = playlist(now);
  for (int64_t sn = listed.first.value(); sn <= listed.last.value(); ++sn) {
    std::string& line = digest_lines_[tag(rendition, MediaSequence(sn))];
    if (line.empty()) {
      const ByteView bytes = body(rendition, MediaSequence(sn)).bytes();
      const Digest digest = PieceDigests::of(bytes)->digest();
      uint32_t bits = 0;
      int held = 0;
      for (const uint8_t byte : digest) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6) line += kAlphabet[bits >> (held - 6) & 63];
      }
      line += kAlphabet[bits << (6 - held) & 63];
      line += " " + std::to_string(bytes.size()) + " " + url(MediaSequence(sn)) + "\n";
    }
    file += line;
  }
  return file;
}

Piece Content::piece(ByteView bytes) const {
  const auto after = by_address_.upper_bound(bytes.data());
  if (after != by_address_.begin()) {
    const SharedBody* const body = std::prev(after)->second;
    const auto offset = static_cast<size_t>(bytes.data() - body->bytes().data());
    if (offset + bytes.size() <= body->bytes().size()) return {body, offset, bytes};
  }
  return {nullptr, 0, bytes};
}

uint32_t Content::tag(RenditionId rendition, MediaSequence sn) {
  // 20 bits of number, 8 of index, 4 of kind: enough for 48 days of 4-second segments.
  return static_cast<uint32_t>(sn.value() & 0xfffff) |
         static_cast<uint32_t>(rendition.index & 0xff) << 20 |
         static_cast<uint32_t>(rendition.kind) << 28;
}

}  // namespace hlsmesh::sim

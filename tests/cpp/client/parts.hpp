#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/command_queue.hpp"
#include "client/download/parent.hpp"
#include "client/download/wish.hpp"
#include "media/segment_key.hpp"
#include "protocol/peer_messages.hpp"

// What tests of one part of the client need of the others.
namespace hlsmesh::test {

// Where the clock of these tests begins.
inline constexpr TimeMs kStart{DurationMs(1'000'000)};

inline TimeMs after(int64_t ms) { return kStart + DurationMs(ms); }

// Segment `sn` of a rendition: 4 s long, "segN.ts".
inline Segment part_segment(int64_t sn, const RenditionSignature& rendition = "main") {
  const std::string url = "https://cdn.example/live/seg" + std::to_string(sn) + ".ts";
  SegmentFacts facts;
  facts.sn = MediaSequence(sn);
  facts.url = url;
  facts.playlist_url = "https://cdn.example/live/index.m3u8";
  Segment segment;
  segment.key = make_key(rendition, facts);
  segment.url = "seg" + std::to_string(sn) + ".ts";
  segment.span = MediaSpan{static_cast<double>(sn) * 4, 4};
  return segment;
}

inline Wish part_wish(int64_t sn, const RenditionSignature& rendition = "main") {
  Wish wish;
  wish.segment = part_segment(sn, rendition);
  wish.shareable = wish.streams = wish.listed = true;
  return wish;
}

// A REQUEST for it, by a peer of extension 1 or higher.
inline peer::Fields request_for(const Segment& segment) {
  peer::Fields request;
  request.event = peer::Event::kRequest;
  request.url = plain_name(segment.key);
  request.sn = segment.key.sn;
  request.rendition = asking_name(segment);
  return request;
}

// Packed audio, by its first two bytes.
inline std::string part_body(size_t size) {
  std::string bytes(size, 'a');
  bytes.replace(0, 2, "\xff\xf1");
  return bytes;
}

inline ByteView part_view(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Fills a segment of a cache. Returns it.
inline SegmentPtr fill_with(const SegmentPtr& segment, std::string_view bytes) {
  REQUIRE(segment != nullptr);
  const MutableBytes room = segment->room(0, bytes.size());
  REQUIRE(room.size() == bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  REQUIRE(segment->commit(0, bytes.size()));
  return segment;
}

// The commands that wait, with their texts copied.
struct Told {
  CommandKind kind = CommandKind::kNone;
  PeerHandle peer;
  LoadId load;
  int32_t code = 0;
  double aux = 0;
  double t0 = 0;
  double t1 = 0;
  std::string text;
  size_t bytes = 0;

  bool is_event(EventCode event) const {
    return kind == CommandKind::kEvent && code == static_cast<int32_t>(event);
  }
  // What is said on a data channel.
  peer::Fields message() const {
    peer::Fields fields;
    REQUIRE(kind == CommandKind::kChannelSendText);
    REQUIRE_FALSE(peer::read(text, fields).has_value());
    return fields;
  }
};
inline std::vector<Told> take_commands(CommandQueue& commands) {
  std::vector<Told> found;
  while (const Command* next = commands.pop()) {
    found.push_back({next->kind, next->peer, next->load, next->code, next->aux, next->t0, next->t1,
                     std::string(next->text), next->data.size()});
  }
  return found;
}

// A peer that we ask, on an open channel.
struct OpenParent {
  const PeerId id;
  Link link;
  Parent parent;

  OpenParent(CommandQueue& commands, int32_t number, bool extended = true)
      : id{std::to_string(number)},
        link(commands, PeerHandle(number), 1024 * 1024),
        parent(PeerHandle(number), id, link) {
    link.on_open(kStart, 0);
    parent.requester.on_open(kStart);
    if (!extended) return;
    link.extension = 1;
    parent.requester.on_extension(kStart);
  }
};

}  // namespace hlsmesh::test

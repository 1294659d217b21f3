// The segments that everybody means, and what their publisher says of them.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/bytes.hpp"
#include "media/piece_digests.hpp"

namespace hlsmesh::fuzz {

inline constexpr int64_t kSegments = 8;

// Sizes at which something changes: one piece, a message, more than is asked for at a time.
inline size_t size_of(int64_t sn) {
  constexpr size_t kSizes[] = {1, 16'384, 16'385, 61'440, 65'536, 150'000, 300'000, 700'000};
  return kSizes[static_cast<size_t>(sn) % kSegments];
}

// Packed audio, by its first two bytes.
inline uint8_t byte_of(int64_t sn, size_t at) {
  if (at == 0) return 0xff;
  if (at == 1) return 0xf1;
  return static_cast<uint8_t>(at * 31 + static_cast<size_t>(sn) * 7 + at / 16'384);
}

// The name of the segment in its playlist.
inline std::string url_of(int64_t sn) { return "seg" + std::to_string(sn) + ".ts"; }

inline const PieceDigests& digests_of(int64_t sn) {
  static const auto all = [] {
    std::array<Shared<PieceDigests>, kSegments> out;
    for (int64_t each = 0; each < kSegments; ++each) {
      std::string bytes;
      for (size_t at = 0; at < size_of(each); ++at) {
        bytes.push_back(static_cast<char>(byte_of(each, at)));
      }
      out[static_cast<size_t>(each)] =
          PieceDigests::of({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    }
    return out;
  }();
  return *all[static_cast<size_t>(sn % kSegments)];
}

// The publisher's file. `lack` is the first segment that it does not name.
inline std::string digest_file(int64_t lack) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out = "#HLSMESH-DIGESTS:1\n";
  for (int64_t sn = 0; sn < std::min(lack, kSegments); ++sn) {
    uint32_t bits = 0;
    int held = 0;
    for (const uint8_t byte : digests_of(sn).digest()) {
      bits = bits << 8 | byte;
      for (held += 8; held >= 6; held -= 6) out.push_back(kAlphabet[bits >> (held - 6) & 63]);
    }
    if (held > 0) out.push_back(kAlphabet[bits << (6 - held) & 63]);
    out += " " + std::to_string(size_of(sn)) + " " + url_of(sn) + "\n";
  }
  return out;
}

}  // namespace hlsmesh::fuzz

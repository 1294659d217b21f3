#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "common/time.hpp"
#include "protocol/tracker_messages.hpp"
#include "tracker/peer.hpp"
#include "tracker/view_writer.hpp"

namespace hlsmesh::tracker {

// What a viewer may say about its playback: no more seconds than have passed, whatever it enters
// and however often it reports.
class PlaybackCredit {
 public:
  explicit PlaybackCredit(TimeMs opened_at) : at_(opened_at) {}

  // Reduces a report to what can have happened. A first frame counts once.
  void bound(tracker_wire::Statistics& report, TimeMs now);

 private:
  // A viewer has played for a while before it connects, or connects again.
  static constexpr double kPlayedBefore = 60;

  double seconds_ = kPlayedBefore;
  TimeMs at_;
  bool told_first_ = false;
};

// What a part of the audience has reported since the last take(), and its present size.
struct Tally {
  int32_t viewers = 0;
  double cdn_kb = 0;
  double p2p_kb = 0;
  double up_kb = 0;
  double played = 0;  // seconds, like `stalled`
  double stalled = 0;
  double stalls = 0;
  double firsts = 0;     // viewers that told the time to their first frame
  double first_log = 0;  // sum of the logarithms of these times, in seconds

  // It has nothing to tell.
  bool empty() const { return viewers == 0 && cdn_kb + p2p_kb + up_kb + played + firsts == 0; }
};

// What shadows report: viewers who play from the CDN and try what peers would bring.
struct Shadows {
  int32_t viewers = 0;  // now
  double cdn_kb = 0;    // that would have come from the CDN
  double p2p_kb = 0;    // the same from peers
  double loads = 0;
  double missed = 0;  // loads that would have asked the CDN for something
  double wrong = 0;   // loads of which peers brought other bytes than the CDN
};

// Sums over the viewers of one side of a comparison, from which a mean and its error follow. The
// unit is a viewer, since the seconds of one viewer are not independent of each other.
struct Sums {
  double viewers = 0;
  double played = 0;
  double stalled = 0;
  double played_played = 0;
  double played_stalled = 0;
  double stalled_stalled = 0;
  double stalling = 0;  // viewers that stalled at least once
  double firsts = 0;
  double first_log = 0;
  double first_log_squared = 0;

  void add(const Watched& watched);
};

// Adds up what viewers report, by channel, provider, country, device, browser and site, for whoever
// calls take() now and then. Names that viewers choose are bounded in number and length.
class Audience {
 public:
  enum Dimension : size_t { kChannel, kIsp, kCountry, kDevice, kBrowser, kSite, kDimensions };
  static constexpr std::array<std::string_view, kDimensions> kNames = {
      "channel", "isp", "country", "device", "browser", "site"};
  // The most names of one dimension; what comes later is one sum, until another name is unused.
  static constexpr size_t kMostNames = 200;
  // Of a browser's or provider's name.
  static constexpr size_t kMostNameBytes = 64;
  // A viewer who has watched for less, in seconds, is not compared.
  static constexpr double kShortestView = 10;

  // The peer is in its channel, as long as remove() was not called.
  void add(Peer& peer);
  void remove(Peer& peer);
  // `report` is bounded. Of a shadow, all bytes count as the CDN's.
  void report(Peer& peer, const tracker_wire::Statistics& report);
  // Since the engine started.
  const Shadows& shadows() const { return shadows_; }

  // Calls `note` for every viewer that is here, then writes the fields `tallies`, `compared` and
  // `shadow` (tracker.hpp), and begins again with all that is not about the present. `is_live` is
  // asked by a channel's name.
  using Note = std::function<void(const Peer&)>;
  void take(ViewWriter& json, const std::function<void(const Note&)>& visit_all,
            const std::function<bool(std::string_view)>& is_live);

  // Calls `visit` with the name of each site that has had viewers lately, and its viewers. The name
  // is nullptr for sites that were too many.
  void visit_sites(const std::function<void(const std::string*, int32_t)>& visit) const;

 private:
  using Names = std::map<std::string, Tally, std::less<>>;
  struct Compared {
    Sums ended;
    Sums present;
  };

  Tally& tally(Dimension dimension, std::string_view name);
  void add_shadow(Peer& peer, const tracker_wire::Statistics& report);
  Compared& side(bool control) { return control ? control_ : with_peers_; }

  std::array<Names, kDimensions> names_;
  std::array<Tally, kDimensions> others_;
  Compared with_peers_;
  Compared control_;
  Shadows shadows_;
  Shadows shadows_told_;
};

}  // namespace hlsmesh::tracker

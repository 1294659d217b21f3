#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "client/download/cdn.hpp"
#include "sim/content.hpp"
#include "sim/network.hpp"
#include "sim/rtc.hpp"

namespace hlsmesh::sim {

using FetchId = Strong<struct FetchIdTag, int64_t>;

// What the origin makes of a request for a part of a segment.
enum class Ranges : uint8_t {
  kServed,
  kIgnored,  // it sends all of the segment
  kRefused,  // with an error, as where CORS forbids them
};

struct CdnConfig {
  Duration latency = std::chrono::milliseconds(20);  // one way, beyond the viewer's own
  double bits_per_second = 0;                        // of all answers together; 0: no limit
  // Each so-manieth fetch of a viewer is answered late by `hiccup`; 0: none is.
  int32_t hiccup_every = 0;
  Duration hiccup = std::chrono::seconds(8);
  // Each so-manieth fetch of a viewer is answered with an error; 0: none is.
  int32_t error_every = 0;
  // Other than 0: one in so many segments of a viewer has that fate when it is fetched first, drawn
  // with this seed, so that a viewer and its twin meet the same. 0: the viewer's fetches are
  // counted.
  uint64_t fates = 0;
  Ranges ranges = Ranges::kServed;
};

// Requests that arrive within [from, to) are answered with an error.
struct CdnOutage {
  Time from;
  Time to;
};

class CdnUser {
 public:
  virtual ~CdnUser() = default;
  // `size` bytes of the segment have come, from `offset` on. It may cancel the fetch.
  virtual void on_cdn_bytes(FetchId fetch, size_t offset, size_t size) = 0;
  virtual void on_cdn_done(FetchId fetch) = 0;
  virtual void on_cdn_failed(FetchId fetch) = 0;
};

// The origin as a viewer meets it, and its log: who was sent what.
class Cdn : private PipeSink {
 public:
  Cdn(EventQueue& queue, Network& network, const Content& content, CdnConfig config);

  void add_outage(CdnOutage outage) { outages_.push_back(outage); }

  // No answer is late or an error any more, but in outages and where ranges are refused.
  void be_reliable() { config_.hiccup_every = config_.error_every = 0; }

  // An answer of a range that the origin ignores begins at offset 0.
  FetchId fetch(CdnUser& user, Access access, RenditionId rendition, MediaSequence sn,
                FetchRange range = {});
  // The answer is dropped wherever it is; nothing more is reported.
  void cancel(FetchId fetch);
  // When the answer to a playlist request made now is there: small, never refused.
  Time playlist_at(Access access) const;

  struct Copies {
    int32_t asked = 0;
    int32_t whole = 0;  // sent to their end
    double sent = 0;    // whole ones; of ranges their part of it, as far as they came
  };
  const std::map<std::pair<RenditionId, MediaSequence>, Copies>& copies() const { return copies_; }
  // Of whole segments, and of ranges as far as they came.
  uint64_t sent_bytes() const { return sent_bytes_; }
  int32_t errors() const { return errors_; }

 private:
  struct Fetch {
    CdnUser* user = nullptr;
    RenditionId rendition;
    MediaSequence sn;
    PipeId pipe{};
    bool refused = false;
    bool ranged = false;  // a range was asked for
    size_t at = 0;        // where in the segment the next byte belongs
    size_t end = 0;
  };
  // Whether a fetch is one in `every`; `what` tells fates of one segment apart.
  bool struck(int32_t every, uint64_t what, const CdnUser& user, Access access,
              RenditionId rendition, MediaSequence sn);
  void answer(FetchId id, Access access);
  void count(const Fetch& fetch, size_t bytes);
  void on_pipe_message(uint64_t cookie, Message message) override;
  void on_pipe_drained(uint64_t cookie, size_t buffered) override;

  EventQueue& queue_;
  Network& network_;
  const Content& content_;
  CdnConfig config_;
  LineId line_ = kUnlimitedLine;
  std::vector<CdnOutage> outages_;
  std::map<FetchId, Fetch> fetches_;
  std::map<const CdnUser*, int32_t> fetches_of_;  // how many each viewer has made
  std::set<std::tuple<uint64_t, LineId, RenditionId, MediaSequence>> fates_met_;
  int64_t next_ = 1;
  std::map<std::pair<RenditionId, MediaSequence>, Copies> copies_;
  uint64_t sent_bytes_ = 0;
  int32_t errors_ = 0;
};

}  // namespace hlsmesh::sim

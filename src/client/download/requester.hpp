#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string_view>

#include "cache/segment_cache.hpp"
#include "client/clock.hpp"
#include "client/download/download.hpp"
#include "common/ids.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// One REQUEST to a parent.
struct Ask {
  Segment segment;
  bool by_rendition = false;   // the request carried the rendition, and so must the answer
  std::optional<LoadId> load;  // who waits for it; nobody after an abort or a fallback
  bool unwanted = false;       // of an earlier presentation: the answer is thrown away
  TimeMs asked_at{};
  Part part;  // while the answer may still bring the segment

  // The same when no answer is waited for any more.
  Ask overdue() const {
    return Ask{segment, by_rendition, std::nullopt, unwanted, asked_at, Part()};
  }
};

// The answer to an Ask, on its way.
struct Transfer {
  Ask ask;
  SegmentPtr buffer;  // nullptr: the bytes are counted and thrown away
  size_t size = 0;
  int64_t attachments = 0;
  size_t received = 0;
  int64_t packets = 0;
  bool looked_at = false;     // its first bytes were, and may be media
  uint64_t bytes_before = 0;  // what had come from all peers when it began
  TimeMs started_at{};        // the header's arrival: the answer's first byte
  TimeMs progress_at{};       // the last packet's
  TimeMs told_at{};           // when the load last heard how far it has come
  TimeMs look_at{};           // when it is judged next, if nobody waits for it

  // How much had arrived when.
  struct Mark {
    TimeMs at{};
    size_t received = 0;
  };
  Mark mark;       // its rate is measured from here on
  Mark next_mark;  // and half a second later from here on

  // Bytes per millisecond of the last second or so; nullopt before anything can be said.
  std::optional<double> bytes_per_ms(TimeMs now) const;
  // What is still to come is thrown away.
  void drop() {
    buffer = nullptr;
    ask.part.release();
  }
};

// Asks one parent. A channel carries one request at a time (protocol section 2), and there is no
// way to cancel one: an answer that nobody waits for any more is still received, so that the
// channel stays usable, and a request that was never answered is remembered, so that its late
// answer is not taken for a lie.
//
//          ask             BINARY                   last packet
//   idle --------> asked ----------> receiving -------------------> idle
//    ^               | LACK               | no packet for long: the peer is given up
//    +---------------+
//    ^               | 2 s of silence
//    +--rest 5 s-----+   (second time in a row: the peer is given up)
class Requester {
 public:
  void on_open(TimeMs now);
  // The peer speaks extension 1 or higher: version-1 workarounds are off.
  void on_extension(TimeMs now);

  bool idle() const { return !asked_ && !transfer_; }
  // Not to be asked before.
  TimeMs ready_at() const { return ready_at_; }
  // It left a request unanswered, and is given time to come round.
  bool resting(TimeMs now) const { return silences_ > 0 && now < ready_at_; }
  // Of the transfer under way, else of past ones; 0 while unknown. A slow parent may have become
  // faster: what was measured long ago counts for more than it was.
  double bytes_per_ms(TimeMs now) const;
  // It has delivered, and has not failed us since.
  bool proven() const { return proven_; }
  // Until the transfer under way is expected to end; nullopt when nobody can tell.
  std::optional<DurationMs> remaining(TimeMs now) const;
  // It refuses what it could have refused at once, again and again.
  bool dawdles() const {
    return late_lacks_ >= (bytes_per_ms_ > 0 ? 2 * kMostLateLacks : kMostLateLacks);
  }

  // Only when idle and ready. The message is the caller's to send. Without a load the answer goes
  // to the cache.
  peer::Fields ask(TimeMs now, const Segment& segment, std::optional<LoadId> load,
                   bool by_rendition, Part part);
  // If the segment is asked for or arriving, and nobody waits for it, `load` does from now on.
  bool join(const SegmentKey& key, LoadId load);
  // Nobody wants what was asked for of the rendition, or of any if it is empty: the answers, late
  // ones included, are received and thrown away.
  void forget(std::string_view rendition);

  // The load no longer waits for this peer; the request or transfer goes on for nobody, and a
  // buffer that no cache holds is given up.
  void detach(LoadId load);
  // The request or transfer that `load` waits for.
  const Ask* asked_by(LoadId load) const;
  // The load waiting here, if any.
  std::optional<LoadId> load() const;

  enum class Answer { kExpected, kUnasked, kWithinTransfer };
  // A BINARY header. After kExpected a transfer is under way, without a buffer.
  Answer on_header(TimeMs now, const peer::Fields& header);
  enum class Refusal { kCurrent, kEarlier, kUnasked };
  // A LACK. After kCurrent nothing is asked any more; `load` is who waited for it, and `held` says
  // that the parent has put off its answer, as one does that is getting the segment.
  Refusal on_lack(TimeMs now, const peer::Fields& lack, std::optional<LoadId>& load, bool& held);

  // Whether the segment is asked for or arriving.
  bool brings(const SegmentKey& key) const {
    return (asked_ && asked_->part && asked_->segment.key == key) ||
           (transfer_ && transfer_->ask.part && transfer_->ask.segment.key == key);
  }
  // Downloads that it has a part in.
  size_t parts() const {
    return (asked_ && asked_->part ? 1u : 0u) + (transfer_ && transfer_->ask.part ? 1u : 0u);
  }

  Transfer* transfer() { return transfer_ ? &*transfer_ : nullptr; }
  const Transfer* transfer() const { return transfer_ ? &*transfer_ : nullptr; }
  // Where the next packet of `size` bytes goes; empty if it does not fit or is not wanted.
  MutableBytes room(size_t size);
  enum class Packet { kMore, kComplete, kUnexpected, kTooMuch, kTooLittle, kEmpty };
  Packet on_packet(TimeMs now, size_t size);
  // Ends the transfer, complete or not.
  std::optional<Transfer> take_transfer(TimeMs now);

  // The connection ended: nothing is asked any more.
  void stop() { asked_.reset(); }

  TimeMs next_due() const;
  enum class Due {
    kNothing,
    kRepeat,   // send repeated() once more
    kSilent,   // the request went unanswered; the peer may be asked again after a rest
    kStalled,  // the transfer does not move; whoever waits should look elsewhere
    kGone,     // give this peer up
  };
  Due on_timeout(TimeMs now, std::optional<LoadId>& load);
  peer::Fields repeated() const;

 private:
  // In a row, from a parent that has delivered nothing yet; from another twice as many. A live
  // parent that is refreshed after us holds a request or two of each segment.
  static constexpr int kMostLateLacks = 3;

  static bool answers(const Ask& ask, const peer::Fields& answer);
  static std::string_view wire_url(const Ask& ask);
  static peer::Fields message(const Ask& ask);
  void remember(const Ask& ask);
  // The load that waits for the transfer does so no longer.
  void leave_transfer();

  bool version1_ = true;
  TimeMs opened_at_{};
  TimeMs ready_at_{};
  std::optional<Ask> asked_;
  TimeMs answer_due_ = kNever;
  bool may_repeat_ = false;
  int asks_ = 0;
  int silences_ = 0;  // unanswered requests in a row
  std::list<Ask> overdue_;
  std::optional<Transfer> transfer_;
  bool stall_told_ = false;
  double bytes_per_ms_ = 0;
  TimeMs measured_at_{};
  bool proven_ = false;
  int late_lacks_ = 0;  // in a row; one that is hardly honest counts twice
};

}  // namespace hlsmesh

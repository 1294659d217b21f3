#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "client/clock.hpp"
#include "client/link/channel.hpp"
#include "common/piece_set.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// What a REQUEST says of its segment, for an answer of another event.
peer::Fields answer_to(const peer::Fields& request, peer::Event event);

// Where an uploader finds what its child asks for.
class SegmentShelf {
 public:
  // A complete segment, or nullptr.
  virtual SegmentPtr find(TimeMs now, const peer::Fields& request) = 0;
  // Whether find() may well succeed within seconds.
  virtual bool coming(TimeMs now, const peer::Fields& request) = 0;
  // The newest segment that find() could find, -1 when there is none.
  virtual MediaSequence newest(TimeMs now) = 0;
  // A segment that is complete or on its way, in pieces; or nullptr.
  virtual SegmentPtr find_any(TimeMs now, const peer::Fields& want) = 0;
  // Whether pieces of a segment that find_any() returned may still be given away.
  virtual bool may_give(const SegmentPtr& body) = 0;
  // Whether the neighbor may have pieces of it: of a segment that it was given it may not.
  virtual bool may_begin(TimeMs now, PeerHandle to, SegmentBuffer& segment) = 0;
  // The neighbor has had most of the segment.
  virtual void note_given(PeerHandle to, SegmentBuffer& segment) = 0;
  // Whether the neighbor may be sent `bytes` of the segment; if so, they count as sent.
  virtual bool admit(TimeMs now, PeerHandle to, SegmentBuffer& segment, size_t bytes) = 0;
  // Whether the neighbor gives others what it has.
  virtual bool passes_on(PeerHandle neighbor) = 0;
  // Whether segments are exchanged while they are new, so that all want the first piece at once.
  virtual bool is_live() = 0;
  // The pieces of the segment that were sent to anybody, as far as that is remembered. Valid until
  // the next call.
  virtual PieceSet& spread(const SegmentBuffer& body) = 0;
  // Pieces of the segment that nobody is to be told of yet.
  virtual PieceSet doubted(TimeMs now, const SegmentBuffer& body) = 0;
  // A neighbor that holds these pieces of the segment is not to be told of that one, nor of later
  // ones, before earlier ones are sent.
  virtual uint32_t told_before(TimeMs now, const SegmentBuffer& body, PieceSet held) = 0;
  // Adds the pieces of the segment that the neighbor has said it holds.
  virtual void add_held(PeerHandle neighbor, const SegmentBuffer& body, PieceSet& held) = 0;
  // Whether `bytes` of pieces may be queued for the neighbor now.
  virtual bool line_has_room(TimeMs now, PeerHandle to, size_t bytes) = 0;
  enum class Turn { kNow, kLater, kRefused };
  // Whether the segment may be sent to the child; after kNow it is. `last`: it cannot wait for its
  // turn any more.
  virtual Turn turn(TimeMs now, PeerHandle child, SegmentBuffer& segment, bool last) = 0;

 protected:
  ~SegmentShelf() = default;
};

// Serves one child. Every request is answered within 2 s of its arrival, as protocol section 2
// demands: by BINARY if the segment is there or comes in time, else by LACK.
//
//   REQUEST --> queued --segment there--> BINARY, packets as the channel has room --> done
//                 | not there, not coming; held for kHold; or it must not be sent, or not in time
//                 v
//               LACK
class Uploader {
 public:
  // An honest child has one request outstanding, or two after a repeat; some of version 1 queue one
  // per track. Past this many the peer misbehaves.
  static constexpr size_t kMostQueued = 8;
  // How long an answer may be put off. What is left of the 2 s is the answer's way to the child.
  static constexpr DurationMs kHold{1'700};
  // A child that takes nothing for this long while packets wait is gone.
  static constexpr DurationMs kStalled{30'000};

  // False if the child has too many requests unanswered.
  bool on_request(TimeMs now, peer::Fields request);

  // Sends what can be sent now. Returns the media bytes that went out.
  size_t pump(TimeMs now, Channel& channel, SegmentShelf& shelf);
  // The channel took some of what was queued.
  void on_progress(TimeMs now) { progress_at_ = now; }

  TimeMs next_due() const;
  bool idle() const { return serving_ == nullptr; }
  // When the channel last took something.
  TimeMs progress_at() const { return progress_at_; }
  // Requests wait for a segment to come, or for the line to be free.
  bool holds() const { return !queue_.empty(); }
  bool stalled(TimeMs now) const { return serving_ != nullptr && now - progress_at_ >= kStalled; }

 private:
  struct Queued {
    peer::Fields request;
    TimeMs arrived_at{};
  };

  size_t send_packets(TimeMs now, Channel& channel);
  bool answer_next(TimeMs now, Channel& channel, SegmentShelf& shelf);
  static void lack(TimeMs now, Channel& channel, SegmentShelf& shelf, const peer::Fields& request);

  std::list<Queued> queue_;
  SegmentPtr serving_;  // its header is out, [0, sent_) of its bytes too
  size_t sent_ = 0;
  TimeMs progress_at_{};
};

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "client/clock.hpp"
#include "client/download/download.hpp"
#include "common/ids.hpp"
#include "common/piece_set.hpp"
#include "protocol/data_frame.hpp"
#include "protocol/peer_messages.hpp"

namespace hlsmesh {

// Our interest in one download, as one neighbor knows it (docs/PROTOCOL.md, extension 2).
struct PieceAsk {
  uint32_t transfer = 0;
  Part part;
  size_t size = 0;       // of the segment, as it has said; 0: it has said nothing
  PieceSet has;          // what it holds, as far as it has said
  PieceSet left;         // asked of it, and not here yet
  PieceSet moved;        // asked of others in its place
  TimeMs moved_until{};  // until then it is not asked for those
  TimeMs opened_at{};
  TimeMs answer_until{};  // until then it says whether it comes
  bool gave = false;      // some of it has come
  // The digests of its pieces, of which the first `digests_come` are here; nullptr: not asked for.
  Shared<PieceDigests> digests;
  size_t digests_come = 0;
  TimeMs digests_until{};  // until then nobody else is asked for them
  struct Asked {
    uint32_t piece;
    TimeMs at;
  };
  std::list<Asked> asked;  // the same, and when
  TimeMs look_at{};        // when it is judged by what has come

  Download& download() const { return *part.download(); }
  // What it may be asked for now.
  PieceSet offers(TimeMs now) const {
    PieceSet offers = has;
    if (now < moved_until) offers.remove(moved);
    return offers;
  }
};

// What one neighbor was asked for.
class PieceAsks {
 public:
  // Transfers that one connection may have open, in each direction.
  static constexpr size_t kMostOpen = 16;

  // Only while full() is false. Returns the WANT to send.
  peer::Fields open(TimeMs now, Part part, DurationMs within);
  // Asks for more pieces of it. Returns the WANT to send.
  static peer::Fields ask(TimeMs now, PieceAsk& ask, const PieceSet& pieces);
  // Whoever has not sent them within this time loses its part to another.
  static constexpr DurationMs kDigestsWithin{600};
  // The same, and for the digests of all its pieces, in front of them.
  peer::Fields ask_with_digests(TimeMs now, PieceAsk& ask, const PieceSet& pieces);
  // Does not want `pieces` any more. Returns the CANCEL to send.
  peer::Fields cancel(PieceAsk& ask, const PieceSet& pieces);
  // Wants nothing more of the transfer. Returns the CANCEL to send.
  peer::Fields close(PieceAsk& ask);
  // Wants nothing of the transfer any more but to hear when the neighbor has some of the segment,
  // which the player asked for at `asked_at`; unless it listens for another one.
  void listen(const PieceAsk& ask, TimeMs asked_at);
  // The neighbor has some of the transfer's segment. Returns the CANCEL to send; nullopt: it
  // listens for another one.
  std::optional<peer::Fields> hear_have(TimeMs now, uint32_t transfer);
  // The neighbor lacks it, and has ended the transfer.
  void hear_lack(uint32_t transfer);
  bool listens() const { return listening_ > 0; }
  // For a segment of that number, of any rendition.
  bool listens_for(MediaSequence sn) const { return listens() && listening_for_ == sn; }
  // Only while it listens. Returns the CANCEL to send.
  peer::Fields stop_listening();
  // How long after the player had asked it had some of such segments; nullopt: not known.
  std::optional<DurationMs> late() const { return late_; }
  // So long after the player had asked for a segment it had some of it.
  void on_late(DurationMs after) { late_ = (late_.value_or(after) + after) / 2; }
  // The transfer is over on the other side too.
  void end(const PieceAsk& ask);
  void clear() { asks_.clear(); }

  PieceAsk* find(uint32_t transfer);
  PieceAsk* find(const Download& download);
  const PieceAsk* find(const Download& download) const;
  std::list<PieceAsk>& all() { return asks_; }
  const std::list<PieceAsk>& all() const { return asks_; }
  // `ahead`: for what no load waits for, which leaves some for what one does.
  bool full(bool ahead = false) const {
    return asks_.size() + (listening_ > 0 ? 1 : 0) >= (ahead ? kMostAhead : kMostOpen);
  }

  // Whether DATA with these pieces was asked for, though a CANCEL may be on its way.
  bool expects(uint32_t transfer, const PieceSet& came) const;
  // They are there, and may not come again. Only what it expects().
  void on_data(uint32_t transfer, const PieceSet& came);

  // `count` digests have come. False if fewer were asked for, in transfers that are over too.
  bool on_digests(size_t count);

  // --- how much is asked of it at a time
  // Pieces that are asked for and not here, of all transfers.
  uint32_t outstanding() const;
  uint32_t window() const { return static_cast<uint32_t>(window_); }
  // A piece has come, `after` its asking.
  void on_piece(DurationMs after);
  // It has refused what it could have refused at once, or has not answered at all; `times`: as so
  // many times.
  void on_vain(int times) { vain_ += times; }
  // For so long something was asked of it, and nothing came.
  void on_mute(DurationMs time) { mute_ += time; }
  // It is of no use: it keeps us waiting again and again, or was mute for kMostMute in all since it
  // last sent something.
  bool pretends() const;
  // Nothing has come for long of what was asked at `asked_at`.
  void on_silence(TimeMs now, TimeMs asked_at);
  bool proven() const { return proven_; }
  // How long a piece takes; 0 while unknown.
  double piece_ms() const { return piece_ms_; }

 private:
  static constexpr size_t kMostAhead = 12;
  static constexpr DurationMs kMostMute{4'000};
  static constexpr int kMostVain = 4;
  // Transfers of which DATA may still be on its way.
  static constexpr size_t kMostEnded = 64;

  struct Ended {
    uint32_t transfer;
    PieceSet left;
  };
  void remember(uint32_t transfer, const PieceSet& pieces);

  std::list<PieceAsk> asks_;
  uint32_t listening_ = 0;  // the transfer that it listens for; 0: none
  MediaSequence listening_for_;
  TimeMs listening_since_{};
  std::optional<DurationMs> late_;
  std::list<Ended> ended_;
  uint32_t last_transfer_ = 0;
  size_t digests_owed_ = 0;  // asked for and not here
  double window_ = 4;
  double piece_ms_ = 0;
  double least_ms_ = 0;
  bool proven_ = false;
  TimeMs halved_at_{};
  int vain_ = 0;
  DurationMs mute_{};
};

}  // namespace hlsmesh

#include "client/download/requester.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "media/segment_key.hpp"

namespace hlsmesh {
namespace {

// Protocol section 2: a version-1 parent may lose a request that comes in its first ~200 ms.
constexpr DurationMs kVersion1Settles{250};
// A first request sent within this time of opening may still have been lost, and is repeated once.
constexpr DurationMs kEarly{1'000};
// Protocol section 2: request timeout; a parent answers within it.
constexpr DurationMs kAnswerTimeout{2'000};
// A parent that was silent once gets this long to come round; twice in a row, and it is given up.
constexpr DurationMs kRest{5'000};
constexpr int kMostSilences = 2;
// Several times the delay of any working path, retransmissions included.
constexpr DurationMs kStallTimeout{1'500};
// A transfer is judged after this time.
constexpr DurationMs kJudged{3'000};
// A LACK that comes this long after the request was put off.
constexpr DurationMs kHeld{1'000};
// A transfer's rate is measured over this time at least: a data channel delivers in bursts.
constexpr DurationMs kMark{500};
// A rate that was measured this long ago may have doubled.
constexpr double kForgetMs = 10'000;
// A transfer that stands still this long has died with its peer.
constexpr DurationMs kGoneTimeout{10'000};
// Unanswered requests that are remembered: more than kMostSilences and a repeat can make.
constexpr size_t kMostOverdue = 4;

}  // namespace

void Requester::on_open(TimeMs now) {
  opened_at_ = now;
  ready_at_ = version1_ ? now + kVersion1Settles : now;
}

void Requester::on_extension(TimeMs now) {
  if (!version1_) return;
  version1_ = false;
  if (silences_ == 0) ready_at_ = std::min(ready_at_, now);
}

// A peer that knows the segment by its key is told of the URL no more than the file name: what else
// a URL holds may be this viewer's own.
std::string_view Requester::wire_url(const Ask& ask) {
  return ask.by_rendition ? plain_name(ask.segment.key) : ask.segment.url;
}

peer::Fields Requester::message(const Ask& ask) {
  peer::Fields request;
  request.event = peer::Event::kRequest;
  request.url = wire_url(ask);
  request.sn = ask.segment.key.sn;
  if (ask.by_rendition) request.rendition = asking_name(ask.segment);
  return request;
}

peer::Fields Requester::ask(TimeMs now, const Segment& segment, std::optional<LoadId> load,
                            bool by_rendition, Part part) {
  assert(idle() && now >= ready_at_);
  asked_ = Ask{segment, by_rendition, load, false, now, std::move(part)};
  answer_due_ = now + kAnswerTimeout;
  may_repeat_ = version1_ && asks_ == 0 && now - opened_at_ < kEarly;
  ++asks_;
  return message(*asked_);
}

peer::Fields Requester::repeated() const {
  assert(asked_);
  return message(*asked_);
}

bool Requester::join(const SegmentKey& key, LoadId load) {
  Ask* ask = nullptr;
  if (transfer_) {
    if (transfer_->buffer != nullptr) ask = &transfer_->ask;
  } else if (asked_) {
    ask = &*asked_;
  }
  if (ask == nullptr || ask->load || ask->unwanted || !(ask->segment.key == key)) return false;
  ask->load = load;
  return true;
}

void Requester::forget(std::string_view rendition) {
  const auto forget = [rendition](Ask& ask) {
    if (!is_of(ask.segment.key, rendition)) return;
    ask.load.reset();
    ask.unwanted = true;
    ask.part.release();
  };
  if (asked_) forget(*asked_);
  for (Ask& ask : overdue_) forget(ask);
  if (!transfer_) return;
  forget(transfer_->ask);
  if (transfer_->ask.unwanted) transfer_->buffer = nullptr;
}

void Requester::detach(LoadId load) {
  if (asked_ && asked_->load == load) asked_->load.reset();
  if (transfer_ && transfer_->ask.load == load) leave_transfer();
}

void Requester::leave_transfer() {
  transfer_->ask.load.reset();
  // No cache keeps it: it was for the load alone.
  if (transfer_->buffer.use_count() == 1) transfer_->drop();
}

const Ask* Requester::asked_by(LoadId load) const {
  if (asked_ && asked_->load == load) return &*asked_;
  if (transfer_ && transfer_->ask.load == load) return &transfer_->ask;
  return nullptr;
}

std::optional<LoadId> Requester::load() const {
  if (asked_ && asked_->load) return asked_->load;
  return transfer_ ? transfer_->ask.load : std::nullopt;
}

// Some leave `sn` out of a LACK, or the rendition; what is there must be right.
bool Requester::answers(const Ask& ask, const peer::Fields& answer) {
  const bool lack = answer.event == peer::Event::kLack;
  return answer.url == wire_url(ask) && (!answer.sn || *answer.sn == ask.segment.key.sn) &&
         (!ask.by_rendition || (lack && !answer.rendition) ||
          answer.rendition == asking_name(ask.segment));
}

void Requester::remember(const Ask& ask) {
  if (overdue_.size() >= kMostOverdue) overdue_.pop_front();
  overdue_.push_back(ask.overdue());
}

Requester::Answer Requester::on_header(TimeMs now, const peer::Fields& header) {
  if (transfer_) return Answer::kWithinTransfer;
  Transfer transfer;
  if (asked_ && answers(*asked_, header)) {
    transfer.ask = std::move(*asked_);
    asked_.reset();
  } else {
    const auto late = std::find_if(overdue_.begin(), overdue_.end(),
                                   [&](const Ask& ask) { return answers(ask, header); });
    if (late == overdue_.end()) return Answer::kUnasked;
    transfer.ask = std::move(*late);
    overdue_.erase(late);
  }
  silences_ = 0;
  transfer.size = static_cast<size_t>(header.size);
  transfer.attachments = header.attachments;
  transfer.look_at = now + kJudged;
  transfer.started_at = transfer.progress_at = transfer.told_at = now;
  transfer.mark.at = transfer.next_mark.at = now;
  transfer_ = std::move(transfer);
  stall_told_ = false;
  return Answer::kExpected;
}

Requester::Refusal Requester::on_lack(TimeMs now, const peer::Fields& lack,
                                      std::optional<LoadId>& load, bool& held) {
  if (asked_ && answers(*asked_, lack)) {
    load = asked_->load;
    held = now - asked_->asked_at >= kHeld;
    // It has a newer one: hardly is it getting this one.
    const bool newer = lack.current && is_behind(asked_->segment.key, *lack.current);
    if (held) late_lacks_ += newer ? 2 : 1;
    asked_.reset();
    silences_ = 0;
    return Refusal::kCurrent;
  }
  const auto late = std::find_if(overdue_.begin(), overdue_.end(),
                                 [&](const Ask& ask) { return answers(ask, lack); });
  if (late == overdue_.end()) return Refusal::kUnasked;
  overdue_.erase(late);
  silences_ = 0;
  return Refusal::kEarlier;
}

MutableBytes Requester::room(size_t size) {
  if (!transfer_ || transfer_->buffer == nullptr) return {};
  if (transfer_->packets >= transfer_->attachments) return {};
  return transfer_->buffer->room(transfer_->received, size);
}

Requester::Packet Requester::on_packet(TimeMs now, size_t size) {
  if (!transfer_) return Packet::kUnexpected;
  if (size == 0) return Packet::kEmpty;
  Transfer& transfer = *transfer_;
  if (size > transfer.size - transfer.received) return Packet::kTooMuch;
  if (transfer.buffer != nullptr && !transfer.buffer->commit(transfer.received, size)) {
    transfer.drop();
  }
  transfer.received += size;
  transfer.packets += 1;
  transfer.progress_at = now;
  if (now - transfer.next_mark.at >= kMark) {
    transfer.mark = std::exchange(transfer.next_mark, Transfer::Mark{now, transfer.received});
  }
  stall_told_ = false;
  if (transfer.packets < transfer.attachments) return Packet::kMore;
  return transfer.received == transfer.size ? Packet::kComplete : Packet::kTooLittle;
}

std::optional<Transfer> Requester::take_transfer(TimeMs now) {
  std::optional<Transfer> taken = std::move(transfer_);
  transfer_.reset();
  if (!taken) return taken;
  if (taken->received == taken->size) {
    const double sample = static_cast<double>(taken->size) /
                          std::max(1.0, to_ms(taken->progress_at - taken->started_at));
    bytes_per_ms_ = bytes_per_ms_ > 0 ? (bytes_per_ms_ + sample) / 2 : sample;
    measured_at_ = now;
    proven_ = true;
    late_lacks_ = 0;
  }
  // The answer of a request sent meanwhile could not come before the end of this one.
  if (asked_) answer_due_ = now + kAnswerTimeout;
  return taken;
}

// A packet that is on its way does not count yet: the time since the last one is no silence before
// it is as long as what was measured.
std::optional<double> Transfer::bytes_per_ms(TimeMs now) const {
  const DurationMs whole = now - mark.at;
  if (whole < kMark || (received == mark.received && whole < kStallTimeout)) return std::nullopt;
  const DurationMs time = std::max(progress_at - mark.at, whole / 2);
  return static_cast<double>(received - mark.received) / std::max(1.0, to_ms(time));
}

double Requester::bytes_per_ms(TimeMs now) const {
  if (transfer_) {
    if (const std::optional<double> current = transfer_->bytes_per_ms(now)) return *current;
  }
  return bytes_per_ms_ * (1 + to_ms(now - measured_at_) / kForgetMs);
}

std::optional<DurationMs> Requester::remaining(TimeMs now) const {
  if (!transfer_) return std::nullopt;
  const std::optional<double> current = transfer_->bytes_per_ms(now);
  const double rate = current ? *current : bytes_per_ms_;
  if (!current && !(rate > 0)) return std::nullopt;
  const auto left = static_cast<double>(transfer_->size - transfer_->received);
  return to_duration(left / std::max(rate, 1e-6));
}

TimeMs Requester::next_due() const {
  if (transfer_) {
    return transfer_->progress_at + (stall_told_ ? kGoneTimeout : kStallTimeout);
  }
  return asked_ ? answer_due_ : kNever;
}

Requester::Due Requester::on_timeout(TimeMs now, std::optional<LoadId>& load) {
  if (now < next_due()) return Due::kNothing;
  if (transfer_) {
    if (stall_told_) return Due::kGone;
    stall_told_ = true;
    proven_ = false;
    transfer_->look_at = std::max(transfer_->look_at, now + kStallTimeout);
    load = transfer_->ask.load;
    leave_transfer();
    return Due::kStalled;
  }
  load = asked_->load;
  proven_ = false;
  if (may_repeat_) {
    may_repeat_ = false;
    if (load) {
      // Both may be answered; the second answer must not pass for a lie.
      remember(*asked_);
      answer_due_ = now + kAnswerTimeout;
      return Due::kRepeat;
    }
    remember(*asked_);
    asked_.reset();
    return Due::kSilent;
  }
  remember(*asked_);
  asked_.reset();
  if (++silences_ >= kMostSilences) return Due::kGone;
  ready_at_ = now + kRest;
  return Due::kSilent;
}

}  // namespace hlsmesh

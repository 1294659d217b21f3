#include "client/download/trust.hpp"

#include <algorithm>

namespace hlsmesh {

void Trust::on_playlist(TimeMs now, TrackKind kind, int32_t index,
                        const RenditionSignature& rendition, const PlaylistFacts& facts) {
  const bool demanded =
      policy_ == DigestPolicy::kRequired || (policy_ == DigestPolicy::kWhereSaid && facts.digests);
  auto* known = const_cast<Rendition*>(find(rendition));
  if (known == nullptr) {
    if (!demanded) return;
    known = &renditions_.emplace_back(rendition);
  }
  for (Rendition& other : renditions_) {
    if (&other == known || other.kind != kind || other.index != index) continue;
    other.index = kNoIndex;
    if (!other.asked) other.due = kNever;
  }
  if (known->index == kNoIndex && !known->asked && (!known->has_file || known->live)) {
    known->due = now + known->pause;
  }
  known->kind = kind;
  known->index = index;
  // What was promised once is not taken back: a playlist without the word would be all it takes.
  const bool moved_on = facts.newest > known->newest && known->has_file;
  if (moved_on && !known->asked && known->pause == DurationMs::zero()) known->due = now;
  known->live = facts.live;
  known->newest = facts.newest;
}

bool Trust::on_file(TimeMs now, TrackKind kind, int32_t index, std::string_view text) {
  Rendition* const rendition = asked(kind, index);
  if (rendition == nullptr) return true;
  if (!rendition->file.read(text)) {
    on_no_file(now, kind, index);
    return false;
  }
  rendition->has_file = true;
  rendition->asked = false;
  rendition->due = kNever;
  rendition->pause = DurationMs::zero();
  return true;
}

void Trust::on_no_file(TimeMs now, TrackKind kind, int32_t index) {
  Rendition* const rendition = asked(kind, index);
  if (rendition == nullptr) return;
  rendition->asked = false;
  rendition->pause = std::clamp(rendition->pause * 2, kPause, kLongestPause);
  rendition->due = now + rendition->pause;
}

const Trust::Rendition* Trust::find(std::string_view signature) const {
  for (const Rendition& each : renditions_) {
    if (each.signature == signature) return &each;
  }
  return nullptr;
}

Trust::Rendition* Trust::asked(TrackKind kind, int32_t index) {
  for (Rendition& each : renditions_) {
    if (each.asked && each.kind == kind && each.asked_as == index) return &each;
  }
  return nullptr;
}

bool Trust::demands(const SegmentKey& key) const {
  if (policy_ == DigestPolicy::kRequired) return true;
  return !renditions_.empty() && find(rendition_of(key)) != nullptr;
}

const PublishedDigest* Trust::of(TimeMs now, const Segment& segment) {
  auto* const rendition = const_cast<Rendition*>(find(rendition_of(segment.key)));
  if (rendition == nullptr) return nullptr;
  const PublishedDigest* const found = rendition->file.find(segment.url);
  if (found == nullptr && rendition->live && rendition->has_file && !rendition->asked) {
    rendition->due = std::min(rendition->due, std::max(now, rendition->asked_at + kAgain));
  }
  return found;
}

bool Trust::has_hope(TimeMs now, const Segment& segment) {
  if (!demands(segment.key) || of(now, segment) != nullptr) return true;
  const Rendition* const rendition = find(rendition_of(segment.key));
  // A file that cannot be had is no reason to wait.
  return rendition != nullptr && rendition->pause == DurationMs::zero() &&
         (rendition->asked || rendition->due != kNever);
}

TimeMs Trust::expected_until(const SegmentKey& key) const {
  const Rendition* const rendition = find(rendition_of(key));
  if (rendition == nullptr || rendition->pause > DurationMs::zero()) return TimeMs();
  if (rendition->asked) return rendition->asked_at + kUsual;
  return rendition->due == kNever ? TimeMs() : rendition->due + kUsual;
}

Trust::Proof Trust::prove(TimeMs now, SegmentBuffer& body) {
  const Segment& segment = body.segment();
  if (admits(body)) return Proof::kProven;
  const PublishedDigest* const published = of(now, segment);
  if (published == nullptr) return Proof::kNone;
  if (published->size != body.size()) return Proof::kRefuted;
  Shared<PieceDigests> digests = PieceDigests::of(body.bytes());
  if (digests->digest() != published->digest) return Proof::kRefuted;
  body.set_digests(std::move(digests));
  return Proof::kProven;
}

bool Trust::admits(const SegmentBuffer& body) const {
  return body.digests() != nullptr || !demands(body.segment().key);
}

void Trust::run(TimeMs now) {
  for (Rendition& rendition : renditions_) {
    if (now < rendition.due) continue;
    if (rendition.index == kNoIndex) {
      rendition.asked = false;
      rendition.due = kNever;
      continue;
    }
    // Nothing could tell the files of two from each other.
    const Rendition* const other = asked(rendition.kind, rendition.index);
    if (other != nullptr && other != &rendition) {
      rendition.due = now + kAgain;
      continue;
    }
    rendition.asked = true;
    rendition.asked_as = rendition.index;
    rendition.asked_at = now;
    rendition.due = now + kGone;
    Command& command = commands_.push(CommandKind::kFetchDigests);
    command.code = static_cast<int32_t>(rendition.kind);
    command.aux = rendition.index;
  }
}

void Trust::add_timers(Timer& timer) const {
  for (const Rendition& rendition : renditions_) timer.also(rendition.due, Wake::kDigests);
}

}  // namespace hlsmesh

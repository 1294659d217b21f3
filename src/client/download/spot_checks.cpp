#include "client/download/spot_checks.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace hlsmesh {

void SpotChecks::examine(TimeMs now, LoadId load, TrackKind kind, const Gifts& gifts,
                         const SegmentPtr& segment) {
  for (const Gift& gift : gifts) {
    if (!may_begin(now) || gift.probe == PieceSet::kMost) continue;
    if (!is_due(gift, segment->piece_count())) continue;
    ask(load, kind, gift.giver, gift.probe, segment);
  }
}

void SpotChecks::try_origin(TimeMs now, LoadId load, TrackKind kind, const SegmentPtr& segment) {
  if (proven_[static_cast<size_t>(kind)] || !may_begin(now)) return;
  const auto pieces = static_cast<uint32_t>(segment->piece_count());
  ask(load, kind, PeerId(), random_.below(pieces), segment);
}

void SpotChecks::ask(LoadId load, TrackKind kind, const PeerId& giver, uint32_t piece,
                     const SegmentPtr& segment) {
  assert(segment->complete() && piece < segment->piece_count());
  constexpr size_t kPiece = SegmentBuffer::kPieceBytes;
  const size_t first = piece * kPiece;
  const size_t piece_size = std::min(kPiece, segment->size() - first);
  Check& check = checks_.emplace_back();
  check.id = FetchId(--last_);
  check.segment = segment;
  check.kind = kind;
  check.giver = giver;
  check.size = std::min(kBytes, piece_size);
  check.from = first + random_.below(static_cast<uint32_t>(piece_size - check.size) + 1);
  Command& command = commands_.push(CommandKind::kFetch);
  command.load = load;
  command.code = check.id.value();
  command.t0 = static_cast<double>(check.from);
  command.t1 = static_cast<double>(check.from + check.size);
}

bool SpotChecks::is_due(const Gift& gift, size_t pieces) {
  const double part = static_cast<double>(gift.pieces) / static_cast<double>(pieces);
  const double due = std::max(share_ * part, std::ldexp(1.0, -passed(gift.giver)));
  constexpr uint32_t kSteps = 1u << 20;
  return random_.below(kSteps) < due * kSteps;
}

int32_t& SpotChecks::passed(const PeerId& giver) {
  const auto is = [&](const auto& each) { return each.first == giver; };
  const auto known = std::find_if(passed_.begin(), passed_.end(), is);
  if (known != passed_.end()) {
    passed_.splice(passed_.end(), passed_, known);
  } else {
    passed_.emplace_back(giver, 0);
    if (passed_.size() > kMostGivers) passed_.pop_front();
  }
  return passed_.back().second;
}

bool SpotChecks::is_under_way(const SegmentPtr& segment) const {
  return std::any_of(checks_.begin(), checks_.end(),
                     [&](const Check& each) { return each.segment == segment; });
}

bool SpotChecks::vouches(TimeMs now, const PeerId& giver) const {
  if (was_honest(giver)) return true;
  const auto is_its = [&](const Check& each) { return each.giver == giver; };
  return !is_at_work(now) && std::none_of(checks_.begin(), checks_.end(), is_its);
}

bool SpotChecks::was_honest(const PeerId& giver) const {
  return std::any_of(passed_.begin(), passed_.end(),
                     [&](const auto& each) { return each.first == giver && each.second > 0; });
}

SpotChecks::Check* SpotChecks::find(FetchId id) {
  for (Check& check : checks_) {
    if (check.id == id) return &check;
  }
  return nullptr;
}

MutableBytes SpotChecks::room(FetchId id, size_t offset, size_t size, size_t total) {
  Check* const check = find(id);
  if (check == nullptr) return {};
  // All of the file in place of the place, which no peer can bring about.
  check->ignored |= offset < check->from || offset + size > check->from + check->size;
  if (offset != check->from + check->come) return {};
  check->coming = 0;
  check->other |= total > 0 && total != check->segment->size();
  if (check->other || size > check->size - check->come) return {};
  check->coming = size;
  return {check->bytes.data() + check->come, size};
}

void SpotChecks::on_bytes(FetchId id, size_t size) {
  Check* const check = find(id);
  if (check == nullptr || size != check->coming) return;
  check->come += std::exchange(check->coming, 0);
  stats_.cdn_bytes += size;
}

std::optional<SpotChecks::Finding> SpotChecks::on_end(TimeMs now, FetchId id) {
  const auto check = std::find_if(checks_.begin(), checks_.end(),
                                  [id](const Check& each) { return each.id == id; });
  if (check == checks_.end()) return std::nullopt;
  std::list<Check> ended;
  ended.splice(ended.begin(), checks_, check);
  bool& proven = proven_[static_cast<size_t>(check->kind)];
  if (check->come < check->size && !check->other) {
    proven = false;
    // A peer that lies about the size has the origin asked for what is not there.
    if (!is_of_cdn(*check) && !check->ignored) return doubt(*check);
    give_up_origin(now);
    return std::nullopt;
  }
  rest_ = kRest;
  const ByteView held = check->segment->bytes().subspan(check->from, check->size);
  const bool fits = !check->other && std::equal(held.begin(), held.end(), check->bytes.begin());
  if (is_of_cdn(*check)) {
    proven = fits;
    // Nothing that it says of a place can be believed.
    if (!fits) share_ = 0;
    return std::nullopt;
  }
  ++stats_.checks;
  if (fits) {
    ++passed(check->giver);
    return std::nullopt;
  }
  return Finding{check->segment, proven ? check->giver : PeerId()};
}

void SpotChecks::on_whole(TimeMs now, const SegmentBuffer& segment) {
  const bool existed = unanswered_ == std::pair(segment.segment().key, segment.size());
  if (existed && now >= rest_until_) give_up_origin(now);
}

void SpotChecks::give_up_origin(TimeMs now) {
  unanswered_ = {};
  rest(now + rest_);
  rest_ *= 2;
}

std::optional<SpotChecks::Finding> SpotChecks::doubt(const Check& check) {
  unanswered_ = {check.segment->segment().key, check.segment->size()};
  if (was_honest(check.giver)) return std::nullopt;
  return Finding{check.segment, PeerId()};
}

}  // namespace hlsmesh

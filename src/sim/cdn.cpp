#include "sim/cdn.hpp"

#include <algorithm>
#include <utility>

#include "common/random.hpp"

namespace hlsmesh::sim {
namespace {

// A page gets a body in parts of about this size from a line of some Mbit/s.
constexpr size_t kChunkBytes = 64 * 1024;

}  // namespace

Cdn::Cdn(EventQueue& queue, Network& network, const Content& content, CdnConfig config)
    : queue_(queue), network_(network), content_(content), config_(config) {
  if (config_.bits_per_second > 0) line_ = network_.add_line(config_.bits_per_second);
}

FetchId Cdn::fetch(CdnUser& user, Access access, RenditionId rendition, MediaSequence sn,
                   FetchRange range) {
  const FetchId id(next_++);
  Fetch& fetch = fetches_[id] = Fetch{&user, rendition, sn, PipeId{}};
  fetch.end = content_.segment_bytes(rendition, sn);
  fetch.ranged = !range.whole();
  if (fetch.ranged && config_.ranges == Ranges::kServed) {
    if (range.to > 0) fetch.end = std::min(fetch.end, range.to);
    fetch.at = range.from;
  }
  Duration wait = access.latency + config_.latency;
  ++fetches_of_[&user];
  if (struck(config_.hiccup_every, 1, user, access, rendition, sn)) wait += config_.hiccup;
  fetch.refused = struck(config_.error_every, 2, user, access, rendition, sn) ||
                  (fetch.ranged && config_.ranges == Ranges::kRefused) || fetch.at >= fetch.end;
  queue_.after(wait, [this, id, access] { answer(id, access); });
  return id;
}

bool Cdn::struck(int32_t every, uint64_t what, const CdnUser& user, Access access,
                 RenditionId rendition, MediaSequence sn) {
  if (every <= 0) return false;
  if (config_.fates == 0) return fetches_of_[&user] % every == 0;
  Random random(config_.fates ^ (what << 60) ^ (static_cast<uint64_t>(access.up.value()) << 32) ^
                Content::tag(rendition, sn));
  random.next();
  return random.below(static_cast<uint32_t>(every)) == 0 &&
         fates_met_.emplace(what, access.up, rendition, sn).second;
}

void Cdn::answer(FetchId id, Access access) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  Fetch& fetch = it->second;
  Copies& copies = copies_[{fetch.rendition, fetch.sn}];
  ++copies.asked;
  bool refused = fetch.refused || queue_.now() < content_.available_at(fetch.sn);
  for (const CdnOutage& outage : outages_) {
    refused = refused || (queue_.now() >= outage.from && queue_.now() < outage.to);
  }
  const Duration latency = access.latency + config_.latency;
  if (refused) {
    ++errors_;
    queue_.after(latency, [this, id] {
      const auto failed = fetches_.find(id);
      if (failed == fetches_.end()) return;
      CdnUser* user = failed->second.user;
      fetches_.erase(failed);
      user->on_cdn_failed(id);
    });
    return;
  }
  fetch.pipe = network_.open(line_, access.down, {latency, access.loss}, *this,
                             static_cast<uint64_t>(id.value()), 0);
  const PipeId pipe = fetch.pipe;
  for (size_t left = fetch.end - fetch.at; left > 0;) {
    Message chunk;
    chunk.size = std::min(left, kChunkBytes);
    left -= chunk.size;
    network_.send(pipe, std::move(chunk));
  }
}

void Cdn::cancel(FetchId id) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  const Fetch& fetch = it->second;
  if (!fetch.ranged && fetch.at > 0) count(fetch, fetch.at);
  network_.cut(fetch.pipe);
  fetches_.erase(it);
}

void Cdn::count(const Fetch& fetch, size_t bytes) {
  copies_[{fetch.rendition, fetch.sn}].sent +=
      static_cast<double>(bytes) /
      static_cast<double>(content_.segment_bytes(fetch.rendition, fetch.sn));
  sent_bytes_ += bytes;
}

Time Cdn::playlist_at(Access access) const {
  return queue_.now() + 2 * (access.latency + config_.latency);
}

void Cdn::on_pipe_message(uint64_t cookie, Message message) {
  const FetchId id(static_cast<int64_t>(cookie));
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  Fetch& fetch = it->second;
  CdnUser& user = *fetch.user;
  const size_t offset = std::exchange(fetch.at, fetch.at + message.size);
  const bool over = fetch.at == fetch.end;
  Copies& copies = copies_[{fetch.rendition, fetch.sn}];
  if (fetch.ranged) {
    count(fetch, message.size);
  } else if (over) {
    count(fetch, fetch.at);
    ++copies.whole;
  }
  user.on_cdn_bytes(id, offset, message.size);
  if (!over || fetches_.count(id) == 0) return;
  network_.cut(fetch.pipe);
  fetches_.erase(id);
  user.on_cdn_done(id);
}

void Cdn::on_pipe_drained(uint64_t, size_t) {}

}  // namespace hlsmesh::sim

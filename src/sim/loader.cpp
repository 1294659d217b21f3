#include "sim/loader.hpp"

#include <algorithm>

#include "client/clock.hpp"

namespace hlsmesh::sim {

SegmentLoad Loader::describe(const SegmentRequest& request) const {
  SegmentLoad what;
  what.kind = request.rendition.kind;
  what.rendition_index = request.rendition.index;
  what.sn = request.sn;
  what.url = content_.url(request.sn);
  what.span = {seconds(request.start), seconds(content_.config().segment_duration)};
  return what;
}

void Loader::load(const SegmentRequest& request) {
  const LoadId id(next_load_++);
  Load& load = loads_[id] = Load{request};
  EnginePort* const port = host_.port();
  if (port == nullptr) return fetch(id, load);
  port->load(now(), id, describe(request));
  host_.wake();
}

void Loader::abort(RenditionId rendition, MediaSequence sn) {
  const auto it = std::find_if(loads_.begin(), loads_.end(), [&](const auto& entry) {
    const SegmentRequest& request = entry.second.request;
    return request.rendition == rendition && request.sn == sn;
  });
  if (it == loads_.end()) return;
  const LoadId id = it->first;
  if (it->second.fetch.value() != 0) {
    cdn_.cancel(it->second.fetch);
    fetches_.erase(it->second.fetch);
  }
  loads_.erase(it);
  EnginePort* const port = host_.port();
  if (port == nullptr) return;
  port->load_aborted(now(), id);
  host_.wake();
}

void Loader::adopt_earlier_loads() {
  EnginePort& port = *host_.port();
  // Bytes that came before the engine can still be shared.
  for (const Load& before : before_core_) {
    const LoadId id(next_load_++);
    SegmentLoad what = describe(before.request);
    what.from_cdn = true;
    port.load(now(), id, what);
    give_body(id, before);
  }
  before_core_.clear();
  for (const auto& [id, pending] : loads_) {
    SegmentLoad what = describe(pending.request);
    what.from_cdn = true;
    port.load(now(), id, what);
  }
}

void Loader::stop() {
  for (const auto& [fetch, load] : fetches_) cdn_.cancel(fetch);
  fetches_.clear();
}

void Loader::fetch(LoadId load) {
  const auto it = loads_.find(load);
  if (it == loads_.end() || it->second.fetch.value() != 0) {
    ++figures_.stray_commands;
    return;
  }
  fetch(load, it->second);
}

void Loader::fetch(LoadId id, Load& load) {
  load.fetch = cdn_.fetch(*this, access_, load.request.rendition, load.request.sn);
  load.fetch_began = queue_.now();
  fetches_[load.fetch] = id;
}

void Loader::take(const HmCommand& done) {
  const auto it = loads_.find(LoadId(done.load));
  if (it == loads_.end() || it->second.fetch.value() != 0) {
    ++figures_.stray_commands;
    return;
  }
  const SegmentRequest request = it->second.request;
  loads_.erase(it);
  const ByteView body = data_of(done);
  const ByteView right = content_.body(request.rendition, request.sn).bytes();
  // The bytes are looked at only where the engine has a copy of its own.
  if (body.size() != right.size() ||
      (body.data() != right.data() && !std::equal(body.begin(), body.end(), right.begin()))) {
    ++figures_.wrong_bodies;
  }
  figures_.p2p_bytes += body.size();
  ++figures_.segments;
  const Duration took = from_seconds((done.t1 - done.t0) / 1e3);
  queue_.after(Duration{}, [this, rendition = request.rendition, sn = request.sn, took] {
    player_.on_segment(rendition, sn, took);
  });
}

void Loader::give_body(LoadId id, const Load& load) {
  const SegmentRequest& request = load.request;
  const SharedBody& body = content_.body(request.rendition, request.sn);
  // As far as a page can tell: two round trips at least until the first byte, at whole
  // milliseconds.
  const auto whole = std::chrono::duration_cast<DurationMs>(load.took);
  const auto first = std::min(whole, std::chrono::duration_cast<DurationMs>(access_.latency * 4));
  host_.port()->fetch_done(now(), id, {&body, 0, body.bytes()}, to_ms(first), to_ms(whole - first));
}

void Loader::on_cdn_done(FetchId fetch) {
  const auto it = fetches_.find(fetch);
  if (it == fetches_.end()) return;
  const LoadId id = it->second;
  fetches_.erase(it);
  Load done = loads_[id];
  done.took = queue_.now() - done.fetch_began;
  loads_.erase(id);
  const SegmentRequest request = done.request;
  figures_.cdn_bytes += content_.segment_bytes(request.rendition, request.sn);
  ++figures_.segments;
  if (host_.port() == nullptr) {
    before_core_.push_back(done);
  } else {
    give_body(id, done);
    host_.wake();
  }
  player_.on_segment(request.rendition, request.sn, done.took);
}

void Loader::on_cdn_failed(FetchId fetch) {
  const auto it = fetches_.find(fetch);
  if (it == fetches_.end()) return;
  const LoadId id = it->second;
  fetches_.erase(it);
  const SegmentRequest request = loads_[id].request;
  loads_.erase(id);
  if (EnginePort* const port = host_.port()) {
    port->fetch_failed(now(), id);
    host_.wake();
  }
  player_.on_error(request.rendition, request.sn);
}

}  // namespace hlsmesh::sim

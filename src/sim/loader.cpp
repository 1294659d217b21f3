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
  what.streams = streams_;
  what.span = {seconds(request.start), seconds(content_.config().segment_duration)};
  return what;
}

void Loader::load(const SegmentRequest& request) {
  const LoadId id(next_load_++);
  Load& load = loads_[id] = Load{request};
  EnginePort* const port = host_.port();
  if (port == nullptr) {
    const Duration late = lateness(id);
    if (late <= Duration{}) return begin(load, Fetch{id}, {});
    queue_.after(late, [this, id] {
      const auto it = loads_.find(id);
      if (it != loads_.end()) begin(it->second, Fetch{id}, {});
    });
    return;
  }
  port->load(now(), id, describe(request));
  host_.wake();
}

Duration Loader::lateness(LoadId load) const {
  if (late_.segments <= 0 || load.value() % late_.every != late_.phase) return {};
  const double buffered = seconds(player_.buffered_end() - player_.position());
  const double segment = seconds(content_.config().segment_duration);
  return from_seconds(std::min(buffered / 2, late_.segments * segment));
}

void Loader::cancel(LoadId load) {
  for (auto it = fetches_.begin(); it != fetches_.end();) {
    if (it->second.load == load) {
      cdn_.cancel(it->first);
      it = fetches_.erase(it);
    } else {
      ++it;
    }
  }
}

void Loader::abort(RenditionId rendition, MediaSequence sn) {
  const auto it = std::find_if(loads_.begin(), loads_.end(), [&](const auto& entry) {
    const SegmentRequest& request = entry.second.request;
    return request.rendition == rendition && request.sn == sn;
  });
  if (it == loads_.end()) return;
  const LoadId id = it->first;
  cancel(id);
  loads_.erase(it);
  EnginePort* const port = host_.port();
  if (port == nullptr) return;
  port->load_aborted(now(), id);
  host_.wake();
}

void Loader::adopt_earlier_loads() {
  EnginePort& port = *host_.port();
  const auto describe_early = [this](const SegmentRequest& request) {
    SegmentLoad what = describe(request);
    what.from_cdn = true;
    return what;
  };
  // Bytes that came before the engine can still be shared.
  for (Early& early : before_core_) {
    SegmentLoad what = describe_early(early.request);
    what.streams = false;  // nothing fetches for it any more
    early.fetch.name = port.load(now(), LoadId(next_load_++), std::move(what));
    give_body(early.request, early.fetch);
  }
  before_core_.clear();
  for (auto& [id, pending] : loads_) {
    fetches_[pending.fetch].name = port.load(now(), id, describe_early(pending.request));
  }
}

void Loader::stop() {
  for (const auto& [fetch, load] : fetches_) cdn_.cancel(fetch);
  fetches_.clear();
  loads_.clear();
}

void Loader::fetch(const HmCommand& command) {
  const LoadId id(command.load);
  const auto it = loads_.find(id);
  const FetchRange range{static_cast<size_t>(command.t0), static_cast<size_t>(command.t1)};
  // A check, which outlives the load.
  if (command.code < 0 && (it != loads_.end() || id == given_) && !range.whole() && streams_) {
    Load about{it != loads_.end() ? it->second.request : given_request_};
    Fetch check{LoadId(), hlsmesh::FetchId(command.code), false, true};
    check.check = true;
    return begin(about, check, range);
  }
  if (it == loads_.end() || it->second.fetch.value() != 0 || (!range.whole() && !streams_)) {
    ++figures_.stray_commands;
    return;
  }
  if (range.whole()) cancel(id);
  Fetch fetch{id, hlsmesh::FetchId(command.code), range.whole(), streams_};
  begin(it->second, fetch, range);
}

void Loader::begin(Load& load, Fetch fetch, FetchRange range) {
  const FetchId id = cdn_.fetch(*this, access_, load.request.rendition, load.request.sn, range);
  fetch.began = queue_.now();
  fetch.request = load.request;
  if (fetch.whole) load.fetch = id;
  fetches_[id] = fetch;
}

void Loader::take(const HmCommand& done) {
  const LoadId id(done.load);
  const auto it = loads_.find(id);
  if (it == loads_.end()) {
    ++figures_.stray_commands;
    return;
  }
  Load load = it->second;
  const SegmentRequest& request = load.request;
  // Peers have brought what a fetch under way has not.
  const auto fetch = fetches_.find(load.fetch);
  if (fetch != fetches_.end()) {
    if (!streams_) ++figures_.stray_commands;
    figures_.cdn_bytes += fetch->second.size;
    load.by_cdn += fetch->second.size;
  }
  cancel(id);
  given_ = id;
  given_request_ = request;
  loads_.erase(it);
  const ByteView body = data_of(done);
  const ByteView right = content_.body(request.rendition, request.sn).bytes();
  // The bytes are looked at only where the engine has a copy of its own.
  if (body.size() != right.size() ||
      (body.data() != right.data() && !std::equal(body.begin(), body.end(), right.begin()))) {
    ++figures_.wrong_bodies;
  }
  figures_.p2p_bytes += body.size() - std::min(body.size(), load.by_cdn);
  ++figures_.segments;
  const Duration took = from_seconds((done.t1 - done.t0) / 1e3);
  queue_.after(Duration{}, [this, rendition = request.rendition, sn = request.sn, took] {
    player_.on_segment(rendition, sn, took);
  });
}

void Loader::give_body(const SegmentRequest& request, const Fetch& fetch) {
  const SharedBody& body = content_.body(request.rendition, request.sn);
  host_.port()->fetch_part(now(), fetch.name, {&body, 0, body.bytes()}, body.bytes().size());
  finish(fetch);
}

void Loader::finish(const Fetch& fetch) {
  // As far as a page can tell: two round trips at least until the first byte, at whole
  // milliseconds.
  const auto whole = std::chrono::duration_cast<DurationMs>(fetch.took);
  const auto first = std::min(whole, std::chrono::duration_cast<DurationMs>(access_.latency * 4));
  host_.port()->fetch_done(now(), fetch.name, fetch.size, to_ms(first), to_ms(whole - first));
}

void Loader::on_cdn_bytes(FetchId id, size_t offset, size_t size) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  Fetch& fetch = it->second;
  fetch.size += size;
  if (!fetch.streams) return;
  const SegmentRequest request = fetch.request;
  if (!fetch.whole) {
    figures_.cdn_bytes += size;
    if (!fetch.check) loads_[fetch.load].by_cdn += size;
  }
  EnginePort* const port = host_.port();
  if (port == nullptr) return;
  const SharedBody& body = content_.body(request.rendition, request.sn);
  const Piece part{&body, offset, body.bytes().subspan(offset, size)};
  const hlsmesh::FetchId name = fetch.name;
  if (!port->fetch_part(now(), name, part, body.bytes().size()) && !fetch.whole) {
    cdn_.cancel(id);
    fetches_.erase(id);
    port->fetch_failed(now(), name);
  }
  host_.wake();
}

void Loader::on_cdn_done(FetchId id) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  Fetch fetch = it->second;
  fetches_.erase(it);
  fetch.took = queue_.now() - fetch.began;
  EnginePort* const port = host_.port();
  if (!fetch.whole) {
    if (port == nullptr) return;
    finish(fetch);
    return host_.wake();
  }
  const SegmentRequest request = fetch.request;
  loads_.erase(fetch.load);
  given_ = fetch.load;
  given_request_ = request;
  figures_.cdn_bytes += fetch.size;
  ++figures_.segments;
  if (port == nullptr) {
    before_core_.push_back({request, fetch});
  } else {
    if (fetch.streams) {
      finish(fetch);
    } else {
      give_body(request, fetch);
    }
    host_.wake();
  }
  player_.on_segment(request.rendition, request.sn, fetch.took);
}

void Loader::on_cdn_failed(FetchId id) {
  const auto it = fetches_.find(id);
  if (it == fetches_.end()) return;
  const Fetch fetch = it->second;
  fetches_.erase(it);
  const SegmentRequest request = fetch.request;
  if (fetch.whole) loads_.erase(fetch.load);
  if (EnginePort* const port = host_.port()) {
    port->fetch_failed(now(), fetch.name);
    host_.wake();
  }
  if (fetch.whole) player_.on_error(request.rendition, request.sn);
}

}  // namespace hlsmesh::sim

#include "replay/trace_writer.hpp"

#include <cmath>

#include "client_abi.hpp"
#include "replay/transcript.hpp"

namespace hlsmesh::replay {

TraceWriter::TraceWriter() : trace_(kFirstLine) {}

void TraceWriter::on_call(const char* name, std::initializer_list<double> arguments,
                          std::optional<std::string_view> text, ByteView payload) {
  trace_ += call_line(name, arguments, text, payload);
}

void TraceWriter::on_result(int32_t result) {
  trace_ += result_line({static_cast<double>(result)});
}

void TraceWriter::on_command(const Command& command) {
  trace_ +=
      command_line({static_cast<int32_t>(command.kind), command.peer.value(), command.load.value(),
                    command.code, command.aux, command.t0, command.t1, command.text, command.data});
}

void TraceWriter::on_drained(std::optional<TimeMs> next_timeout) {
  trace_ += drained_line(
      next_timeout ? static_cast<double>(next_timeout->time_since_epoch().count()) : HUGE_VAL);
}

void TraceWriter::on_stats(const EngineStats& stats, const std::list<PeerInfo>& peers) {
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  trace_ += call_line("hm_stats", {}, std::nullopt, {});
  trace_ += result_line(
      {number(stats.cdn_bytes), number(stats.p2p_bytes), number(stats.upload_bytes),
       number(stats.p2p_wasted_bytes), number(stats.cache_hits), number(stats.cache_misses),
       number(stats.cache_evictions), number(stats.cache_bytes), number(stats.fallbacks),
       number(stats.malformed), static_cast<double>(stats.parents),
       static_cast<double>(stats.children), static_cast<double>(stats.cdn_segments),
       static_cast<double>(stats.p2p_segments)});
  trace_ += call_line("hm_peer_count", {}, std::nullopt, {});
  trace_ += result_line({static_cast<double>(peers.size())});
  double index = 0;
  for (const PeerInfo& peer : peers) {
    const int32_t flags = (peer.is_parent ? kHmPeerParent : 0) | (peer.open ? kHmPeerOpen : 0) |
                          (peer.version1 ? kHmPeerVersion1 : 0);
    trace_ += call_line("hm_peer", {index++}, std::nullopt, {});
    trace_ += result_line({static_cast<double>(peer.handle.value()), static_cast<double>(flags),
                           number(peer.received_bytes), number(peer.sent_bytes), peer.rtt_ms},
                          peer.id);
  }
}

}  // namespace hlsmesh::replay

#include "replay/trace_writer.hpp"

#include "replay/transcript.hpp"

namespace hlsmesh::replay {

TraceWriter::TraceWriter() : trace_(kFirstLine) {}

void TraceWriter::on_call(const char* name, std::initializer_list<double> arguments,
                          std::optional<std::string_view> text,
                          std::initializer_list<ByteView> payload) {
  trace_ += call_line(name, arguments, text, payload);
}

void TraceWriter::on_result(int32_t result) {
  trace_ += result_line({static_cast<double>(result)});
}

void TraceWriter::on_command(const HmCommand& command) { trace_ += command_line(command); }

void TraceWriter::on_drained(double next_timeout) { trace_ += drained_line(next_timeout); }

void TraceWriter::on_stats() {
  trace_ += call_line("hm_stats", {}, std::nullopt, {}) + stats_line(*hm_stats());
  const int32_t peers = hm_peer_count();
  trace_ += call_line("hm_peer_count", {}, std::nullopt, {});
  trace_ += result_line({static_cast<double>(peers)});
  for (int32_t i = 0; i < peers; ++i) {
    trace_ += call_line("hm_peer", {static_cast<double>(i)}, std::nullopt, {});
    trace_ += peer_line(hm_peer(i));
  }
}

}  // namespace hlsmesh::replay

#pragma once

#include <string>

#include "sim/engine_port.hpp"

namespace hlsmesh::replay {

// Writes down what passes between a simulated viewer and its engine, as a trace.
class TraceWriter : public sim::EngineObserver {
 public:
  TraceWriter();

  const std::string& trace() const { return trace_; }

  void on_call(const char* name, std::initializer_list<double> arguments,
               std::optional<std::string_view> text,
               std::initializer_list<ByteView> payload) override;
  void on_result(int32_t result) override;
  void on_command(const HmCommand& command) override;
  void on_drained(double next_timeout) override;
  void on_stats() override;

 private:
  std::string trace_;
};

}  // namespace hlsmesh::replay

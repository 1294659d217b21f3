#include "sim/network.hpp"

#include <algorithm>
#include <utility>

namespace hlsmesh::sim {
namespace {

// One turn on a line: 6.5 ms at 20 Mbit/s, about what a sender's congestion window lets out at
// once.
constexpr uint64_t kQuantumBytes = 16 * 1024;

}  // namespace

LineId Network::add_line(double bits_per_second) {
  lines_.push_back({});
  lines_.back().bits_per_second = bits_per_second;
  return LineId(static_cast<int32_t>(lines_.size()) - 1);
}

void Network::set_line_rate(LineId line, double bits_per_second) {
  lines_[static_cast<size_t>(line.value())].bits_per_second = bits_per_second;
}

PipeId Network::open(LineId up, LineId down, Duration latency, PipeSink& sink, uint64_t cookie,
                     size_t low_water) {
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(pipes_.size());
    pipes_.push_back({});
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Pipe& pipe = pipes_[index];
  const uint32_t generation = pipe.generation + 1;
  pipe = Pipe{};
  pipe.open = true;
  pipe.generation = generation;
  pipe.up = up;
  pipe.down = down;
  pipe.latency = latency;
  pipe.sink = &sink;
  pipe.cookie = cookie;
  pipe.low_water = low_water;
  return PipeId(static_cast<uint64_t>(generation) << 32 | index);
}

Network::Pipe* Network::find(PipeId id) { return const_cast<Pipe*>(std::as_const(*this).find(id)); }

const Network::Pipe* Network::find(PipeId id) const {
  const auto index = static_cast<uint32_t>(id.value());
  if (index >= pipes_.size()) return nullptr;
  const Pipe& pipe = pipes_[index];
  return pipe.open && pipe.generation == id.value() >> 32 ? &pipe : nullptr;
}

void Network::cut(PipeId id) {
  Pipe* pipe = find(id);
  if (pipe == nullptr) return;
  const uint32_t generation = pipe->generation;
  *pipe = Pipe{};
  pipe->generation = generation;
  free_.push_back(static_cast<uint32_t>(id.value()));
}

void Network::send(PipeId id, Message message) {
  Pipe* pipe = find(id);
  if (pipe == nullptr) return;
  // A message without bytes still takes its turn.
  pipe->queued += std::max<size_t>(1, message.size);
  pipe->messages.push_back({pipe->queued, std::move(message)});
  enter(id, Stage::kUp);
}

size_t Network::buffered(PipeId id) const {
  const Pipe* pipe = find(id);
  return pipe == nullptr ? 0 : static_cast<size_t>(pipe->queued - pipe->sent);
}

void Network::enter(PipeId id, Stage stage) {
  Pipe* pipe = find(id);
  if (pipe == nullptr) return;
  bool& waiting = stage == Stage::kUp ? pipe->in_up : pipe->in_down;
  if (waiting) return;
  const LineId line = stage == Stage::kUp ? pipe->up : pipe->down;
  if (line == kUnlimitedLine) {
    const uint64_t bytes =
        stage == Stage::kUp ? pipe->queued - pipe->sent : pipe->arrived - pipe->received;
    if (bytes > 0) passed(id, stage, static_cast<uint32_t>(bytes));
    return;
  }
  waiting = true;
  lines_[static_cast<size_t>(line.value())].turns.push_back({id, stage});
  serve(line.value());
}

void Network::serve(int32_t index) {
  Line& line = lines_[static_cast<size_t>(index)];
  while (!line.busy && !line.turns.empty()) {
    const Turn turn = line.turns.take_front();
    Pipe* pipe = find(turn.pipe);
    if (pipe == nullptr) continue;
    const bool up = turn.stage == Stage::kUp;
    const uint64_t waiting = up ? pipe->queued - pipe->sent : pipe->arrived - pipe->received;
    if (waiting == 0) {
      (up ? pipe->in_up : pipe->in_down) = false;
      continue;
    }
    line.busy = true;
    line.serving = turn;
    line.serving_bytes = static_cast<uint32_t>(std::min(waiting, kQuantumBytes));
    const double micros = static_cast<double>(line.serving_bytes) * 8e6 / line.bits_per_second;
    queue_.after(Duration(static_cast<int64_t>(micros) + 1), [this, index] { finish(index); });
  }
}

void Network::finish(int32_t index) {
  Line& line = lines_[static_cast<size_t>(index)];
  const Turn turn = line.serving;
  const uint32_t bytes = line.serving_bytes;
  line.busy = false;
  if (find(turn.pipe) != nullptr) line.turns.push_back(turn);
  passed(turn.pipe, turn.stage, bytes);
  serve(index);
}

void Network::passed(PipeId id, Stage stage, uint32_t bytes) {
  Pipe* pipe = find(id);
  if (pipe == nullptr) return;
  if (stage == Stage::kDown) {
    pipe->received += bytes;
    deliver(id);
    return;
  }
  const uint64_t before = pipe->queued - pipe->sent;
  pipe->sent += bytes;
  const uint64_t after = before - bytes;
  pipe->in_flight.push_back(bytes);
  queue_.after(pipe->latency, [this, id] { arrive(id); });
  if (before > pipe->low_water && after <= pipe->low_water) {
    pipe->sink->on_pipe_drained(pipe->cookie, static_cast<size_t>(after));
  }
}

void Network::arrive(PipeId id) {
  Pipe* pipe = find(id);
  if (pipe == nullptr) return;
  pipe->arrived += pipe->in_flight.take_front();
  enter(id, Stage::kDown);
}

void Network::deliver(PipeId id) {
  for (;;) {
    Pipe* pipe = find(id);
    if (pipe == nullptr || pipe->messages.empty()) return;
    if (pipe->messages.front().end > pipe->received) return;
    Message message = pipe->messages.take_front().message;
    // May open and cut pipes: look this one up again afterwards.
    pipe->sink->on_pipe_message(pipe->cookie, std::move(message));
  }
}

}  // namespace hlsmesh::sim

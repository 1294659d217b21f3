#include "sim/network.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hlsmesh::sim {
namespace {

// One turn on a line: 6.5 ms at 20 Mbit/s, about what a sender's congestion window lets out at
// once.
constexpr uint64_t kQuantumBytes = 16 * 1024 + 256;

// Chromium's data channels send so much in a packet, and HTTP about as much.
constexpr double kPacketBytes = 1'200;
// The constant of Mathis et al. for one acknowledgement a packet or two: sqrt(3 / 2).
constexpr double kMathis = 1.22;
// The least retransmission timeout of Chromium's SCTP.
constexpr std::chrono::milliseconds kRetransmit{400};
// A path is never shorter than this for what congestion control makes of loss.
constexpr std::chrono::milliseconds kLeastLatency{1};

}  // namespace

double rate_under_loss(double loss, Duration latency) {
  const double round_trip = 2 * seconds(std::max<Duration>(latency, kLeastLatency));
  return kMathis * kPacketBytes * 8 / (round_trip * std::sqrt(loss));
}

LineId Network::add_line(double bits_per_second) {
  lines_.push_back({});
  lines_.back().bits_per_second = bits_per_second;
  return LineId(static_cast<int32_t>(lines_.size()) - 1);
}

void Network::set_line_rate(LineId line, double bits_per_second) {
  lines_[static_cast<size_t>(line.value())].bits_per_second = bits_per_second;
}

PipeId Network::open(LineId up, LineId down, Path path, PipeSink& sink, uint64_t cookie,
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
  pipe.path = path;
  if (path.loss > 0 && path.loss_slows) {
    pipe.bits_per_second = rate_under_loss(path.loss, path.latency);
  }
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
  const bool paced = stage == Stage::kUp && pipe->bits_per_second > 0;
  if (paced && pipe->ready > queue_.now()) {
    waiting = true;
    queue_.at(pipe->ready, [this, id] {
      Pipe* due = find(id);
      if (due == nullptr) return;
      due->in_up = false;
      enter(id, Stage::kUp);
    });
    return;
  }
  const LineId line = stage == Stage::kUp ? pipe->up : pipe->down;
  if (line == kUnlimitedLine) {
    uint64_t bytes =
        stage == Stage::kUp ? pipe->queued - pipe->sent : pipe->arrived - pipe->received;
    if (bytes == 0) return;
    if (paced) {
      bytes = std::min(bytes, kQuantumBytes);
      pace(*pipe, bytes);
    }
    passed(id, stage, static_cast<uint32_t>(bytes));
    if (paced) enter(id, stage);
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
    if (up) pace(*pipe, line.serving_bytes);
    const double micros = static_cast<double>(line.serving_bytes) * 8e6 / line.bits_per_second;
    queue_.after(Duration(static_cast<int64_t>(micros) + 1), [this, index] { finish(index); });
  }
}

void Network::finish(int32_t index) {
  Line& line = lines_[static_cast<size_t>(index)];
  const Turn turn = line.serving;
  const uint32_t bytes = line.serving_bytes;
  line.busy = false;
  Pipe* const pipe = find(turn.pipe);
  const bool paced = pipe != nullptr && turn.stage == Stage::kUp && pipe->bits_per_second > 0;
  if (paced) {
    pipe->in_up = false;
  } else if (pipe != nullptr) {
    line.turns.push_back(turn);
  }
  passed(turn.pipe, turn.stage, bytes);
  if (paced) enter(turn.pipe, turn.stage);
  serve(index);
}

void Network::pace(Pipe& pipe, uint64_t bytes) {
  if (pipe.bits_per_second <= 0) return;
  const double micros = static_cast<double>(bytes) * 8e6 / pipe.bits_per_second;
  pipe.ready = queue_.now() + Duration(static_cast<int64_t>(micros) + 1);
}

Duration Network::travel(Pipe& pipe, uint32_t bytes, bool last) {
  if (pipe.path.loss <= 0) return pipe.path.latency;
  double all_well = 1;
  for (double rest = bytes; rest > 0; rest -= kPacketBytes) all_well *= 1 - pipe.path.loss;
  Duration out = pipe.path.latency;
  const double drawn = static_cast<double>(random_.next() >> 32) / 4294967296.0;
  if (drawn >= all_well) {
    const Duration round_trip = 2 * pipe.path.latency;
    out += last ? std::max<Duration>(round_trip, kRetransmit) : round_trip;
  }
  pipe.arrives = std::max(pipe.arrives, queue_.now() + out);
  return pipe.arrives - queue_.now();
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
  queue_.after(travel(*pipe, bytes, after == 0 && bytes <= kQuantumBytes),
               [this, id] { arrive(id); });
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

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.hpp"
#include "common/strong.hpp"
#include "sim/event_queue.hpp"
#include "sim/fifo.hpp"
#include "sim/segment_memory.hpp"

namespace hlsmesh::sim {

using LineId = Strong<struct LineIdTag, int32_t>;
using PipeId = Strong<struct PipeIdTag, uint64_t>;

// A line without a limit: passes everything at once.
inline constexpr LineId kUnlimitedLine{-1};

struct Message {
  bool text = false;
  // Its bytes: part of a shared body, else its own. Neither where only the size matters.
  Piece piece;
  std::vector<uint8_t> own;
  std::string head;  // what stands before them
  size_t size = 0;

  ByteView bytes() const { return piece.body != nullptr ? piece.bytes : ByteView(own); }
  std::string_view as_text() const {
    return {reinterpret_cast<const char*>(own.data()), own.size()};
  }
};

class PipeSink {
 public:
  virtual ~PipeSink() = default;
  virtual void on_pipe_message(uint64_t cookie, Message message) = 0;
  // The sender's queue fell to its low-water mark from above it.
  virtual void on_pipe_drained(uint64_t cookie, size_t buffered) = 0;
};

// What lies between two lines.
struct Path {
  Duration latency{};  // one way
  double loss = 0;     // share of packets
  // Whether the sender's congestion control takes loss for congestion, as that of data channels
  // does. BBR, which CDNs use, does not.
  bool loss_slows = false;
};

// The loss of two paths in a row.
constexpr double either(double a, double b) { return a + b - a * b; }

// What loss leaves a flow whose congestion control takes it for congestion, in bits per second:
// what Mathis, Semke, Mahdavi and Ott found (1997).
double rate_under_loss(double loss, Duration latency);

// Access lines and the pipes over them. A pipe is one direction of one connection: ordered,
// reliable, through its sender's uplink, some latency and its receiver's downlink. A line serves
// the pipes that have bytes waiting in turn, a quantum at a time, so that flows share it evenly and
// a small message waits for at most one quantum of each other flow.
//
// Of loss there is what it does to a flow: what a lost packet was part of comes a round trip later,
// or a retransmission timeout later if nothing followed it, with everything behind it, since pipes
// are ordered; and where loss slows the sender, the flow gets no more than
// rate_under_loss(). No packet is lost for good.
class Network {
 public:
  Network(EventQueue& queue, uint64_t seed) : queue_(queue), random_(seed) {}

  LineId add_line(double bits_per_second);
  void set_line_rate(LineId line, double bits_per_second);

  // Messages arrive at `sink` with `cookie`; it must outlive the pipe.
  PipeId open(LineId up, LineId down, Path path, PipeSink& sink, uint64_t cookie, size_t low_water);
  // Whatever has not arrived is lost, and nothing more is reported. No effect on one that is gone.
  void cut(PipeId pipe);
  void send(PipeId pipe, Message message);
  // Bytes that have not left the sender; 0 for a pipe that is gone.
  size_t buffered(PipeId pipe) const;

 private:
  struct Queued {
    uint64_t end = 0;  // bytes of the pipe up to and including this message
    Message message;
  };
  struct Pipe {
    bool open = false;
    uint32_t generation = 0;
    LineId up;
    LineId down;
    Path path;
    PipeSink* sink = nullptr;
    uint64_t cookie = 0;
    size_t low_water = 0;
    // The most that loss leaves it, 0 for no limit; when its next bytes may leave; with loss, when
    // the last of those that left will arrive.
    double bits_per_second = 0;
    Time ready{};
    Time arrives{};
    // Bytes so far: handed in, past the uplink, at the downlink, past it.
    uint64_t queued = 0;
    uint64_t sent = 0;
    uint64_t arrived = 0;
    uint64_t received = 0;
    bool in_up = false;  // whether it stands in the line's turn
    bool in_down = false;
    Fifo<uint32_t> in_flight;
    Fifo<Queued> messages;
  };
  enum class Stage : uint8_t { kUp, kDown };
  struct Turn {
    PipeId pipe;
    Stage stage = Stage::kUp;
  };
  struct Line {
    double bits_per_second = 0;
    Fifo<Turn> turns;
    bool busy = false;
    Turn serving;
    uint32_t serving_bytes = 0;
  };

  Pipe* find(PipeId id);
  const Pipe* find(PipeId id) const;
  void enter(PipeId id, Stage stage);
  // These bytes leave now: the next ones not before the pipe's rate allows.
  void pace(Pipe& pipe, uint64_t bytes);
  // Until they arrive, from now on.
  Duration travel(Pipe& pipe, uint32_t bytes, bool last);
  void serve(int32_t line);
  void finish(int32_t line);
  void passed(PipeId id, Stage stage, uint32_t bytes);
  void arrive(PipeId id);
  void deliver(PipeId id);

  EventQueue& queue_;
  Random random_;  // used only where there is loss
  std::vector<Line> lines_;
  std::vector<Pipe> pipes_;
  std::vector<uint32_t> free_;
};

}  // namespace hlsmesh::sim

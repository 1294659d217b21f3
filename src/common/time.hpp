#pragma once

#include <chrono>
#include <cstdint>

namespace hlsmesh {

// The clock of every engine. It has no now(): time enters with each event, so that a page, a unit
// test and a simulated swarm run the same code. It is monotonic; its zero is whatever the driver
// chose.
struct EngineClock {
  using rep = int64_t;
  using period = std::milli;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<EngineClock>;
  static constexpr bool is_steady = true;
};

using TimeMs = EngineClock::time_point;
using DurationMs = EngineClock::duration;

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

#include "client/engine.hpp"

namespace hlsmesh {

// Commands on their way to the driver, each holding what its views point to: its text, and the
// segment whose bytes it carries.
class CommandQueue {
 public:
  void push(Command command) { push(command, std::string(), nullptr, 0, 0); }
  void push(Command command, std::string text) { push(command, std::move(text), nullptr, 0, 0); }
  // `command` carries [offset, offset + length) of `segment`, which must be committed.
  void push(Command command, SegmentPtr segment, size_t offset, size_t length) {
    push(command, std::string(), std::move(segment), offset, length);
  }

  // Valid until the next call of pop().
  const Command* pop();

 private:
  struct Entry {
    Command command;
    std::string text;
    SegmentPtr segment;
  };

  void push(Command command, std::string text, SegmentPtr segment, size_t offset, size_t length);

  std::list<Entry> queue_;   // entries stay where they are, and so does what the views point to
  bool handed_out_ = false;  // the first of queue_ is with the driver
};

}  // namespace hlsmesh

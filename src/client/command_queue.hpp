#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

#include "cache/segment_cache.hpp"
#include "client/commands.hpp"

namespace hlsmesh {

// Commands on their way to the driver, each holding what its views point to: its text, and the
// segment whose bytes it carries.
class CommandQueue {
 public:
  // Each appends a command and returns it, for what else it is to say; valid until it is popped.
  Command& push(CommandKind kind);
  Command& push(CommandKind kind, std::string text);
  // It carries [offset, offset + length) of `segment`, which must be committed.
  Command& push(CommandKind kind, const SegmentPtr& segment, size_t offset, size_t length,
                std::string text = {});
  Command& event(EventCode code, double aux = 0);
  Command& event(EventCode code, double aux, const std::string& text);

  // Valid until the next call of pop().
  const Command* pop();

 private:
  struct Entry {
    Command command;
    std::string text;
    SegmentPtr segment;
  };

  std::list<Entry> queue_;   // entries stay where they are, and so does what the views point to
  bool handed_out_ = false;  // the first of queue_ is with the driver
};

}  // namespace hlsmesh

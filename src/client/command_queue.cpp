#include "client/command_queue.hpp"

#include <cassert>

namespace hlsmesh {

Command& CommandQueue::push(CommandKind kind) {
  Command& command = queue_.emplace_back().command;
  command.kind = kind;
  return command;
}

Command& CommandQueue::push(CommandKind kind, std::string text) {
  Command& command = push(kind);
  queue_.back().text = std::move(text);
  command.text = queue_.back().text;
  return command;
}

Command& CommandQueue::push(CommandKind kind, const SegmentPtr& segment, size_t offset,
                            size_t length, std::string text) {
  assert(offset <= segment->held() && length <= segment->held() - offset);
  Command& command = push(kind, std::move(text));
  queue_.back().segment = segment;
  command.data = segment->bytes().subspan(offset, length);
  return command;
}

Command& CommandQueue::event(EventCode code, double aux) {
  Command& command = push(CommandKind::kEvent);
  command.code = static_cast<int32_t>(code);
  command.aux = aux;
  return command;
}

Command& CommandQueue::event(EventCode code, double aux, const std::string& text) {
  Command& command = event(code, aux);
  queue_.back().text = text;
  command.text = queue_.back().text;
  return command;
}

const Command* CommandQueue::pop() {
  if (handed_out_) queue_.pop_front();
  handed_out_ = !queue_.empty();
  return handed_out_ ? &queue_.front().command : nullptr;
}

}  // namespace hlsmesh

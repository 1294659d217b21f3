#include "client/command_queue.hpp"

namespace hlsmesh {

void CommandQueue::push(Command command, std::string text, SegmentPtr segment, size_t offset,
                        size_t length) {
  Entry& entry = queue_.emplace_back(Entry{command, std::move(text), std::move(segment)});
  entry.command.text = entry.text;
  if (entry.segment != nullptr) {
    entry.command.data = entry.segment->bytes().subspan(offset, length);
  }
}

const Command* CommandQueue::pop() {
  if (handed_out_) queue_.pop_front();
  handed_out_ = !queue_.empty();
  return handed_out_ ? &queue_.front().command : nullptr;
}

}  // namespace hlsmesh

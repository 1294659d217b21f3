#include "client/command_queue.hpp"

namespace hlsmesh {

void CommandQueue::push(Command command, std::string text, SegmentPtr segment, size_t offset,
                        size_t length) {
  queue_.push_back(Entry{command, std::move(text), std::move(segment), offset, length});
}

const Command* CommandQueue::pop() {
  if (next_ == queue_.size()) {
    queue_.clear();
    next_ = 0;
    handed_out_ = Entry();  // lets go of the last command's segment
    return nullptr;
  }
  handed_out_ = std::move(queue_[next_]);
  ++next_;
  // The views are made only now: moving a short string moves its bytes.
  handed_out_.command.text = handed_out_.text;
  if (handed_out_.segment != nullptr) {
    handed_out_.command.data =
        handed_out_.segment->bytes().subspan(handed_out_.offset, handed_out_.length);
  }
  return &handed_out_.command;
}

}  // namespace hlsmesh

#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace hlsmesh::sim {

// First in, first out. Takes no memory before its first entry: a simulation has some hundred
// thousand queues, of which most are empty, and an empty std::deque has 600 bytes.
template <class T>
class Fifo {
 public:
  bool empty() const { return front_ == items_.size(); }
  T& front() { return items_[front_]; }
  void push_back(T item) {
    // The space of what was taken is used again once it is half of all.
    if (items_.size() == items_.capacity() && front_ > 0 && 2 * front_ >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(front_));
      front_ = 0;
    }
    items_.push_back(std::move(item));
  }
  T take_front() {
    T out = std::move(items_[front_]);
    if (++front_ == items_.size()) {
      items_.clear();
      front_ = 0;
    }
    return out;
  }

 private:
  std::vector<T> items_;
  size_t front_ = 0;  // before it everything was taken
};

}  // namespace hlsmesh::sim

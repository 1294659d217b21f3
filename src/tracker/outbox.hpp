#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tracker/commands.hpp"

namespace hlsmesh::tracker {

// Commands that wait for the driver.
class Outbox {
 public:
  void send(ConnId conn, std::string text) {
    items_.push_back({TrackerCommandKind::kSend, conn, 0, std::move(text)});
  }
  void ping(ConnId conn) { items_.push_back({TrackerCommandKind::kPing, conn, 0, {}}); }
  void close(ConnId conn, int32_t code, std::string reason) {
    items_.push_back({TrackerCommandKind::kClose, conn, code, std::move(reason)});
  }

  void authorize(ConnId conn, int32_t request, std::string question) {
    items_.push_back({TrackerCommandKind::kAuthorize, conn, request, std::move(question)});
  }

  void forward(ConnId conn, std::string text) {
    items_.push_back({TrackerCommandKind::kForward, conn, 0, std::move(text)});
  }

  void split(std::string parameter) {
    items_.push_back({TrackerCommandKind::kSplit, ConnId(), 0, std::move(parameter)});
  }

  // Valid until the next call of any method.
  const TrackerCommand* poll() {
    if (next_ == items_.size()) {
      items_.clear();
      next_ = 0;
      return nullptr;
    }
    const Item& item = items_[next_++];
    view_ = {item.kind, item.conn, item.code, item.text};
    return &view_;
  }

 private:
  struct Item {
    TrackerCommandKind kind;
    ConnId conn;
    int32_t code;
    std::string text;
  };
  std::vector<Item> items_;
  size_t next_ = 0;
  TrackerCommand view_;
};

}  // namespace hlsmesh::tracker

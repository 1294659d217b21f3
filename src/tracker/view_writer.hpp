#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/json_number.hpp"
#include "protocol/json_writer.hpp"

namespace hlsmesh::tracker {

// Writes JSON front to back and sets the commas.
class ViewWriter {
 public:
  void open(char bracket) {
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }
  // The next element of a list.
  void next() {
    if (!first_) out_ += ',';
    first_ = false;
  }
  void next(double value) {
    next();
    json::append_double(out_, value);
  }
  void next(std::string_view text) {
    next();
    json::append_string(out_, text);
  }
  void key(std::string_view name) {
    next();
    json::append_string(out_, name);
    out_ += ':';
  }
  // Opens an object or a list under a key.
  void open(std::string_view name, char bracket) {
    key(name);
    open(bracket);
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    json::append_string(out_, value);
  }
  void number(std::string_view name, double value) {
    key(name);
    json::append_double(out_, value);
  }
  void integer(std::string_view name, int64_t value) {
    key(name);
    json::append_integer(out_, value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  void null(std::string_view name) {
    key(name);
    out_ += "null";
  }
  void next_null() {
    next();
    out_ += "null";
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool first_ = true;
};

}  // namespace hlsmesh::tracker

#pragma once

#include <cstddef>
#include <utility>

namespace hlsmesh {

// Base of every object that a Shared may own. It holds the count of its owners; not thread-safe.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  template <class T>
  friend class Shared;
  size_t holders_ = 0;
};

// One of several owners of a T made with new, or of nothing; the last owner deletes it. The further
// features of std::shared_ptr (weak pointers, deleters, threads) need a counter class with run-time
// type information: over 1 KB of the shipped wasm, gzipped.
template <class T>
class Shared {
 public:
  Shared() = default;
  Shared(std::nullptr_t) {}
  explicit Shared(T* object) : object_(object) {
    if (object_ != nullptr) ++object_->holders_;
  }
  Shared(const Shared& other) : Shared(other.object_) {}
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ != nullptr && --object_->holders_ == 0) delete object_;
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Shared& a, const Shared& b) { return a.object_ == b.object_; }
  friend bool operator==(const Shared& a, std::nullptr_t) { return a.object_ == nullptr; }

  void reset() { *this = Shared(); }
  // Owners, this one included; 0 when it owns nothing.
  size_t use_count() const { return object_ == nullptr ? 0 : object_->holders_; }

 private:
  T* object_ = nullptr;
};

}  // namespace hlsmesh

#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace hlsmesh {

// A map sorted by `<`, with the part of std::map's interface that the engine needs. An entry stays
// at its address until it is erased, so references to it stay valid; every change invalidates
// iterators. A lookup is O(log n); a change moves O(n) pointers. std::map brings code to balance a
// tree for each pair of types: five of them were 1 KB more of the shipped wasm, gzipped.
template <class Key, class Value>
class SortedMap {
 public:
  struct Entry {
    template <class... Args>
    explicit Entry(const Key& key, Args&&... args)
        : first(key), second(std::forward<Args>(args)...) {}

    const Key first;
    Value second;
  };

  template <class Item>
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = std::remove_const_t<Item>;
    using difference_type = std::ptrdiff_t;
    using pointer = Item*;
    using reference = Item&;

    Iterator() = default;
    explicit Iterator(void* const* at) : at_(at) {}

    Item& operator*() const { return *static_cast<Item*>(*at_); }
    Item* operator->() const { return static_cast<Item*>(*at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator& operator--() {
      --at_;
      return *this;
    }
    friend bool operator==(Iterator a, Iterator b) { return a.at_ == b.at_; }

   private:
    friend class SortedMap;
    void* const* at_ = nullptr;
  };
  using iterator = Iterator<Entry>;
  using const_iterator = Iterator<const Entry>;

  SortedMap() = default;
  SortedMap(const SortedMap&) = delete;
  SortedMap& operator=(const SortedMap&) = delete;
  ~SortedMap() { clear(); }

  size_t size() const { return entries_.size(); }
  iterator begin() { return iterator(entries_.data()); }
  iterator end() { return iterator(entries_.data() + entries_.size()); }
  const_iterator begin() const { return const_iterator(entries_.data()); }
  const_iterator end() const { return const_iterator(entries_.data() + entries_.size()); }

  iterator lower_bound(const Key& key) { return iterator(entries_.data() + place_of(key)); }
  iterator find(const Key& key) { return iterator(entries_.data() + index_of(key)); }
  const_iterator find(const Key& key) const {
    return const_iterator(entries_.data() + index_of(key));
  }

  // Returns the key's entry, and true if it was made, from `args`, because there was none.
  template <class... Args>
  std::pair<iterator, bool> try_emplace(const Key& key, Args&&... args) {
    const size_t at = place_of(key);
    const bool is_new = !holds(at, key);
    if (is_new) {
      void* const entry = new Entry(key, std::forward<Args>(args)...);
      entries_.push_back(entry);
      std::copy_backward(place(at), std::prev(entries_.end()), entries_.end());
      entries_[at] = entry;
    }
    return {iterator(entries_.data() + at), is_new};
  }
  Value& operator[](const Key& key) { return try_emplace(key).first->second; }

  // Returns the entry after the erased one.
  iterator erase(iterator entry) {
    const auto at = static_cast<size_t>(entry.at_ - entries_.data());
    Entry* const gone = &*entry;
    entries_.erase(place(at));
    delete gone;
    return iterator(entries_.data() + at);
  }
  void erase(const Key& key) {
    if (const iterator entry = find(key); entry != end()) erase(entry);
  }
  void clear() {
    while (entries_.size() > 0) erase(iterator(entries_.data() + entries_.size() - 1));
  }

 private:
  const Key& key_at(size_t at) const { return static_cast<const Entry*>(entries_[at])->first; }
  size_t place_of(const Key& key) const {
    size_t low = 0;
    size_t high = entries_.size();
    // What is looked for is near the end, most of the time.
    for (size_t step = 1; step <= high; step *= 2) {
      if (key_at(high - step) < key) {
        low = high - step + 1;
        break;
      }
      high -= step;
    }
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (key_at(middle) < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
  std::vector<void*>::iterator place(size_t at) {
    return entries_.begin() + static_cast<std::ptrdiff_t>(at);
  }
  bool holds(size_t at, const Key& key) const {
    return at < entries_.size() && !(key < key_at(at));
  }
  size_t index_of(const Key& key) const {
    const size_t at = place_of(key);
    return holds(at, key) ? at : entries_.size();
  }

  std::vector<void*> entries_;  // of Entry, untyped so that all maps share the list's code
};

}  // namespace hlsmesh

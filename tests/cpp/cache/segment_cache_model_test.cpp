#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cache/segment_cache.hpp"
#include "common/random.hpp"
#include "cpp/cache/segments.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

namespace {

// A model of the segment cache in the plainest way: one list in order of use, least recent first,
// and a count of outside holders for each buffer.
class Model {
 public:
  struct Item {
    int id = 0;
    Segment segment;
    size_t size = 0;
    size_t committed = 0;  // in-order bytes
    int holders = 0;
    bool indexed = true;

    bool complete() const { return committed == size; }
  };

  // Id of the new item, or -1.
  int begin(const Segment& segment, size_t size) {
    if (size == 0 || size > budget) return -1;
    shrink(size);
    if (bytes() > budget) return -1;
    peak = std::max(peak, bytes() + size);
    for (Item& item : items) {
      if (item.segment.key == segment.key) item.indexed = false;
    }
    items.push_back({next_id++, segment, size, 0, 1, true});
    collect();
    return items.back().id;
  }

  void shrink(size_t incoming) {
    while (bytes() + incoming > budget) {
      auto victim = items.end();
      for (auto it = items.begin(); it != items.end(); ++it) {
        if (!it->indexed || it->holders > 0) continue;
        if (victim == items.end() || rank(*it) < rank(*victim)) victim = it;
      }
      if (victim == items.end()) return;
      items.erase(victim);
      ++evictions;
    }
  }

  // Ties fall to the earlier in the list, which is the less recently used.
  std::pair<int, double> rank(const Item& item) const {
    if (!item.complete()) return {0, 0};
    const double end = item.segment.span.end();
    return end <= playhead ? std::pair(1, end) : std::pair(2, 0.0);
  }

  // The complete items that `test` accepts.
  template <class Test>
  std::vector<int> complete(Test test) const {
    std::vector<int> ids;
    for (const Item& item : items) {
      if (item.indexed && item.complete() && test(item)) ids.push_back(item.id);
    }
    return ids;
  }

  void use(int id) {
    const auto it = at(id);
    std::rotate(it, it + 1, items.end());
  }

  void release(int id) {
    --at(id)->holders;
    collect();
  }

  void collect() {
    items.erase(std::remove_if(items.begin(), items.end(),
                               [](const Item& item) { return !item.indexed && item.holders == 0; }),
                items.end());
  }

  std::vector<Item>::iterator at(int id) {
    return std::find_if(items.begin(), items.end(), [id](const Item& i) { return i.id == id; });
  }

  size_t bytes() const {
    size_t sum = 0;
    for (const Item& item : items) sum += item.size;
    return sum;
  }

  size_t indexed() const {
    return static_cast<size_t>(
        std::count_if(items.begin(), items.end(), [](const Item& item) { return item.indexed; }));
  }

  std::vector<Item> items;
  size_t budget = 0;
  double playhead = -1e300;
  size_t peak = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  int next_id = 0;
};

// A SegmentPtr held outside, and the model's name for it.
struct Hold {
  SegmentPtr segment;
  int id;
};

class Run {
 public:
  explicit Run(uint64_t seed) : random_(seed), cache_(kBudget) { model_.budget = kBudget; }

  void step() {
    // Spells of holding on to much, until nothing can be evicted, and of letting go.
    if (random_.below(100) == 0) most_held_ = 4 + random_.below(20);
    if (holds_.size() > most_held_) return release();
    switch (random_.below(13)) {
      case 0:
      case 1:
        return begin();
      case 2:
        return grow(false);
      case 3:
      case 4:
        return grow(true);
      case 5:
        return release();
      case 6:
        return abandon();
      case 7:
      case 8:
      case 9:
        return find();
      case 10:
        return find_by_wire_name();
      case 11:
        cache_.set_playhead(model_.playhead = random_.below(kSegments * 10));
        return model_.shrink(0);
      default:
        if (random_.below(4) != 0) return;
        cache_.set_budget(model_.budget = kBudget / 2 + random_.below(kBudget / 2));
        largest_budget_ = std::max(largest_budget_, model_.budget);
        return model_.shrink(0);
    }
  }

  void check() {
    REQUIRE(cache_.bytes() == model_.bytes());
    REQUIRE(cache_.bytes() <= largest_budget_ + largest_segment_);
    REQUIRE(cache_.peak_bytes() == model_.peak);
    REQUIRE(cache_.peak_bytes() <= largest_budget_ + largest_segment_);
    REQUIRE(cache_.segment_count() == model_.indexed());
    REQUIRE(cache_.counts().hits == model_.hits);
    REQUIRE(cache_.counts().misses == model_.misses);
    REQUIRE(cache_.counts().hits + cache_.counts().misses == finds_);
    REQUIRE(cache_.counts().evictions == model_.evictions);
    for (const Hold& hold : holds_) {
      const auto item = model_.at(hold.id);
      REQUIRE(item != model_.items.end());
      REQUIRE(hold.segment->committed_bytes() == item->committed);
      if (item->indexed && item->complete()) {
        REQUIRE(cache_.peek(hold.segment->segment().key) == hold.segment);
      }
    }
    MediaSequence newest(-1);
    for (int64_t sn = 0; sn < kSegments; ++sn) {
      for (const char* rendition : kRenditions) {
        const SegmentKey wanted = key(sn, rendition);
        const auto ids =
            model_.complete([&](const Model::Item& i) { return i.segment.key == wanted; });
        REQUIRE((cache_.peek(wanted) != nullptr) == !ids.empty());
        if (!ids.empty()) newest = wanted.sn;
      }
    }
    REQUIRE(cache_.newest() == newest);
  }

  void let_go_of_everything() {
    while (!holds_.empty()) release();
    cache_.set_budget(model_.budget = 0);
    model_.shrink(0);
    CHECK(cache_.bytes() == 0);
    CHECK(cache_.segment_count() == 0);
  }

  const Model& model() const { return model_; }
  uint64_t refused() const { return refused_; }
  uint64_t overdrafts() const { return overdrafts_; }

 private:
  static constexpr size_t kBudget = 1000;
  static constexpr int64_t kSegments = 12;
  static constexpr const char* kRenditions[] = {"high", "low"};

  SegmentKey any_key() {
    // Two statements: the order in which arguments are evaluated is the compiler's choice.
    const char* rendition = kRenditions[random_.below(2)];
    return key(random_.below(kSegments), rendition);
  }

  void begin() {
    const SegmentKey wanted = any_key();
    const size_t size = random_.below(20) == 0 ? random_.below(2000) : 1 + random_.below(200);
    const Segment what = segment(wanted.sn.value(), wanted.rendition);
    SegmentPtr fresh = cache_.begin(what, size);
    const int id = model_.begin(what, size);
    REQUIRE((fresh != nullptr) == (id >= 0));
    if (!fresh) {
      ++refused_;
      return;
    }
    largest_segment_ = std::max(largest_segment_, size);
    if (cache_.bytes() > cache_.budget()) ++overdrafts_;
    holds_.push_back({std::move(fresh), id});
  }

  void grow(bool whole) {
    if (holds_.empty()) return;
    const Hold& hold = holds_[random_.below(static_cast<uint32_t>(holds_.size()))];
    const auto item = model_.at(hold.id);
    const size_t left = item->size - item->committed;
    const size_t length = whole ? left : random_.below(static_cast<uint32_t>(left + 1));
    REQUIRE(hold.segment->commit(item->committed, length));
    item->committed += length;
  }

  void release() {
    if (holds_.empty()) return;
    const size_t index = random_.below(static_cast<uint32_t>(holds_.size()));
    const int id = holds_[index].id;
    holds_.erase(holds_.begin() + static_cast<std::ptrdiff_t>(index));
    model_.release(id);
  }

  void abandon() {
    if (holds_.empty()) return;
    const Hold& hold = holds_[random_.below(static_cast<uint32_t>(holds_.size()))];
    cache_.abandon(hold.segment);
    const auto item = model_.at(hold.id);
    if (!item->complete()) item->indexed = false;
  }

  void find() {
    const SegmentKey wanted = any_key();
    const auto ids = model_.complete([&](const Model::Item& i) { return i.segment.key == wanted; });
    SegmentPtr found = cache_.find(wanted);
    ++finds_;
    ++(ids.empty() ? model_.misses : model_.hits);
    took(std::move(found), ids);
  }

  void find_by_wire_name() {
    const SegmentKey wanted = any_key();
    const std::string url = segment(wanted.sn.value()).url;
    auto ids = model_.complete([&](const Model::Item& i) {
      return i.segment.key.sn == wanted.sn && i.segment.url == url;
    });
    if (ids.size() > 1) ids.clear();
    took(cache_.find_by_wire_name(url, wanted.sn), ids);
  }

  void took(SegmentPtr found, const std::vector<int>& ids) {
    REQUIRE((found != nullptr) == !ids.empty());
    if (!found) return;
    model_.use(ids[0]);
    if (random_.below(4) != 0) return;
    ++model_.at(ids[0])->holders;
    holds_.push_back({std::move(found), ids[0]});
  }

  Random random_;
  SegmentCache cache_;
  Model model_;
  std::vector<Hold> holds_;
  size_t most_held_ = 10;
  size_t largest_budget_ = kBudget;
  size_t largest_segment_ = 0;
  uint64_t finds_ = 0;
  uint64_t refused_ = 0;
  uint64_t overdrafts_ = 0;
};

}  // namespace

TEST_CASE("Random operations agree with the plain model, within budget and one segment") {
  uint64_t hits = 0;
  uint64_t evictions = 0;
  uint64_t refused = 0;
  uint64_t overdrafts = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Run run(seed);
    for (int i = 0; i < 1500; ++i) {
      INFO("step " << i);
      run.step();
      run.check();
    }
    run.let_go_of_everything();
    hits += run.model().hits;
    evictions += run.model().evictions;
    refused += run.refused();
    overdrafts += run.overdrafts();
  }
  // The drive went where it matters.
  CAPTURE(hits, evictions, refused, overdrafts);
  CHECK(hits > 500);
  CHECK(evictions > 500);
  CHECK(refused > 100);
  CHECK(overdrafts > 50);
}

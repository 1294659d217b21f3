#include "sim/event_queue.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <utility>
#include <vector>

#include "common/random.hpp"

namespace hlsmesh::sim {

TEST_CASE("actions run by time and, at equal times, in the order in which they were arranged") {
  Random random(GENERATE(1u, 2u, 3u));
  // Delays of a few microseconds, so that many are equal, and of some minutes.
  const uint32_t longest = GENERATE(4u, 1'000u, 300'000'000u);
  EventQueue queue;
  std::map<std::pair<Time, int>, bool> pending;  // the model: by time and number
  int arranged = 0;
  int run = 0;
  const std::function<void()> arrange = [&] {
    const Time when = queue.now() + Duration(random.below(longest));
    const std::pair key{when, arranged++};
    pending[key] = true;
    queue.at(when, [&, key] {
      REQUIRE(queue.now() == key.first);
      REQUIRE(pending.begin()->first == key);
      pending.erase(key);
      ++run;
      for (uint32_t more = random.below(3); more > 0 && arranged < 20'000; --more) arrange();
    });
  };
  while (arranged < 20'000) {
    arrange();
    queue.run_until(queue.now() + Duration(random.below(longest)));
    // Nothing that was due is left, and nothing else was run.
    REQUIRE((pending.empty() || pending.begin()->first.first > queue.now()));
  }
  queue.run_until(queue.now() + Duration(longest) * 20'000);
  CHECK(pending.empty());
  CHECK(run == arranged);
  CHECK(queue.executed() == static_cast<uint64_t>(run));
}

TEST_CASE("what is arranged for the past runs now, after what is due already") {
  EventQueue queue;
  queue.run_until(Time(Duration(100)));
  std::vector<int> seen;
  queue.at(Time(Duration(100)), [&] { seen.push_back(1); });
  queue.at(Time(Duration(5)), [&] { seen.push_back(2); });
  queue.run_until(Time(Duration(100)));
  CHECK(seen == std::vector<int>{1, 2});
  CHECK(queue.now() == Time(Duration(100)));
}

}  // namespace hlsmesh::sim

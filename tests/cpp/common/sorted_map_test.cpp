#include "common/sorted_map.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "common/random.hpp"

using namespace hlsmesh;

TEST_CASE("a sorted map does what std::map does, whatever the order of changes") {
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  Random random(seed);
  SortedMap<int, std::string> map;
  std::map<int, std::string> model;
  for (int step = 0; step < 3'000; ++step) {
    const int key = static_cast<int>(random.below(40));
    const std::string value = std::to_string(step);
    const uint32_t action = random.below(10);
    if (action < 4) {
      const auto [entry, is_new] = map.try_emplace(key, value);
      REQUIRE(is_new == model.try_emplace(key, value).second);
      REQUIRE(entry->second == model[key]);
    } else if (action < 6) {
      map[key] = value;
      model[key] = value;
    } else if (action < 9) {
      map.erase(key);
      model.erase(key);
    } else if (step % 100 == 99) {
      map.clear();
      model.clear();
    } else {
      const int divisor = 2 + static_cast<int>(random.below(3));
      for (auto entry = map.begin(); entry != map.end();) {
        if (entry->first % divisor == 0) {
          entry = map.erase(entry);
        } else {
          ++entry;
        }
      }
      for (auto entry = model.begin(); entry != model.end();) {
        entry = entry->first % divisor == 0 ? model.erase(entry) : std::next(entry);
      }
    }
    REQUIRE(map.size() == model.size());
    auto expected = model.begin();
    for (const auto& [found, text] : map) {
      REQUIRE(found == expected->first);
      REQUIRE(text == expected->second);
      ++expected;
    }
    const auto bound = map.lower_bound(key);
    const auto bound_expected = model.lower_bound(key);
    REQUIRE((bound == map.end()) == (bound_expected == model.end()));
    if (bound != map.end()) REQUIRE(bound->first == bound_expected->first);
    REQUIRE((map.find(key) == map.end()) == (model.count(key) == 0));
  }
}

TEST_CASE("entries of a sorted map stay where they are while others come and go") {
  SortedMap<int, std::string> map;
  const std::string* const kept = &map[50];
  for (int key = 0; key < 100; ++key) map[key] = "other";
  for (int key = 0; key < 50; ++key) map.erase(key);
  CHECK(&map[50] == kept);
}

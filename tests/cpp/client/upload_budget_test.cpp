#include "client/upload/upload_budget.hpp"

#include <catch2/catch.hpp>

#include "parts.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("upload budget: nothing is limited before a limit is set") {
  UploadBudget budget;
  CHECK_FALSE(budget.capped());
  CHECK_FALSE(budget.over());
  for (int i = 0; i < 100; ++i) CHECK(budget.take(kStart, 1'000'000'000, false));
  CHECK(budget.wait(kStart, false) == DurationMs(0));
}

TEST_CASE("upload budget: the rate may be used 4 s ahead of time, or one by who is not favoured") {
  UploadBudget budget;
  budget.set(1'000, HUGE_VAL);
  CHECK(budget.capped());
  CHECK(budget.take(kStart, 2'000, true));
  CHECK_FALSE(budget.take(kStart, 1, false));
  CHECK(budget.wait(kStart, false) == DurationMs(1'000));
  CHECK(budget.wait(kStart, true) == DurationMs(0));
  CHECK(budget.take(after(1'000), 1, false));
  CHECK(budget.take(after(1'000), 10'000, true));
  CHECK_FALSE(budget.take(after(1'000), 1, true));
  // What was not sent is nobody's.
  budget.give_back(10'000);
  CHECK(budget.take(after(1'000), 1, true));
}

TEST_CASE(
    "upload budget: over once a segment does not fit in what is left, until more is allowed") {
  UploadBudget budget;
  budget.set(HUGE_VAL, 1'000);
  CHECK(budget.take(kStart, 600, true));
  CHECK_FALSE(budget.over());
  CHECK_FALSE(budget.take(kStart, 600, true));
  CHECK(budget.over());
  CHECK_FALSE(budget.take(kStart, 1, true));
  budget.set(HUGE_VAL, 2'000);
  CHECK(budget.take(kStart, 600, true));
  budget.set(0, HUGE_VAL);
  CHECK(budget.over());
  CHECK_FALSE(budget.take(kStart, 1, true));
}

// Who is to blame for a bad segment.

#include <catch2/catch.hpp>

#include "two_parents.hpp"

using namespace hlsmesh;
using namespace hlsmesh::test;

TEST_CASE("mesh: of a bad segment of two givers nobody is ended, and the next comes from one") {
  TwoParents r;
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  r.serve();
  REQUIRE(r.given(1) == mesh_body());
  r.h.engine.on_verdict(r.h.now, LoadId(1), -1);
  r.h.drain();
  CHECK(r.is_open(r.a));
  CHECK(r.is_open(r.b));

  r.h.clear();
  r.h.load(2, 6);
  r.at_a = r.transfer(r.a);
  r.at_b = r.transfer(r.b);
  r.holds(r.a, r.at_a, "0-3", kMeshBytes);
  r.holds(r.b, r.at_b, kAllPieces, kMeshBytes);
  CHECK(r.asked(r.a, r.at_a) == pieces("0-3"));
  CHECK(r.asked(r.b, r.at_b).empty());
  r.holds(r.a, r.at_a, kAllPieces, kMeshBytes);
  r.serve();
  REQUIRE(r.given(2) == mesh_body());
  // Now it is known who lies.
  r.h.engine.on_verdict(r.h.now, LoadId(2), -1);
  r.h.drain();
  CHECK_FALSE(r.is_open(r.a));
  CHECK(r.is_open(r.b));
}

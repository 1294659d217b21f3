#pragma once

#include <string>

#include "mesh_room.hpp"

namespace hlsmesh::test {

inline constexpr size_t kMeshBytes = 300'000;  // 19 pieces, the last one short
inline constexpr const char* kAllPieces = "0-18";

inline const std::string& mesh_body() {
  static const std::string bytes = Harness::body(5, kMeshBytes);
  return bytes;
}

// Two parents, and a load of segment 5 that was asked of both.
struct TwoParents : MeshRoom {
  int32_t a = 0;
  int32_t b = 0;
  uint32_t at_a = 0;  // transfers
  uint32_t at_b = 0;

  TwoParents() {
    a = add_parent("a");
    b = add_parent("b");
    h.clear();
    h.load(1, 5);
    REQUIRE(opened(a).size() == 1);
    REQUIRE(opened(b).size() == 1);
    at_a = transfer(a);
    at_b = transfer(b);
  }

  // Each sends what it was asked for, until nothing more is.
  void serve() {
    PieceSet by_a;
    PieceSet by_b;
    bool any = true;
    while (any) {
      any = false;
      for (const int32_t peer : {a, b}) {
        const uint32_t number = peer == a ? at_a : at_b;
        PieceSet& sent = peer == a ? by_a : by_b;
        PieceSet due = asked(peer, number);
        due.remove(sent);
        if (due.empty()) continue;
        sends(peer, number, due.first(), 1, mesh_body());
        sent.add(due.first());
        any = true;
      }
    }
  }
};

}  // namespace hlsmesh::test

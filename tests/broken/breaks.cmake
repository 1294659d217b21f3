# How the engine of tests/broken is broken: each break is one number of `hlsmesh_broken`, 0 for none.

# 1: never gives up a silent parent.
hlsmesh_break(player/loads.cpp
  "void Loads::review(TimeMs now, Load& load) {"
  "void Loads::review(TimeMs now, Load& load) {
  if (hlsmesh_broken == 1) return;")
hlsmesh_break(player/loads.cpp
  "    timer.also(load.due, Wake::kLoad);"
  "    if (hlsmesh_broken == 1 && load.state == Load::State::kAsking) continue;
    timer.also(load.due, Wake::kLoad);")
hlsmesh_break(player/loads.cpp
  "  if (left > DurationMs::zero()) return true;"
  "  if (hlsmesh_broken == 1 || left > DurationMs::zero()) return true;")
hlsmesh_break(download/requester.cpp
  "TimeMs Requester::next_due() const {"
  "TimeMs Requester::next_due() const {
  if (hlsmesh_broken == 1) return kNever;")
hlsmesh_break(link/liveness.cpp
  "    if (missed_ >= kMostMissed) {"
  "    if (hlsmesh_broken != 1 && missed_ >= kMostMissed) {")

# 2: serves the segment before the one that was asked for.
hlsmesh_break(peers/children.cpp
  "  return downloads_.shelf.find(now, request);"
  "  if (hlsmesh_broken == 2) {
    const MediaSequence before(request.sn->value() - 1);
    if (SegmentPtr wrong = downloads_.shelf.cache.peek(before, [](const Segment&) { return true; })) {
      return wrong;
    }
  }
  return downloads_.shelf.find(now, request);")

# 3: leaks the uplink's slot of a child that goes in the middle of a segment, and that of the line, once pieces have waited for it.
hlsmesh_break(peers/children.cpp
  "if (std::exchange(child.full, false)) turns_.uplink.on_lost();"
  "if (std::exchange(child.full, false) && hlsmesh_broken != 3) turns_.uplink.on_lost();")
hlsmesh_break(peers/children.cpp
  "  } else {
    turns_.uplink.on_lost();
  }"
  "  } else if (hlsmesh_broken != 3) {
    turns_.uplink.on_lost();
  }")

# 4: never has a player's first segment fetched.
hlsmesh_break(player/loads_cdn.cpp
  "void Loads::go_to_cdn(TimeMs now, Load& load) {"
  "void Loads::go_to_cdn(TimeMs now, Load& load) {
  if (hlsmesh_broken == 4 && stats_.loads == 1 && stats_.cdn_segments + stats_.p2p_segments == 0) {
    load.due = kNever;
    return;
  }")

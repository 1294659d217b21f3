#include <string>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::string report(double played, double stalled, double stalls, const std::string& more = {}) {
  return R"({"action":"statistics","level":0,"cdn":100,"p2p":300,"played":)" +
         std::to_string(played) + R"(,"stalled":)" + std::to_string(stalled) + R"(,"stalls":)" +
         std::to_string(stalls) + more + "}";
}

bool holds(const std::string& json, const std::string& part) {
  INFO(json);
  return json.find(part) != std::string::npos;
}

wire::Enter compared(bool control) {
  wire::Enter enter;
  enter.hlsmesh = 2;
  enter.control = control;
  return enter;
}

}  // namespace

TEST_CASE("what viewers report is added up by who and where they are, and told once") {
  Harness h;
  wire::Enter enter;
  enter.channel = "c";
  enter.browser = "Firefox";
  enter.device = wire::Device::kMobile;
  const int32_t conn = h.open("192.0.2.77", "Example Telecom", "DE-BE");
  h.say(conn, enter);
  h.advance(seconds(30));
  h.text(conn, report(30, 2, 1, R"(,"first":1)"));
  const std::string told = ",1,100,300,0,30,2,1,1,0";
  const std::string first = h.tracker.take_audience();
  CHECK(holds(first, R"("channel":[["c")" + told + ",1]]"));
  CHECK(holds(first, R"("isp":[["Example Telecom")" + told + "]]"));
  CHECK(holds(first, R"("country":[["DE")" + told + "]]"));
  CHECK(holds(first, R"("device":[["mobile")" + told + "]]"));
  CHECK(holds(first, R"("browser":[["Firefox")" + told + "]]"));
  CHECK(holds(first, R"("classes":[1])"));
  CHECK(holds(h.tracker.take_audience(), R"("country":[["DE",1,0,0,0,0,0,0,0,0]])"));
  h.hang_up(conn);
  h.tracker.take_audience();
  CHECK(holds(h.tracker.take_audience(), R"("country":[])"));
}

TEST_CASE(
    "nobody reports more playback than time has passed, more stalls than fit, or a second first "
    "frame") {
  Harness h;
  const int32_t conn = h.join("c");
  // It may have played for a minute before it came.
  h.text(conn, report(1e9, 1e9, 1e9, R"(,"first":301)"));
  CHECK(holds(h.tracker.take_audience(), R"(["c",1,100,300,0,60,60,241,0,0,1])"));
  h.text(conn, report(1e9, 1e9, 1e9));
  CHECK(holds(h.tracker.take_audience(), R"(["c",1,100,300,0,0,0,0,0,0,1])"));
  h.advance(seconds(10));
  h.text(conn, report(30, 0.5, 2, R"(,"first":0)"));
  h.text(conn, report(0, 0, 0, R"(,"first":1)"));
  const std::string json = h.tracker.take_audience();
  CHECK(holds(json, R"(["c",1,200,600,0,10,0.5,2,1,-4.60517,1])"));
  // Neither by leaving and coming back.
  h.text(conn, R"({"action":"leave"})");
  h.text(conn, R"({"action":"enter","channel":"c"})");
  h.text(conn, report(30, 30, 1));
  CHECK(holds(h.tracker.take_audience(), R"(["c",1,100,300,0,0,0,0,0,0,1])"));
}

TEST_CASE("names that viewers choose are bounded in number and in length") {
  Harness h;
  std::vector<int32_t> conns;
  for (int i = 0; i < 203; ++i) {
    wire::Enter enter;
    enter.browser = "browser " + std::to_string(i);
    conns.push_back(h.join("c", enter));
  }
  CHECK(holds(h.tracker.take_audience(), "[null,3,0"));
  for (const int32_t conn : conns) h.hang_up(conn);
  h.tracker.take_audience();
  wire::Enter enter;
  enter.browser = std::string(63, 'a') + "\xc3\xa9";
  h.join("c", enter);
  CHECK(holds(h.tracker.take_audience(), "\"browser\":[[\"" + std::string(63, 'a') + "\",1,"));
}

TEST_CASE(
    "a viewer without peers is introduced to nobody, and compared with those drawn for peers") {
  Harness h;
  const int32_t plain = h.join("c");
  const int32_t control = h.join("c", compared(true));
  const int32_t drawn = h.join("c", compared(false));
  h.advance(seconds(60));
  CHECK(h.box[control].connects().empty());
  CHECK_FALSE(h.box[drawn].connects().empty());
  for (const std::string& parent : h.box[drawn].connects()) CHECK(parent != h.id(control));
  // It says that it plays, and gets none all the same.
  h.text(control, R"({"action":"statistics","level":0,"cdn":1,"p2p":0,"idle":false})");
  h.advance(seconds(60));
  CHECK(h.box[control].connects().empty());

  h.text(plain, report(60, 60, 9));
  h.text(control, report(60, 3, 1, R"(,"first":1)"));
  h.text(drawn, report(60, 0, 0));
  const std::string there = h.tracker.take_audience();
  CHECK(holds(
      there,
      R"("compared":{"peers":{"ended":[0,0,0,0,0,0,0,0,0,0],"present":[1,60,0,3600,0,0,0,0,0,0]},)"
      R"("control":{"ended":[0,0,0,0,0,0,0,0,0,0],"present":[1,60,3,3600,180,9,1,1,0,0]}})"));
  h.hang_up(control);
  CHECK(holds(h.tracker.take_audience(), R"("control":{"ended":[1,60,3,3600,180,9,1,1,0,0],)"));
  CHECK(holds(h.tracker.take_audience(), R"("control":{"ended":[0,0,0,0,0,0,0,0,0,0],)"));
}

TEST_CASE("why connections end is counted by word, and who reaches nobody") {
  Harness h;
  const int32_t parent = h.join("c");
  const int32_t child = h.join("c");
  h.opened(child, parent);
  h.say(child, wire::DcClosed{h.dc_id(child, parent), wire::EndReason::kUseless});
  const std::string useless = h.tracker.take_audience();
  CHECK(holds(useless, R"("opened":{"none":0,"refused":0,"useless":1,"silent":0,"misbehaved":0,)"
                       R"("permission":0,"udp":0,"nat":0,"policy":0,"polluted":0})"));
  CHECK(holds(useless, R"("unfed":1)"));
  for (int i = 0; i < 3; ++i) {
    h.advance(minutes(10));
    h.say(child, wire::DcFailed{h.dc_id(child, parent), wire::EndReason::kNone});
    h.say(parent, wire::DcFailed{h.dc_id(parent, child), wire::EndReason::kNone});
  }
  CHECK(holds(h.tracker.take_audience(), R"("unreached":1)"));
}

TEST_CASE("what a shadow tries is told apart from what viewers had from peers") {
  Harness h;
  const int32_t shadow = h.join("c");
  const int32_t other = h.join("c");
  h.advance(seconds(30));
  h.text(shadow,
         R"({"action":"statistics","level":0,"cdn":100,"p2p":300,"loads":9,"missed":2,"wrong":1})");
  h.text(other, R"({"action":"statistics","level":0,"cdn":50,"p2p":70})");
  TrackerStats stats = h.tracker.stats();
  CHECK(stats.cdn_kb == 450);
  CHECK(stats.p2p_kb == 70);
  CHECK(stats.shadows == 1);
  CHECK(stats.shadow_cdn_kb == 100);
  CHECK(stats.shadow_p2p_kb == 300);
  CHECK(stats.shadow_loads == 9);
  CHECK(stats.shadow_missed == 2);
  CHECK(stats.shadow_wrong == 1);
  const std::string first = h.tracker.take_audience();
  CHECK(holds(first, R"(["c",2,450,70,)"));
  CHECK(holds(first, R"("shadow":[1,100,300,9,2,1])"));
  // No more loads than KB, and of them no more that were missed or wrong.
  h.advance(seconds(30));
  h.text(shadow,
         R"({"action":"statistics","level":0,"cdn":1,"p2p":4,"loads":99,"missed":98,"wrong":97})");
  CHECK(holds(h.tracker.take_audience(), R"("shadow":[1,1,4,5,5,5])"));
  h.hang_up(shadow);
  CHECK(h.tracker.stats().shadows == 0);
  CHECK(holds(h.tracker.take_audience(), R"("shadow":[0,0,0,0,0,0])"));
}

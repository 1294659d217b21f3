#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker_test;
using std::chrono::seconds;

TEST_CASE("channels are listed by id, page by page") {
  TrackerConfig config;
  config.report_kbps = 0;
  Harness h(config);
  wire::Enter vod;
  vod.live = false;
  const int32_t conn = h.join("https://cdn.example/b.m3u8", vod);
  h.join("https://cdn.example/a.m3u8");
  h.join("an \"odd\" channel");
  h.text(conn, R"({"action":"statistics","level":0,"cdn":1024.25,"p2p":900719925})");
  h.text(conn, R"({"action":"statistics","level":0,"cdn":0,"p2p":123456789.000001})");
  const std::string a =
      R"({"id":"an \"odd\" channel","type":"live","host":"","peers":1,"rooms":1,"cdn_kb":0,"p2p_kb":0})";
  const std::string b =
      R"({"id":"https://cdn.example/a.m3u8","type":"live","host":"cdn.example","peers":1,"rooms":1,"cdn_kb":0,"p2p_kb":0})";
  const std::string c =
      R"({"id":"https://cdn.example/b.m3u8","type":"vod","host":"cdn.example","peers":1,"rooms":1,"cdn_kb":1024.25,"p2p_kb":1024176714.000001})";
  CHECK(h.tracker.channels(0, 2) ==
        R"({"total":3,"offset":0,"channels":[)" + a + "," + b + R"(],"split_by":[]})");
  CHECK(h.tracker.channels(2, 2) ==
        R"({"total":3,"offset":2,"channels":[)" + c + R"(],"split_by":[]})");
  CHECK(h.tracker.channels(7, 2) == R"({"total":3,"offset":7,"channels":[],"split_by":[]})");
  CHECK(h.tracker.channels(-1, -1) == R"({"total":3,"offset":0,"channels":[],"split_by":[]})");
}

TEST_CASE("A2: a parameter in which channels differ alone is told once, and listed while they do") {
  Harness h;
  const int32_t one = h.join("https://cdn.example/a.m3u8?uid=4711");
  h.join("https://cdn.example/a.m3u8?uid=4711");
  CHECK(h.split.empty());
  const int32_t two = h.join("https://cdn.example/a.m3u8?uid=4712");
  h.join("https://cdn.example/a.m3u8?uid=4713");
  CHECK(h.split == std::vector<std::string>{"uid"});
  const std::string listed = R"("split_by":[{"parameter":"uid","families":1}])";
  CHECK(h.tracker.channels(0, 0).find(listed) != std::string::npos);
  // A channel is gone with its last viewer.
  h.hang_up(two);
  h.hang_up(one);
  CHECK(h.tracker.channels(0, 0).find(listed) != std::string::npos);
  h.join("https://cdn.example/a.m3u8?uid=4712");
  CHECK(h.split.size() == 1);
}

TEST_CASE("a channel's topology shows its peers and links, and no address") {
  Harness h;
  wire::Enter enter;
  enter.channel = "c";
  enter.browser = "Firefox";
  enter.os = "Linux";
  enter.device = wire::Device::kMobile;
  enter.up_bw = 4'000;
  const int32_t parent = h.open("192.0.2.77", "Example Telecom", "North");
  h.say(parent, enter);
  const int32_t child = h.join("c");
  h.opened(child, parent);
  h.text(child, R"({"action":"statistics","level":"1.5","cdn":10,"p2p":20.5})");
  h.advance(seconds(60));
  const std::string nodes =
      R"("nodes":[{"id":")" + h.id(parent) +
      R"(","room":0,"class":0,"isp":"Example Telecom","province":"North","site":"","device":"mobile","browser":"Firefox","os":"Linux","level":0,"up_bw":4000,"idle":false,"child_limit":2,"children":1,"cdn_kb":0,"p2p_kb":0,"seconds":60},{"id":")" +
      h.id(child) +
      R"(","room":0,"class":1,"isp":"","province":"","site":"","device":"PC","browser":"","os":"","level":1.5,"up_bw":null,"idle":false,"child_limit":6,"children":0,"cdn_kb":10,"p2p_kb":20.5,"seconds":60}])";
  const std::string edges = R"("edges":[{"child":")" + h.id(child) + R"(","parent":")" +
                            h.id(parent) + R"(","opened":true}])";
  const std::string all = h.tracker.topology("c", 0, 100);
  CHECK(
      all ==
      R"({"channel":{"id":"c","type":"live","host":"","peers":2,"rooms":1,"cdn_kb":10,"p2p_kb":20.5},"offset":0,)" +
          nodes + "," + edges + "}");
  CHECK(all.find("192.0.2") == std::string::npos);
  // An edge is listed where its child is.
  CHECK(h.tracker.topology("c", 0, 1).find("\"edges\":[]") != std::string::npos);
  CHECK(h.tracker.topology("c", 1, 1).find(edges) != std::string::npos);
  CHECK(h.tracker.topology("d", 0, 100).empty());
}

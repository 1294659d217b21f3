#include "tracker/split_channels.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness.hpp"

using namespace hlsmesh;
using namespace hlsmesh::tracker;

namespace {

using Names = std::vector<std::string>;
constexpr char kMaster[] = "https://cdn.example/live/master.m3u8";

std::string with(const std::string& query) { return std::string(kMaster) + '?' + query; }

}  // namespace

TEST_CASE(
    "A2: channels that differ in one parameter alone are noticed, and the parameter is named") {
  SplitChannels split;
  CHECK(split.opened(with("cast=1&uid=4711&video=a")).empty());
  CHECK(split.opened(with("cast=1&uid=4712&video=a")) == Names{"uid"});
  CHECK(split.parameters().at("uid") == 1);
  // Said once for what is one but for it, and again for what is not.
  CHECK(split.opened(with("cast=1&uid=4713&video=a")).empty());
  CHECK(split.opened("https://other.example/m.m3u8?uid=1").empty());
  CHECK(split.opened("https://other.example/m.m3u8?uid=2") == Names{"uid"});
  CHECK(split.parameters().at("uid") == 2);
  CHECK(split.opened(with("cast=1&uid=4711&video=b")) == Names{"video"});
  CHECK(split.parameters().size() == 2);
}

TEST_CASE("A2: channels that differ in more than one parameter, or in something else, are not") {
  SplitChannels split;
  for (const char* channel :
       {"https://a.example/m.m3u8?a=1&b=1", "https://a.example/m.m3u8?a=2&b=2",
        "https://b.example/m.m3u8?a=1&b=1", "https://a.example/n.m3u8?a=1&b=1",
        "https://a.example/m.m3u8?a=1&c=1", "https://a.example/m.m3u8?a&b=3",
        "https://a.example/m.m3u8?=1", "https://a.example/m.m3u8?=2", "https://a.example/m.m3u8",
        "https://a.example/m.m3u8#x?a=1&b=1", "?", "", "&a=1", "#?a=1", "#?a=2"}) {
    INFO(channel);
    CHECK(split.opened(channel).empty());
  }
  CHECK(split.parameters().empty());
}

TEST_CASE("Only channels that are there together count") {
  SplitChannels split;
  for (int i = 0; i < 3; ++i) {
    CHECK(split.opened(with("sid=" + std::to_string(i))).empty());
    split.closed(with("sid=" + std::to_string(i)));
  }
  split.opened(with("sid=7"));
  CHECK(split.opened(with("sid=8")) == Names{"sid"});
  split.closed(with("sid=7"));
  CHECK(split.parameters().empty());
  CHECK(split.opened(with("sid=9")).empty());  // said before
  CHECK(split.parameters().at("sid") == 1);
  split.closed(with("sid=8"));
  split.closed(with("sid=9"));
  CHECK(split.parameters().empty());
}

TEST_CASE("What strangers name is bounded and plain") {
  SplitChannels split;
  const std::string long_name(5'000, 'n');
  split.opened(with(long_name + "=1"));
  CHECK(split.opened(with(long_name + "=2")) == Names{std::string(64, 'n')});
  split.opened(with("\x1b[31m\xe2\x80\xae=1"));
  CHECK(split.opened(with("\x1b[31m\xe2\x80\xae=2")) == Names{"?[31m???"});
  std::string many = "p0=0";
  for (int i = 1; i < 100; ++i) many += "&p" + std::to_string(i) + "=0";
  split.opened(with(many));
  CHECK(split.opened(with(many + "x")).empty());
  size_t told = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::string name = "q" + std::to_string(i);
    split.opened(with(name + "=1"));
    told += split.opened(with(name + "=2")).size();
  }
  CHECK(told == SplitChannels::kMostTold - 2);
}

#include "media/url_parts.hpp"

#include <catch2/catch.hpp>

using namespace hlsmesh;

TEST_CASE("split_url takes an absolute URL apart") {
  const UrlParts parts = split_url("https://user@cdn.example:8443/live/720/index.m3u8?t=a/b:c#x?y");
  CHECK(parts.scheme == "https");
  CHECK(parts.has_authority);
  CHECK(parts.authority == "user@cdn.example:8443");
  CHECK(parts.path == "/live/720/index.m3u8");
  CHECK(parts.query == "t=a/b:c");
}

TEST_CASE("split_url knows a relative reference from an absolute URL") {
  CHECK(split_url("seg1.ts").scheme.empty());
  CHECK(split_url("seg1.ts").path == "seg1.ts");
  CHECK(split_url("a/b:c.ts").scheme.empty());
  CHECK(split_url("1x:y").scheme.empty());
  CHECK(split_url("seg.ts?next=http://x/").scheme.empty());
  CHECK(split_url("//cdn.example/seg1.ts").scheme.empty());
  CHECK(split_url("//cdn.example/seg1.ts").authority == "cdn.example");
  CHECK(split_url("file:///seg1.ts").has_authority);
  CHECK(split_url("file:///seg1.ts").path == "/seg1.ts");
  CHECK(split_url("data:text/plain,x").scheme == "data");
}

TEST_CASE("split_url survives empty and bare delimiters") {
  CHECK(split_url("").path.empty());
  CHECK(split_url("?").path.empty());
  CHECK(split_url("#a").path.empty());
  CHECK(split_url(":").path == ":");
  CHECK(split_url("//").has_authority);
  CHECK(split_url("//").path.empty());
  CHECK(split_url("https://host").path.empty());
}

TEST_CASE("directory_of ends in the last slash") {
  CHECK(directory_of("/a/b/c.m3u8") == "/a/b/");
  CHECK(directory_of("/a/b/") == "/a/b/");
  CHECK(directory_of("c.m3u8").empty());
  CHECK(directory_of("").empty());
}

TEST_CASE("common_directory never splits a name") {
  CHECK(common_directory("/a/one/", "/a/ones/") == "/a/");
  CHECK(common_directory("/a/b/", "/a/b/c/") == "/a/b/");
  CHECK(common_directory("/a/b/", "/a/b/") == "/a/b/");
  CHECK(common_directory("a/", "b/").empty());
  CHECK(common_directory("", "/a/").empty());
}

TEST_CASE("file_name is what is left of a URL without host, directory, query and fragment") {
  CHECK(file_name("https://cdn.example/live/seg1.ts?token=a/b#c") == "seg1.ts");
  CHECK(file_name("../720/seg1.ts") == "seg1.ts");
  CHECK(file_name("seg1.ts#0-500") == "seg1.ts");
  CHECK(file_name("dir/").empty());
  CHECK(file_name("").empty());
}

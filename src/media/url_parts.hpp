#pragma once

#include <string_view>

namespace hlsmesh {

// The parts of a URL or relative reference (RFC 3986 appendix B), as views into it, still
// percent-encoded and without delimiters; the fragment is dropped.
struct UrlParts {
  std::string_view scheme;
  std::string_view authority;
  bool has_authority = false;
  std::string_view path;
  std::string_view query;
};

// Any text splits into something; nothing is checked or decoded.
UrlParts split_url(std::string_view url);

// Of a path, up to and including its last slash; empty when it has none.
std::string_view directory_of(std::string_view path);

// Of a URL, what follows the last slash of its path, without query: what viewers share whatever
// host, directory or token they were given.
std::string_view file_name(std::string_view url);

// The deepest directory that holds both: a prefix of each that ends in a slash, or empty.
std::string_view common_directory(std::string_view a, std::string_view b);

}  // namespace hlsmesh

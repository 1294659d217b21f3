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

// Splits any text; checks and decodes nothing.
UrlParts split_url(std::string_view url);

// Returns the part of a path up to and including its last slash; empty if it has none.
std::string_view directory_of(std::string_view path);

// Returns the part of a URL's path after the last slash, without query. It is the same for viewers
// with different hosts, directories or tokens.
std::string_view file_name(std::string_view url);

// Returns the deepest directory that holds both: a prefix of each that ends in a slash, or an empty
// text.
std::string_view common_directory(std::string_view a, std::string_view b);

}  // namespace hlsmesh

#include "media/url_parts.hpp"

#include <algorithm>
#include <cstddef>

namespace hlsmesh {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_scheme(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

}  // namespace

UrlParts split_url(std::string_view url) {
  UrlParts parts;
  url = url.substr(0, url.find('#'));
  const size_t query = url.find('?');
  if (query != std::string_view::npos) {
    parts.query = url.substr(query + 1);
    url = url.substr(0, query);
  }
  const size_t colon = url.find(':');
  if (colon != std::string_view::npos && is_scheme(url.substr(0, colon))) {
    parts.scheme = url.substr(0, colon);
    url.remove_prefix(colon + 1);
  }
  if (url.substr(0, 2) == "//") {
    url.remove_prefix(2);
    const size_t end = std::min(url.find('/'), url.size());
    parts.has_authority = true;
    parts.authority = url.substr(0, end);
    url.remove_prefix(end);
  }
  parts.path = url;
  return parts;
}

std::string_view directory_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);  // npos + 1 is 0
}

std::string_view file_name(std::string_view url) {
  const std::string_view path = split_url(url).path;
  return path.substr(directory_of(path).size());
}

std::string_view common_directory(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return directory_of(a.substr(0, static_cast<size_t>(end - a.begin())));
}

}  // namespace hlsmesh

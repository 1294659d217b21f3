#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "study/spread.hpp"

namespace hlsmesh::study {

// Reads the members of one JSON object. The first fault is kept, with the path to the member, and
// everything after it is left alone; finish() reports members that nobody asked for.
class Fields {
 public:
  // `json` and `error` must outlive the reader; `error` is empty until there is a fault.
  Fields(const nlohmann::json& json, std::string path, std::string& error);

  // Each leaves `out` as it is where the member is absent.
  void number(std::string_view key, double& out, double least, double most);
  void integer(std::string_view key, int32_t& out, int32_t least, int32_t most);
  void boolean(std::string_view key, bool& out);
  void text(std::string_view key, std::string& out);
  // A number, {"uniform": [low, high]} or {"lognormal": {"median": m, "sigma": s, "most": limit}}.
  // Returns whether the member is there.
  bool spread(std::string_view key, Spread& out, double least, double most);

  // nullptr where the member is absent.
  const nlohmann::json* member(std::string_view key);
  const nlohmann::json* object(std::string_view key);
  const nlohmann::json* array(std::string_view key);
  std::string path_of(std::string_view key) const;

  void finish();
  void fail(std::string_view key, std::string_view what);

 private:
  const nlohmann::json& json_;
  std::string path_;
  std::string& error_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace hlsmesh::study

#include "study/fields.hpp"

#include <cmath>
#include <utility>

namespace hlsmesh::study {
namespace {

std::string shown(double value) { return nlohmann::json(value).dump(); }

bool within(const nlohmann::json& value, double least, double most) {
  return value.is_number() && value.get<double>() >= least && value.get<double>() <= most;
}

std::string range(double least, double most) { return shown(least) + " to " + shown(most); }

}  // namespace

Fields::Fields(const nlohmann::json& json, std::string path, std::string& error)
    : json_(json), path_(std::move(path)), error_(error) {
  if (!json_.is_object() && error_.empty()) error_ = path_ + " must be an object";
}

void Fields::number(std::string_view key, double& out, double least, double most) {
  const nlohmann::json* value = member(key);
  if (value == nullptr) return;
  if (!within(*value, least, most)) return fail(key, "must be a number from " + range(least, most));
  out = value->get<double>();
}

void Fields::integer(std::string_view key, int32_t& out, int32_t least, int32_t most) {
  double value = out;
  number(key, value, least, most);
  if (value != std::floor(value)) return fail(key, "must be a whole number");
  out = static_cast<int32_t>(value);
}

void Fields::boolean(std::string_view key, bool& out) {
  const nlohmann::json* value = member(key);
  if (value == nullptr) return;
  if (!value->is_boolean()) return fail(key, "must be true or false");
  out = value->get<bool>();
}

void Fields::text(std::string_view key, std::string& out) {
  const nlohmann::json* value = member(key);
  if (value == nullptr) return;
  if (!value->is_string()) return fail(key, "must be a string");
  out = value->get<std::string>();
}

bool Fields::spread(std::string_view key, Spread& out, double least, double most) {
  const nlohmann::json* value = member(key);
  if (value == nullptr) return false;
  if (value->is_number()) {
    if (!within(*value, least, most)) fail(key, "must be from " + range(least, most));
    if (error_.empty()) out = Spread::constant(value->get<double>());
    return true;
  }
  const bool one = value->is_object() && value->size() == 1;
  if (one && value->contains("uniform")) {
    const nlohmann::json& bounds = (*value)["uniform"];
    if (!bounds.is_array() || bounds.size() != 2 || !within(bounds[0], least, most) ||
        !within(bounds[1], least, most) || bounds[0].get<double>() > bounds[1].get<double>()) {
      fail(key, "uniform must be [low, high] within " + range(least, most));
    } else {
      out = Spread::uniform(bounds[0].get<double>(), bounds[1].get<double>());
    }
    return true;
  }
  if (one && value->contains("lognormal")) {
    double median = 0;
    double sigma = 0;
    double limit = most;
    Fields fields((*value)["lognormal"], path_of(key) + ".lognormal", error_);
    fields.number("median", median, least, most);
    fields.number("sigma", sigma, 0.01, 3);
    fields.number("most", limit, least, most);
    fields.finish();
    if (median <= 0 || sigma <= 0) fail(key, "lognormal needs a median and a sigma above 0");
    if (error_.empty()) out = Spread::lognormal(median, sigma).at_most(limit);
    return true;
  }
  fail(key, R"(must be a number, {"uniform": [low, high]} or {"lognormal": {"median", "sigma"}})");
  return true;
}

const nlohmann::json* Fields::object(std::string_view key) {
  const nlohmann::json* value = member(key);
  if (value != nullptr && !value->is_object()) {
    fail(key, "must be an object");
    return nullptr;
  }
  return value;
}

const nlohmann::json* Fields::array(std::string_view key) {
  const nlohmann::json* value = member(key);
  if (value != nullptr && !value->is_array()) {
    fail(key, "must be an array");
    return nullptr;
  }
  return value;
}

std::string Fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Fields::finish() {
  if (!error_.empty()) return;
  for (const auto& [key, value] : json_.items()) {
    if (known_.count(key) > 0) continue;
    std::string known;
    for (const std::string& each : known_) known += (known.empty() ? "" : ", ") + each;
    return fail(key, "is unknown here; known are " + known);
  }
}

void Fields::fail(std::string_view key, std::string_view what) {
  if (error_.empty()) error_ = path_of(key) + " " + std::string(what);
}

const nlohmann::json* Fields::member(std::string_view key) {
  known_.emplace(key);
  if (!error_.empty()) return nullptr;
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

}  // namespace hlsmesh::study

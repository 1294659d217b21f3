#include "cpp/protocol/vectors.hpp"

#include <catch2/catch.hpp>
#include <fstream>

namespace hlsmesh::test {

nlohmann::json load_vectors(const std::string& file, const std::string& list) {
  std::ifstream in(std::string(HLSMESH_TEST_DATA) + "/vectors/" + file);
  REQUIRE(in.is_open());
  nlohmann::json vectors = nlohmann::json::parse(in)[list];
  REQUIRE(vectors.size() > 10);
  return vectors;
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  for (const auto& part : value) {
    for (int i = 0; i < part[1].get<int>(); ++i) text += part[0].get<std::string>();
  }
  return text;
}

std::string wire_of(const nlohmann::json& vector) {
  if (vector.contains("wire")) return text_of(vector["wire"]);
  const std::string hex = text_of(vector["wire_hex"]);
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

nlohmann::json fields_of(const nlohmann::json& vector) {
  nlohmann::json fields = nlohmann::json::object();
  for (const auto& [name, value] : vector["fields"].items()) {
    fields[name] = value.is_array() ? nlohmann::json(text_of(value)) : value;
  }
  return fields;
}

nlohmann::json field(const PeerId& id) {
  if (id.numeric) return {{"number", id.text}};
  return id.text;
}

}  // namespace hlsmesh::test

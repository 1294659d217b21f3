#include "study_abi.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "study/study.hpp"

namespace {

using hlsmesh::study::Scenario;
using hlsmesh::study::Study;

std::string text_in;
std::string text_out;
std::unique_ptr<Study> study;

uint64_t joined(uint32_t high, uint32_t low) { return static_cast<uint64_t>(high) << 32 | low; }

}  // namespace

char* hs_text_in(size_t size) {
  text_in.assign(size, '\0');
  return text_in.data();
}

int32_t hs_open(size_t size, uint32_t seed_high, uint32_t seed_low) {
  auto parsed = hlsmesh::study::parse_scenario(std::string_view(text_in).substr(0, size));
  if (auto* error = std::get_if<std::string>(&parsed)) {
    text_out = std::move(*error);
    return 0;
  }
  auto& scenario = std::get<Scenario>(parsed);
  text_out = hlsmesh::study::to_json(scenario);
  study = std::make_unique<Study>(std::move(scenario), joined(seed_high, seed_low));
  return 1;
}

void hs_draw(uint32_t seed_high, uint32_t seed_low) {
  text_out = hlsmesh::study::to_json(hlsmesh::study::draw_scenario(joined(seed_high, seed_low)));
}

double hs_advance(double seconds) {
  if (!study) return 1;
  study->advance(seconds);
  if (study->done()) text_out = study->figures();
  return study->progress();
}

void hs_look(void) { text_out = study ? study->look() : "{}"; }

const char* hs_text(void) { return text_out.data(); }

size_t hs_text_size(void) { return text_out.size(); }

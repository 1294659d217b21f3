#include "client_state.hpp"

#include <cstdlib>

#ifdef HLSMESH_MANY_ENGINES
#include "client_instance.hpp"
#endif

namespace hlsmesh {
namespace {

// The largest text of a call. Descriptions and messages have a few KiB; the bound keeps a hostile
// frame from growing the buffer.
constexpr uint32_t kMaxTextBytes = 1024 * 1024;

// Never destroyed, so that nothing is registered to run at an exit, which never comes.
union Undying {
  Undying() : only_one() {}
  ~Undying() {}
  ClientState only_one;
} undying;

#ifdef HLSMESH_MANY_ENGINES
ClientState* selected = &undying.only_one;
#endif

}  // namespace

#ifdef HLSMESH_MANY_ENGINES
ClientState& state() { return *selected; }

ClientInstance::ClientInstance() : state_(std::make_unique<ClientState>()) {}

ClientInstance::~ClientInstance() {
  if (selected == state_.get()) selected = &undying.only_one;
  delete state_->engine;
  std::free(state_->text.bytes);
}

void ClientInstance::select() const { selected = state_.get(); }

const Engine* ClientInstance::engine() const { return state_->engine; }
#else
ClientState& state() { return undying.only_one; }
#endif

}  // namespace hlsmesh

extern "C" {

int32_t hm_abi_version(void) { return kHmAbiVersion; }

uint8_t* hm_text(uint32_t size) {
  hlsmesh::ClientState::Text& text = hlsmesh::state().text;
  text.size = 0;
  if (size > hlsmesh::kMaxTextBytes) return nullptr;
  if (size > text.capacity || text.bytes == nullptr) {
    // Never a null pointer for an empty text: that means refusal.
    const uint32_t capacity = size < 4096 ? 4096 : size;
    std::free(text.bytes);
    text.bytes = static_cast<uint8_t*>(std::malloc(capacity));
    text.capacity = text.bytes == nullptr ? 0 : capacity;
    if (text.bytes == nullptr) return nullptr;
  }
  text.size = size;
  return text.bytes;
}

}  // extern "C"

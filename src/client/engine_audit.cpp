#include "client/engine.hpp"

namespace hlsmesh {

std::string_view Engine::audit() const {
  if (const char* broken = peers_.audit()) return broken;
  if (const char* broken = loads_.audit()) return broken;
  if (const char* broken = downloads_.audit(mesh_.asks())) return broken;
  if (const char* broken = mesh_.audit()) return broken;
  if (!active() && peers_.table().begin() != peers_.table().end()) return "peers without a session";
  if (present() == (tracker_.state() == TrackerSession::State::kIdle)) {
    return "the tracker's session is not what the engine's is";
  }
  return {};
}

}  // namespace hlsmesh

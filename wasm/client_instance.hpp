#pragma once

#include <memory>

#include "client/engine.hpp"

namespace hlsmesh {

struct ClientState;

// The C ABI of client_abi.hpp has one engine, like a WebAssembly instance. In a process with many,
// such as the simulator's, each has a ClientInstance, and a call goes to the one that was selected
// last. Before the first selection, and after the selected one is gone, calls go to an instance of
// their own. Not thread-safe.
class ClientInstance {
 public:
  ClientInstance();
  // Ends the engine without a message to peers or tracker.
  ~ClientInstance();
  ClientInstance(const ClientInstance&) = delete;
  ClientInstance& operator=(const ClientInstance&) = delete;

  void select() const;
  // nullptr before hm_start. Lives as long as the instance.
  const Engine* engine() const;

 private:
  std::unique_ptr<ClientState> state_;
};

}  // namespace hlsmesh

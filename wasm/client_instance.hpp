#pragma once

#include <memory>

#include "client/engine.hpp"

namespace hlsmesh {

struct ClientState;

// The C ABI of client_abi.hpp knows one engine, as a WebAssembly instance has one. Where a process
// has many, as the simulator's has, each has a ClientInstance, and a call is about the one that was
// selected last. Before the first selection, and after the selected one is gone, calls are about an
// instance of their own. Not thread-safe.
class ClientInstance {
 public:
  ClientInstance();
  // Ends the engine without a word to anybody.
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

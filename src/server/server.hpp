// All workers together: the addresses they listen on, and how they end. It refuses to know flags.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/runtime.hpp"
#include "proxy/state/worker_state.hpp"
#include "server/reload.hpp"

namespace ccproxy::server {

// The `param` of an error about the Unix socket.
inline constexpr const char* kSocketKey = "server.socket";

class Server {
 public:
  // `control` is the event loop of the thread that calls run(); it handles signals and the
  // shutdown. `shared` and `control` must outlive the server. `file` is read again when it changes,
  // and on SIGHUP.
  Server(proxy::Shared& shared, net::Runtime& control, ConfigFile file);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;

  // Builds the workers and binds every address. Fails with kConfiguration for an upstream or host
  // that cannot be used, with kForbidden for an address that others can reach while no proxy key is
  // configured, and with kIo for an address that cannot be bound; `param` is kSocketKey when that
  // is the Unix socket.
  [[nodiscard]] Result<void> listen();

  // The port in use (server.port may be 0) and the addresses, for people: "http://127.0.0.1:3456".
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const std::vector<std::string>& addresses() const;

  // Serves, each worker on a thread of its own, until SIGTERM or SIGINT. Then no new client is
  // accepted, and running replies may finish for server.shutdownGraceSeconds; those that still run
  // are ended in their dialect. A second signal ends at once. A renewal of the sign-in is always
  // waited for: it has a limit of its own, and a token that is not saved would be lost.
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::server

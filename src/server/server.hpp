// The workers together: where they listen, and how they end. It refuses to know flags.
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

class Server {
 public:
  // `control` is the loop of the thread that calls run(): signals, and the time that ending may
  // take. Both must outlive it.
  // `file` is read again when it changes, and on SIGHUP.
  Server(proxy::Shared& shared, net::Runtime& control, ConfigFile file);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;

  // Builds the workers and binds every address. Fails with kConfiguration for an upstream or host
  // that cannot be used, kForbidden for an address that others can reach while no proxy key is
  // configured, kIo for an address that cannot be had.
  [[nodiscard]] Result<void> listen();

  // The port in use (server.port may be 0) and the addresses, for people: "http://127.0.0.1:3456".
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const std::vector<std::string>& addresses() const;

  // Serves, each worker on a thread of its own, until SIGTERM or SIGINT. Then no new client is
  // taken and running answers may finish for server.shutdownGraceSeconds; what still runs is ended
  // in its dialect. A second signal ends at once. A renewal of the sign-in is always waited for: it
  // has a limit of its own, and a token that nobody took home would be lost.
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccproxy::server

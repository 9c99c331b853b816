// One worker: a thread with its event loop, its listeners, its connections to the upstream, and the
// clients it serves. Workers share nothing but what proxy::Shared holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "http/server_connection.hpp"
#include "net/listener.hpp"
#include "net/runtime.hpp"
#include "proxy/exchange.hpp"
#include "proxy/state/worker_state.hpp"

namespace ccproxy::server {

class Worker {
 public:
  explicit Worker(proxy::Shared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;
  ~Worker();

  // Builds the upstream's client. To be called once, before run(). Fails with kConfiguration.
  [[nodiscard]] Result<void> connect(const config::Config& config);
  // Replaces the upstream, from any thread. Requests under way end on the old one.
  void reconnect(config::Snapshot config);

  // Listens on every address of `ips`. `port` 0 takes a free port on the first address, which is
  // then used on the others and returned. Fails with kIo.
  [[nodiscard]] Result<std::uint16_t> listen(const std::vector<std::string>& ips,
                                             std::uint16_t port, bool shared_port);
  [[nodiscard]] Result<void> listen_unix(const std::string& path);

  // Serves until drain() or stop() was called and the last client is done.
  void run();

  // The three steps of the shutdown; each from any thread.
  void drain();  // accepts no clients and closes idle ones; running replies go on
  void cut();    // ends running replies in their dialect, and begins none
  void stop();   // ends the event loop at once

  [[nodiscard]] net::Runtime& runtime() { return runtime_; }

 private:
  struct Client;
  [[nodiscard]] Task<void> accept(net::Listener& listener, bool trusted);
  [[nodiscard]] Task<bool> accept_next(net::Listener& listener, bool trusted);
  [[nodiscard]] Task<void> serve(std::shared_ptr<Client> client);
  [[nodiscard]] Task<bool> serve_one(Client& client);
  [[nodiscard]] bool add_safely(std::unique_ptr<net::Stream> stream, bool trusted);
  void add(std::unique_ptr<net::Stream> stream, bool trusted);
  void end_when_idle();

  proxy::Shared& shared_;
  net::Runtime runtime_;
  std::vector<std::shared_ptr<proxy::Upstream>> retired_;  // upstreams of earlier configurations
  proxy::WorkerState state_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::shared_ptr<Client>> clients_;
  bool draining_ = false;
  bool is_cut_ = false;
};

}  // namespace ccproxy::server

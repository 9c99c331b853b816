// The simulated Anthropic API as a server: `ccproxy start --demo` and the tests run it in process,
// `ccproxy mock` as a program of its own. It owns the connections; what is answered is api.hpp's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "mock/script.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::mock {

struct Options {
  std::string host = "127.0.0.1";  // numeric, or localhost
  std::uint16_t port = 0;          // 0: any free one
  bool tls = false;                // with a certificate made at the start
  Script script{};
  Pace pace = Pace::at_once();  // of answers whose script names none
  bool control = true;          // serves /mock/... (docs/mock.md), if `host` is a loopback address
  bool record = true;           // keeps what is received for GET /mock/requests
  std::function<void(std::string_view)> report{};  // gets a line for each request that was answered
};

class MockServer {
 public:
  // The runtime must outlive it, and must run on after stop() until nothing is left to do.
  MockServer(net::Runtime& runtime, Options options);
  ~MockServer();
  MockServer(const MockServer&) = delete;
  MockServer& operator=(const MockServer&) = delete;
  MockServer(MockServer&&) = delete;
  MockServer& operator=(MockServer&&) = delete;

  // Starts to take connections. Fails with kIo or kConfiguration.
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] std::uint16_t port() const;
  // Such as http://127.0.0.1:4010, once it listens.
  [[nodiscard]] std::string url() const;
  // What a client must trust; empty without TLS.
  [[nodiscard]] const std::string& certificate_pem() const;

  // Closes everything. Safe to call again.
  void stop();

 private:
  struct World;
  class Session;
  [[nodiscard]] static Task<void> accept_all(std::shared_ptr<World> world);
  [[nodiscard]] static Task<void> serve(std::shared_ptr<World> world,
                                        std::unique_ptr<net::Stream> stream);

  std::shared_ptr<World> world_;
};

}  // namespace ccproxy::mock

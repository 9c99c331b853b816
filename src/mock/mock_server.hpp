// The simulated Anthropic API as a server: `ccproxy start --demo` and the tests run it in process,
// `ccproxy mock` as a program of its own. It owns the connections; api.hpp decides what they reply.
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
  std::string host = "127.0.0.1";  // a numeric address, or localhost
  std::uint16_t port = 0;          // 0: any free port
  bool tls = false;                // with a certificate generated at the start
  Script script{};
  Pace pace = Pace::at_once();  // of replies whose script has none
  bool control = true;          // serves /mock/... (docs/mock.md) when `host` is a loopback address
  bool record = true;           // records requests for GET /mock/requests
  std::function<void(std::string_view)> report{};  // gets a line for each request after its reply
};

class MockServer {
 public:
  // `runtime` must outlive the server, and must run after stop() until all connections have ended.
  MockServer(net::Runtime& runtime, Options options);
  ~MockServer();
  MockServer(const MockServer&) = delete;
  MockServer& operator=(const MockServer&) = delete;
  MockServer(MockServer&&) = delete;
  MockServer& operator=(MockServer&&) = delete;

  // Starts to accept connections. Fails with kIo or kConfiguration.
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] std::uint16_t port() const;
  // Returns the URL, such as http://127.0.0.1:4010. Valid once the server listens.
  [[nodiscard]] std::string url() const;
  // Returns the PEM certificate that a client must trust; "" without TLS.
  [[nodiscard]] const std::string& certificate_pem() const;

  // Closes the listener and all connections. May be called again.
  void stop();

 private:
  struct SharedState;
  class Session;
  [[nodiscard]] static Task<void> accept_all(std::shared_ptr<SharedState> state);
  [[nodiscard]] static Task<void> serve(std::shared_ptr<SharedState> state,
                                        std::unique_ptr<net::Stream> stream);

  std::shared_ptr<SharedState> shared_;
};

}  // namespace ccproxy::mock

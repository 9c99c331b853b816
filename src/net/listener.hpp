// Accepts connections on TCP ports and Unix sockets. It refuses to know what clients send.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// The code of the error for an address on which another program listens.
inline constexpr const char* kAddressInUse = "address_in_use";

class Listener {
 public:
  // Fails with kIo when another program listens on the port. Check it before the first shared
  // listener: with SO_REUSEPORT a second instance of this program would silently share the port.
  [[nodiscard]] static Result<void> check_free(Runtime& runtime, const std::string& ip,
                                               std::uint16_t port);

  // Listens on one numeric address. `port` 0 takes a free port, which port() returns. With `shared`
  // several listeners may take the same port, and Linux distributes the connections (SO_REUSEPORT;
  // on macOS the last listener gets all of them). Fails with kIo.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> tcp(Runtime& runtime,
                                                             const std::string& ip,
                                                             std::uint16_t port, bool shared);

  // Listens on a Unix socket with mode 0600. A socket file on which nobody listens is replaced, and
  // close() removes the file. Fails with kIo.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> unix_socket(Runtime& runtime,
                                                                     const std::string& path);

  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  virtual ~Listener() = default;

  // Waits for the next connection. Fails with kClosed after close(), and with kIo when the system
  // has no descriptors or memory left: the caller may try again a little later.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> accept() = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void close() = 0;
};

}  // namespace ccproxy::net

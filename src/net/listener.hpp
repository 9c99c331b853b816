// Where clients come in: TCP ports and Unix sockets. It refuses to know what they say.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// The code of an error that says that somebody else listens there.
inline constexpr const char* kAddressInUse = "address_in_use";

class Listener {
 public:
  // Fails with kIo when another program listens there. With SO_REUSEPORT a second copy of this
  // program would quietly share the port: look before the first shared listener.
  [[nodiscard]] static Result<void> check_free(Runtime& runtime, const std::string& ip,
                                               std::uint16_t port);

  // Listens on one numeric address. `port` 0 takes a free one, which port() then tells. With
  // `shared`, several listeners may take the same port and the kernel deals the connections out
  // (SO_REUSEPORT; Linux, on macOS the last one gets them all). Fails with kIo.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> tcp(Runtime& runtime,
                                                             const std::string& ip,
                                                             std::uint16_t port, bool shared);

  // Listens on a Unix socket, mode 0600. A socket file nobody listens on any more is replaced.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> unix_socket(Runtime& runtime,
                                                                     const std::string& path);

  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  virtual ~Listener() = default;

  // The next connection. Fails with kClosed after close(), kIo when the system is out of something
  // (descriptors, memory): then it is worth trying again a little later.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> accept() = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void close() = 0;
};

}  // namespace ccproxy::net

// Connects to a host: resolves its name and tries every address, each one 250 ms after the one
// before it (Happy Eyeballs, RFC 8305, 5). The first address that connects wins.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/cancellation.hpp"
#include "net/resolve.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// Fails with kUpstreamUnreachable when no address accepts the connection, kTimedOut when that takes
// longer than `limit`, kClosed when it is cancelled. `cancellation` may be null.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial(Runtime& runtime, Resolver& resolver,
                                                         std::string host, std::uint16_t port,
                                                         Clock::duration limit,
                                                         Cancellation* cancellation = nullptr);

// Connects to a Unix socket. Fails with kUpstreamUnreachable.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial_unix(Runtime& runtime, std::string path);

}  // namespace ccproxy::net

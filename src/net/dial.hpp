// A connection to a host: names resolved, every address tried, the next one started 250 ms after
// the last (Happy Eyeballs, RFC 8305, 5). The first to connect wins.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/cancellation.hpp"
#include "net/resolve.hpp"
#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// Fails with kUpstreamUnreachable when no address answers, kTimedOut when `limit` runs out first,
// kClosed when `cancellation` (it may be null) ends it.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial(Runtime& runtime, Resolver& resolver,
                                                         std::string host, std::uint16_t port,
                                                         Clock::duration limit,
                                                         Cancellation* cancellation = nullptr);

// A connection to a Unix socket.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial_unix(Runtime& runtime, std::string path);

}  // namespace ccproxy::net

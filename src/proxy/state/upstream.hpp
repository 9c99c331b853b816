// One worker's way to the upstream: its connections, the certificates they trust, and the path in
// front of every path. A changed configuration makes another Upstream; calls under way keep the old
// one.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/client.hpp"
#include "net/runtime.hpp"
#include "net/tls.hpp"

namespace ccproxy::proxy {

struct Upstream {
  Upstream(net::Runtime& runtime, http::Origin origin, std::unique_ptr<net::TlsContext> context,
           const http::ClientLimits& client_limits, std::string path)
      : tls(std::move(context)),
        limits(client_limits),
        client(runtime, std::move(origin), tls.get(), client_limits),
        prefix(std::move(path)) {}

  std::unique_ptr<net::TlsContext> tls;  // nullptr for http
  http::ClientLimits limits;             // those of `client`
  http::Client client;
  std::string prefix;  // such as /anthropic
};

// Opens no connection yet. Fails with kConfiguration. `runtime` must outlive it.
[[nodiscard]] Result<std::shared_ptr<Upstream>> make_upstream(net::Runtime& runtime,
                                                              const config::Config& config);

// True when both configurations lead to the same upstream by the same limits.
[[nodiscard]] bool same_upstream(const config::Config& one, const config::Config& other);

}  // namespace ccproxy::proxy

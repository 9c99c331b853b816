// One worker's way to the upstream: its connections, what they trust, and the path before every
// path. A changed configuration makes another; whoever still uses the old one keeps it.
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
           const http::ClientLimits& patience, std::string path)
      : tls(std::move(context)),
        limits(patience),
        client(runtime, std::move(origin), tls.get(), patience),
        prefix(std::move(path)) {}

  std::unique_ptr<net::TlsContext> tls;  // none for http
  http::ClientLimits limits;             // of the client
  http::Client client;
  std::string prefix;  // such as /anthropic
};

// Connects nowhere yet. Fails with kConfiguration. The runtime must outlive it.
[[nodiscard]] Result<std::shared_ptr<Upstream>> make_upstream(net::Runtime& runtime,
                                                              const config::Config& config);

// True when both lead to the same place under the same conditions.
[[nodiscard]] bool same_upstream(const config::Config& one, const config::Config& other);

}  // namespace ccproxy::proxy

// Who may come in: Host and Origin against DNS rebinding and foreign web pages, proxy keys where
// they are configured. Pure; it refuses to know routes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct Pass {
  std::string key_name{};     // of the proxy key that was shown
  std::string cors_fields{};  // to add to every reply, for an origin that the configuration lists
};

// Judges one request. `trusted` marks a Unix socket, where a web page cannot come from: Host and
// Origin do not count there. Fails with kForbidden or kUnauthorized; the message names the
// configuration key that would let it in. A target in absolute form that names another server fails
// with the code misdirected_request.
[[nodiscard]] Result<Pass> admit(const http::RequestHead& head, const config::Config& config,
                                 bool trusted);

// True for a CORS preflight request.
[[nodiscard]] bool is_preflight(const http::RequestHead& head);

// The fields that answer a preflight from a listed origin; "" when the origin is not listed.
[[nodiscard]] std::string preflight_fields(const http::RequestHead& head,
                                           const config::Config& config);

}  // namespace ccproxy::proxy

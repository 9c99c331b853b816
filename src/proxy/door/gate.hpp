// Which requests are admitted: Host, Origin and Sec-Fetch-Site are checked against DNS rebinding
// and foreign web pages, and proxy keys where they are configured. Pure; it refuses to know routes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct Pass {
  std::string key_name{};     // of the proxy key that the request carries
  std::string cors_fields{};  // for every reply, where the configuration lists the request's Origin
};

// Checks one request. `trusted` marks a client on a Unix socket: its Host does not count, unless a
// browser's fields show that the request came through a tunnel. Fails with kForbidden or
// kUnauthorized; the message names the configuration key that would admit the request. Fails with
// the code misdirected_request for a target in absolute form that names another server.
[[nodiscard]] Result<Pass> admit(const http::RequestHead& head, const config::Config& config,
                                 bool trusted);

// True for a request that a page of another site has made a browser send without an Origin: for
// images, scripts, frames, links, forms with GET, new windows, redirects (Fetch Metadata, 2.3).
[[nodiscard]] bool is_foreign_fetch(const http::RequestHead& head);

// Fields of every reply: no page of another site can show or run it.
inline constexpr std::string_view kGuardFields =
    "x-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\n";
// A field of replies whose content somebody has uploaded: a browser runs nothing in them.
inline constexpr std::string_view kSandboxField = "content-security-policy: sandbox\r\n";

// True for a CORS preflight request.
[[nodiscard]] bool is_preflight(const http::RequestHead& head);

// The fields of the reply to a preflight request; "" when its origin is not listed.
[[nodiscard]] std::string preflight_fields(const http::RequestHead& head,
                                           const config::Config& config);

}  // namespace ccproxy::proxy

// Who may come in: Host, Origin and Sec-Fetch-Site against DNS rebinding and foreign web pages,
// proxy keys where they are configured. Pure; it refuses to know routes.
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

// Judges one request. `trusted` marks a Unix socket: Host does not count there, unless a browser's
// fields show that it came through a tunnel. Fails with kForbidden or kUnauthorized; the message
// names the configuration key that would let it in. A target in absolute form that names another
// server fails with the code misdirected_request.
[[nodiscard]] Result<Pass> admit(const http::RequestHead& head, const config::Config& config,
                                 bool trusted);

// True for what a page from elsewhere makes a browser fetch without an Origin: images, scripts,
// frames, links, forms with GET, new windows, redirects (Fetch Metadata, 2.3).
[[nodiscard]] bool is_foreign_fetch(const http::RequestHead& head);

// Stand in every reply, so that no page from elsewhere can show or run it.
inline constexpr std::string_view kGuardFields =
    "x-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\n";
// Stands in replies whose content somebody has uploaded: a browser runs nothing in them.
inline constexpr std::string_view kSandboxField = "content-security-policy: sandbox\r\n";

// True for a CORS preflight request.
[[nodiscard]] bool is_preflight(const http::RequestHead& head);

// The fields that answer a preflight from a listed origin; "" when the origin is not listed.
[[nodiscard]] std::string preflight_fields(const http::RequestHead& head,
                                           const config::Config& config);

}  // namespace ccproxy::proxy

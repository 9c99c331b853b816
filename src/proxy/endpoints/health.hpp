// The body of GET /health. The route replies in any state of the credential and the upstream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/credentials.hpp"
#include "base/clock.hpp"
#include "proxy/state/rate_limits.hpp"

namespace ccproxy::proxy {

struct Shared;

// The whole body for a client that has shown no known Host and no proxy key.
inline constexpr std::string_view kBareHealth = R"({"status":"ok"})";

// What the body reports.
struct Health {
  std::string_view version;
  Clock::duration uptime;
  const auth::CredentialStatus& credential;
  std::optional<SeenRateLimits> limits;
  std::int64_t in_flight;  // requests, without the one that asks
};

[[nodiscard]] std::string health_body(const Health& health);
// The same for the server's present state.
[[nodiscard]] std::string health(const Shared& shared);

}  // namespace ccproxy::proxy

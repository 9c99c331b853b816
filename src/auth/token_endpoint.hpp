// The token endpoint of an OAuth 2.0 authorization server (RFC 6749, 4.1.3 and 6; with JSON bodies,
// as this provider wants them): it exchanges a code or a refresh token for a grant. Each request
// has a connection of its own. It refuses to know where grants are stored.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "auth/pkce.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "net/runtime.hpp"

namespace ccproxy::auth {

struct Grant {
  std::string access;
  std::string refresh;                               // "" when the response has none
  std::optional<std::chrono::seconds> expires_in{};  // nothing when the response does not say
  std::string scope{};
  std::string account_uuid{}, account_email{};
  std::string organization_uuid{}, organization_name{};
};

// The limit for one request, from the name lookup to the last byte of the response.
inline constexpr std::chrono::seconds kGrantTimeout{15};

class TokenEndpoint {
 public:
  // `user_agent` identifies this program. The runtime must outlive the endpoint.
  TokenEndpoint(net::Runtime& runtime, const config::Config& config, std::string user_agent);

  // Both fail with kUnauthorized when the server refuses for good (invalid_grant, or 404: the token
  // was used before, or revoked), with kBusy for 429 (with the server's retry-after, if any), with
  // kUpstreamUnreachable when nothing was sent, and with another kind when the request may have
  // reached the server. No message holds a secret or a text of the server.
  [[nodiscard]] Task<Result<Grant>> redeem(std::string code, PkceSession session);
  [[nodiscard]] Task<Result<Grant>> renew(std::string refresh_token);

 private:
  [[nodiscard]] Task<Result<Grant>> post(std::string body);

  net::Runtime& runtime_;
  config::Oauth oauth_;
  std::string ca_file_;
  std::string user_agent_;
};

}  // namespace ccproxy::auth

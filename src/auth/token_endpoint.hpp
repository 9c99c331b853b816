// The token endpoint of an OAuth 2.0 authorization server (RFC 6749, 4.1.3 and 6; JSON bodies, as
// this provider wants them): a code or a refresh token in, a grant out. One connection for each
// question. It refuses to know where grants are kept.
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
  std::string refresh;                               // "" when the answer has none
  std::optional<std::chrono::seconds> expires_in{};  // nothing when the answer does not say
  std::string scope{};
  std::string account_uuid{}, account_email{};
  std::string organization_uuid{}, organization_name{};
};

// How long one question may take, from the look-up of the name to the last byte of the answer.
inline constexpr std::chrono::seconds kGrantLimit{15};

class TokenEndpoint {
 public:
  // `user_agent` is what this program says it is. The runtime must outlive it.
  TokenEndpoint(net::Runtime& runtime, const config::Config& config, std::string user_agent);

  // Both fail with kUnauthorized when the server refuses for good (invalid_grant, or 404: the token
  // was used before, or revoked), kBusy when it wants to be left alone (429, with its retry_after
  // when it names one), kUpstreamUnreachable when nothing was sent, and otherwise when it may have
  // been. No message holds a secret or text of the server's.
  [[nodiscard]] Task<Result<Grant>> redeem(std::string code, PkceSession attempt);
  [[nodiscard]] Task<Result<Grant>> renew(std::string refresh_token);

 private:
  [[nodiscard]] Task<Result<Grant>> ask(std::string body);

  net::Runtime& runtime_;
  config::Oauth oauth_;
  std::string ca_file_;
  std::string user_agent_;
};

}  // namespace ccproxy::auth

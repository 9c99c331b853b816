// Proof Key for Code Exchange (RFC 7636): only the program that requested an authorization code can
// redeem it.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::auth {

// The S256 challenge for a verifier (RFC 7636, 4.2).
[[nodiscard]] std::string challenge_of(std::string_view verifier);

// One sign-in under way: the values of its authorization request, which its redirect and its token
// request must match.
struct PkceSession {
  std::string redirect_uri;
  std::string state;     // independent of the verifier: it passes through the browser
  std::string verifier;  // 43 characters; sent to the token endpoint and nowhere else
};

[[nodiscard]] PkceSession begin_pkce_session(std::string redirect_uri);

}  // namespace ccproxy::auth

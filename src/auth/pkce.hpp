// Proof Key for Code Exchange (RFC 7636): who redeems an authorization code is who asked for it.
#pragma once

#include <string>
#include <string_view>

namespace ccproxy::auth {

// The S256 challenge for a verifier (RFC 7636, 4.2).
[[nodiscard]] std::string challenge_of(std::string_view verifier);

// One sign-in on its way: what was sent to the authorize page, and what must fit when it comes
// back.
struct PkceSession {
  std::string redirect_uri;
  std::string state;     // independent of the verifier: it passes through the browser
  std::string verifier;  // 43 characters; never leaves this process but to the token endpoint
};

[[nodiscard]] PkceSession begin_attempt(std::string redirect_uri);

}  // namespace ccproxy::auth

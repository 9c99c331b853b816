// The OAuth authorization request through the browser: its address, and how the code is read from
// the redirect or from a person's paste. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/pkce.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::auth {

// Builds the address of RFC 6749, 4.1.1, with the challenge of RFC 7636, 4.3.
[[nodiscard]] std::string authorize_url(const config::Oauth& oauth, const PkceSession& session);

// An authorization code and the session that requested it.
struct AuthorizationCode {
  std::string code;
  PkceSession session;
};

// Reads the code from the query of a redirect. Fails with kForbidden when the person or the server
// refused, and with kInvalidRequest when the state is not that of `attempt` or there is no code.
[[nodiscard]] Result<AuthorizationCode> read_redirect(std::string_view query,
                                                      const PkceSession& session);

// Reads the code from a person's paste: `code#state` or a bare code, as the manual page shows it,
// or the whole address that the browser was sent to. `manual` is the session of that page; `others`
// are open beside it. Fails as read_redirect() does.
[[nodiscard]] Result<AuthorizationCode> read_paste(std::string_view pasted,
                                                   const PkceSession& manual,
                                                   const std::vector<PkceSession>& others);

}  // namespace ccproxy::auth

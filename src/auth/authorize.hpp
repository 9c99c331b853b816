// The way through the browser: the address where a person agrees, and what comes back from there,
// pasted or called back. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/pkce.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::auth {

// RFC 6749, 4.1.1, with the challenge of RFC 7636, 4.3.
[[nodiscard]] std::string authorize_url(const config::Oauth& oauth, const PkceSession& attempt);

// A code, and the attempt that it belongs to.
struct AuthorizationCode {
  std::string code;
  PkceSession attempt;
};

// What a redirect brought, in the query of the address. Fails with kForbidden when the person or
// the server said no, kInvalidRequest when the state is not that of `attempt` or there is no code.
[[nodiscard]] Result<AuthorizationCode> read_redirect(std::string_view query,
                                                      const PkceSession& attempt);

// What a person pasted: `code#state` or a bare code as the manual page shows it, or the whole
// address that the browser was sent to. `manual` is the attempt of that page; `others` are open
// beside it. Fails as read_redirect() does.
[[nodiscard]] Result<AuthorizationCode> read_paste(std::string_view pasted,
                                                   const PkceSession& manual,
                                                   const std::vector<PkceSession>& others);

}  // namespace ccproxy::auth

// Who listens where this program wanted to: for the sentence that says so.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::cli {

// `error` as Listener gives it. Where it says that an address is in use, the answer says by whom,
// as far as that can be found out (another CCProxy with its pid, or a program of the same user on
// Linux), and which flag takes another; every other error stays as it is. `home` is where running
// servers leave their files (presence.hpp).
[[nodiscard]] Error explain_in_use(Error error, const std::string& home,
                                   const config::Server& server);

}  // namespace ccproxy::cli

// Finds out which program listens on an address, for the error message.
#pragma once

#include <string>

#include "base/error.hpp"
#include "config/config.hpp"

namespace ccproxy::cli {

// Returns `error` of a Listener. For an address in use it names the program that uses it, as far as
// that can be found out (another CCProxy with its pid, or a program of the same user on Linux), and
// the flag to choose another; every other error stays as it is. `home` is the folder with the files
// of running servers (instance_file.hpp).
[[nodiscard]] Error explain_in_use(Error error, const std::string& home,
                                   const config::Server& server);

}  // namespace ccproxy::cli

// The commands, each in a file of its name. They return exit codes (flags.hpp) and report failures
// in one sentence on standard error.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "cli/flags.hpp"

namespace ccproxy::cli {

[[nodiscard]] int start(const StartFlags& flags);
[[nodiscard]] int login(const LoginFlags& flags);
[[nodiscard]] int logout(const LogoutFlags& flags);
[[nodiscard]] int status(const StatusFlags& flags);
[[nodiscard]] int mock(const MockFlags& flags);
[[nodiscard]] int config(const ConfigFlags& flags);
[[nodiscard]] int key(const KeyFlags& flags);

// Printed when the last proxy key is gone.
inline constexpr std::string_view kNoKeysLeft =
    "Requests need no key now, and an address that others can reach is refused at the next "
    "start.\n";

// Prints "ccproxy: <message>" and returns the exit code for its kind.
int report_error(const Error& error);
// The same for an error about a file: a refusal by the system then does not mean an address.
int report_file_error(Error error);

}  // namespace ccproxy::cli

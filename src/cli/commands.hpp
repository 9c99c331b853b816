// The commands, each in a file of its name. They return exit codes (flags.hpp) and tell failures in
// one sentence on standard error.
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

// What a person must know when the last proxy key is gone.
inline constexpr std::string_view kNoKeysLeft =
    "Requests need no key now, and an address that others can reach is refused at the next "
    "start.\n";

// Prints "ccproxy: <message>" and gives the exit code for its kind.
int report_error(const Error& error);
// The same where a system's refusal concerns a file, not an address.
int complain_of_file(Error error);

}  // namespace ccproxy::cli

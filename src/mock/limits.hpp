// The rate limit fields that every answer carries, as each kind of credential sees them.
#pragma once

#include <string>

namespace ccproxy::mock {

// Header lines, reckoned from now.
[[nodiscard]] std::string limits_of_a_key();
[[nodiscard]] std::string limits_of_a_subscription();

}  // namespace ccproxy::mock

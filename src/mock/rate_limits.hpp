// The rate limit fields of every reply, as the API sends them for each kind of credential.
#pragma once

#include <string>

namespace ccproxy::mock {

// Both return header lines whose reset times count from now.
[[nodiscard]] std::string api_key_rate_limits();
[[nodiscard]] std::string subscription_rate_limits();

}  // namespace ccproxy::mock

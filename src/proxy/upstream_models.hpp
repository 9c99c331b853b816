// What the provider itself says of its models. It is asked with an API key only: a subscription's
// sign-in has no list.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "proxy/state.hpp"

namespace ccproxy::proxy {

// The body of GET /v1/models and whatever `rest` says behind it. Fails with kUnauthorized when no
// API key is in use, and when no 200 comes within `patience`.
[[nodiscard]] Task<Result<std::string>> fetch_models(WorkerState& worker, std::string_view rest,
                                                     Clock::duration patience);

}  // namespace ccproxy::proxy

// What the provider itself says of its models. It is asked with an API key only: a subscription's
// sign-in has no list.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"

namespace ccproxy::proxy {

struct WorkerState;

// The body of GET /v1/models and whatever `rest` says behind it. Fails with kUnauthorized when no
// API key is in use, when no 200 comes within `patience`, and when `cancellation` ends it.
[[nodiscard]] Task<Result<std::string>> fetch_models(WorkerState& worker, std::string_view rest,
                                                     Clock::duration patience,
                                                     net::Cancellation& cancellation);

}  // namespace ccproxy::proxy

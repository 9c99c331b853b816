// What the provider itself lists about its models. It does so for API keys only: a subscription has
// no list.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/cancellation.hpp"
#include "net/task.hpp"

namespace ccproxy::proxy {

struct WorkerState;

// The body of GET /v1/models followed by `rest`: a path, a query or nothing. Fails with
// kUnauthorized when no API key is in use, when no 200 comes within `timeout`, and when
// `cancellation` ends it. `rest` must stay valid until it returns.
[[nodiscard]] Task<Result<std::string>> fetch_models(WorkerState& worker, std::string_view rest,
                                                     Clock::duration timeout,
                                                     net::Cancellation& cancellation);

}  // namespace ccproxy::proxy

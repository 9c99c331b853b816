// When a translated request is sent again after the upstream was busy or unreachable, and after how
// long. Pure. A passed-through request is never sent again: its client retries by itself.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct RetryLimits {
  unsigned max_retries = 2;
  Clock::duration max_wait = std::chrono::seconds(10);
};

// The wait before the request of an error response is sent again; nothing when it is not. `retries`
// counts those so far; `random` is from [0, 1), for full jitter. The upstream's own fields count
// first (x-should-retry, retry-after-ms, retry-after); a 429 without a time is final. The caller
// knows whether the error is a refusal for good.
[[nodiscard]] std::optional<Clock::duration> wait_before_retry(const http::ResponseHead& response,
                                                               unsigned retries, RetryLimits limits,
                                                               double random);

// The same when there was no connection.
[[nodiscard]] std::optional<Clock::duration> wait_before_retry(unsigned retries, RetryLimits limits,
                                                               double random);

}  // namespace ccproxy::proxy

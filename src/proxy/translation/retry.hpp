// When a translated request is sent again after the upstream was busy or broken, and after how
// long. Pure. Pass-through requests are left to their clients, which retry by themselves.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct RetryLimits {
  unsigned most = 2;                                   // times it is sent again
  Clock::duration longest = std::chrono::seconds(10);  // wait
};

// The wait before an answer's request is sent again; nothing when it is not. `done` counts the
// retries so far; `random` is from [0, 1), for full jitter. What the upstream itself says counts
// first (x-should-retry, retry-after-ms, retry-after); a 429 that names no time is final. Whether
// the answer is a refusal for good is the caller's to know.
[[nodiscard]] std::optional<Clock::duration> wait_before_retry(const http::ResponseHead& answer,
                                                               unsigned done, RetryLimits limits,
                                                               double random);

// The same when there was no connection.
[[nodiscard]] std::optional<Clock::duration> wait_before_retry(unsigned done, RetryLimits limits,
                                                               double random);

}  // namespace ccproxy::proxy

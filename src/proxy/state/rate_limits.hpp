// The provider's rate limits, as the fields of its responses report them in passing: what `ccproxy
// status` and /health show. No request is made for them.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "http/head.hpp"

namespace ccproxy::proxy {

struct SeenRateLimits {
  WallClock::time_point seen;
  std::map<std::string, std::string> fields;  // every anthropic-ratelimit-* field of one response
};

// Safe from every thread.
class RateLimitSnapshot {
 public:
  // Takes the fields of a response, if it has any. A response within a second of the last one that
  // was taken is passed over, unless its status is 429.
  void note(const http::ResponseHead& response);

  // The last ones that were taken; nothing before the first.
  [[nodiscard]] std::optional<SeenRateLimits> seen() const;

 private:
  std::atomic<Clock::time_point> next_ = Clock::time_point::min();
  mutable std::mutex mutex_;
  std::optional<SeenRateLimits> seen_;
};

// True when the response says that it is paid for with usage credits.
[[nodiscard]] bool uses_credits(const http::ResponseHead& response);

}  // namespace ccproxy::proxy
